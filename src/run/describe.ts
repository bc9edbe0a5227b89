/** The manifest of a results folder. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { canonical } from '../canonical.ts';
import { fingerprintId } from '../engine/fingerprint.ts';
import type { Manifest } from '../manifest.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { build, find, parts, thresholdOption } from '../parts.ts';
import type { Choice, Options, Part } from '../types.ts';
import type { Environment } from './pool.ts';
import type { RunReport } from './run.ts';
import type { CellRecord } from './store.ts';

interface Facts {
  experiment: Experiment;
  environment: Environment;
  records: CellRecord[];
  report: RunReport;
  command: string;
  jobs: number;
  started: string;
  /** The manifest that the folder held before this call. */
  earlier: Manifest | undefined;
}

export function describe({
  experiment,
  environment,
  records,
  report,
  command,
  jobs,
  started,
  earlier,
}: Facts): Manifest {
  const { file, text, sha256, question, compare } = experiment;
  const cells = [...experiment.cells.values()];
  const about = (names: string[], list: Part<Options, unknown>[]) =>
    Object.fromEntries([...new Set(names)].map((name) => [name, aboutPart(find(list, name))]));
  const declared = compare === undefined ? 'none' : sha(canonical(compare));
  const changed = compareChanged(earlier, declared);
  const tasks = new Map(cells.map(({ task }) => [task.name, aboutTask(task)]));
  return {
    question,
    experiment: { file, text, sha256 },
    ...(compare !== undefined && { compare, compare_sha256: declared }),
    ...(changed !== undefined && { compare_changed: changed }),
    cells: cells.length,
    completed: report.completed,
    diverged: report.diverged,
    failed: report.failures.length,
    fingerprint: environment.fingerprint,
    fingerprint_id: fingerprintId(environment.fingerprint),
    parts: {
      strategies: about(
        cells.flatMap(({ strategy }) => strategy.map(({ name }) => name)),
        parts.strategies,
      ),
      optimizers: about(
        cells.map(({ optimizer }) => optimizer.name),
        parts.optimizers,
      ),
      models: about(
        cells.map(({ model }) => model.name),
        parts.models,
      ),
      tasks: Object.fromEntries(tasks),
    },
    data: Object.fromEntries(records.flatMap((record) => Object.entries(record.data))),
    versions: { clipbench: versionOf('../../package.json'), node: process.versions.node },
    command,
    jobs,
    // Of the first call: later ones go on where it stopped.
    started: earlier?.experiment.file === file ? earlier.started : started,
    finished: new Date().toISOString(),
  };
}

/** A comparison chosen after results were there is no declared one; the report has to say so, for good. */
function compareChanged(earlier: Manifest | undefined, declared: string): Manifest['compare_changed'] {
  const before = earlier?.compare_sha256 ?? 'none';
  const finished_runs = (earlier?.completed ?? 0) + (earlier?.diverged ?? 0);
  if (earlier === undefined || finished_runs === 0 || before === declared) return earlier?.compare_changed;
  return earlier.compare_changed ?? { finished_runs, before };
}

function aboutPart(part: Part<Options, unknown>) {
  const { summary, equation, reference, scope } = part;
  const threshold = thresholdOption(part);
  return { summary, equation, reference, ...(scope && { scope }), ...(threshold && { threshold }) };
}

function aboutTask(choice: Choice) {
  const part = find(parts.tasks, choice.name);
  const { name, better } = build(part, choice).metric;
  return { ...aboutPart(part), metric: { name, better } };
}

function versionOf(packageFile: string): string {
  return z.object({ version: z.string() }).parse(createRequire(import.meta.url)(packageFile)).version;
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
