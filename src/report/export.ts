/** Results for other tools. */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { csvFiles } from '../columns.ts';
import { fileStart, scalarEvent } from '../database/event_file.ts';
import { literal, openResults } from '../database/results.ts';
import { design } from './design.ts';
import { count } from './format.ts';
import { checkUnaltered, readManifest, readResultSet, readRows } from './read.ts';
import { number, type Row, required, text } from './row.ts';

/** Each writes into `out`, in place of what an earlier call left there, and says what it wrote. */
export const exportTo = { parquet, tensorboard };

async function parquet(folder: string, out: string): Promise<string> {
  await checkUnaltered(folder, await readManifest(folder));
  const database = await openResults([folder]);
  mkdirSync(out, { recursive: true });
  for (const { file } of csvFiles) {
    const table = file.replace('.csv', '');
    const path = join(out, `${table}.parquet`);
    await database.run(`COPY (SELECT * FROM ${table}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
  }
  return count(csvFiles.length, 'Parquet file');
}

/** The scalars of a row, by the names under which they are drawn. */
type Scalars = (row: Row) => (readonly [tag: string, value: number | undefined])[];

const stepScalars = ['loss', 'learning_rate', 'grad_norm', 'clipped_norm', 'clip_coef', 'clipped_fraction', 'cosine'];
const tables: [file: string, scalars: Scalars][] = [
  [
    'steps.csv',
    (row) =>
      [...stepScalars, 'update_norm', 'param_norm', 'threshold', 'nonfinite_count'].map((name) => [
        `steps/${name}`,
        number(row, name),
      ]),
  ],
  ['evals.csv', (row) => ['loss', 'metric'].map((name) => [`evals/${text(row, 'split')}_${name}`, number(row, name)])],
  ['signals.csv', (row) => [[`signals/${text(row, 'name')}`, number(row, 'value')]]],
];

async function tensorboard(folder: string, out: string): Promise<string> {
  const { manifest, runs } = await readResultSet(folder);
  rmSync(out, { recursive: true, force: true });
  const paths = pathsOf(runs, manifest, out);
  for (const path of paths.values()) {
    mkdirSync(path, { recursive: true });
    write(path, [fileStart()], 'w');
  }
  for (const [file, scalars] of tables) {
    // Rows of a run stand together.
    let [current, events]: [string | undefined, Buffer[]] = [undefined, []];
    const end = () => {
      if (current !== undefined) write(current, events, 'a');
      events = [];
    };
    for await (const row of readRows(folder, file)) {
      const path = paths.get(text(row, 'cell_id'));
      if (path !== current) end();
      current = path;
      const known = scalars(row).flatMap(([tag, value]): [string, number][] =>
        value === undefined ? [] : [[tag, value]],
      );
      if (known.length > 0) events.push(scalarEvent(required(row, 'step'), known));
    }
    end();
  }
  return count(paths.size, 'run');
}

function write(path: string, events: readonly Buffer[], flag: 'a' | 'w'): void {
  const file = openSync(join(path, 'events.out.tfevents.0.clipbench'), flag);
  try {
    const all = Buffer.concat(events);
    for (let done = 0; done < all.length; ) done += writeSync(file, all, done);
  } finally {
    closeSync(file);
  }
}

/** A folder for each run: setting, configuration and seed, with the cell's id, so that no two are one. */
function pathsOf(rows: readonly Row[], manifest: Parameters<typeof design>[1], out: string): Map<string, string> {
  const phases = [...new Set(rows.map((row) => text(row, 'phase')))];
  const settings = phases.flatMap((phase) => design(rows, manifest, phase).settings);
  return new Map(
    settings.flatMap(({ label, configs }) =>
      configs.flatMap(({ name, runs }) =>
        runs.map(({ id, seed }): [string, string] => [
          id,
          join(out, plain(label), plain(name), `seed ${seed} ${id.slice(0, 8)}`),
        ]),
      ),
    ),
  );
}

/** As a folder's name. */
const plain = (label: string): string => label.replaceAll(' · ', ', ').replaceAll(/[^\w.,=+ -]/g, '_');
