/** The two stages of a tuned experiment: its trials, and then the runs of what they chose. */
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { runColumns } from '../columns.ts';
import { selectionColumn } from '../manifest.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { confirmCount, confirmed, type Tuning } from '../matrix/tuning.ts';
import { build, find, parts } from '../parts.ts';
import { type ResultRecord, readText } from './store.ts';

/** Runs of an experiment in all, those among them that aren't known yet. */
export const plannedCount = ({ cells, tuning }: Pick<Experiment, 'cells' | 'tuning'>): number =>
  tuning === undefined ? cells.size : tuning.cells.size + confirmCount(tuning);

/** The experiment with the runs that are known by now: its trials, and of every contest whose trials are done what they chose. */
export function known(experiment: Experiment, folder: string, results: ResultRecord[]): Experiment {
  const { tuning } = experiment;
  if (tuning === undefined) return experiment;
  const records = new Map(results.map((record) => [record.cell_id, record]));
  const column = selectionColumn(experiment.compare);
  const chosen = confirmed(tuning, (cell_id) => {
    const record = records.get(cell_id);
    return record && scoreOf(folder, record, column, tuning);
  });
  return { ...experiment, cells: new Map([...tuning.cells, ...chosen]) };
}

/** Higher is better. Undefined where the stored text isn't what it was. */
function scoreOf(folder: string, record: ResultRecord, column: string, { cells }: Tuning): number | 'lost' | undefined {
  const text = readText(folder, record);
  const cell = cells.get(record.cell_id);
  if (text === undefined || cell === undefined) return undefined;
  const [row] = rowSchema.parse(parse(text.run, { columns: runColumns.map(({ name }) => name) }));
  // Empty of a run that completed: the target was never reached.
  if (record.status === 'diverged' || row[column] === '') return 'lost';
  const { better } = build(find(parts.tasks, cell.task.name), cell.task).metric;
  const value = Number(row[column]);
  return /_loss$|^steps_to_target$/.test(column) || better === 'lower' ? -value : value;
}

const rowSchema = z.tuple([z.record(z.string(), z.string())]);
