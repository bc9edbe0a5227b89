/** The manifest of a results folder. */
import { createHash } from 'node:crypto';
import { canonical } from '../canonical.ts';
import { fingerprintId } from '../engine/fingerprint.ts';
import type { Code, Manifest } from '../manifest.ts';
import type { Experiment } from '../matrix/experiment.ts';
import { searchOf } from '../matrix/tuning.ts';
import { build, contentOf, find, parts, thresholdOption } from '../parts.ts';
import type { Choice, Options, Part } from '../types.ts';
import type { Inventory } from './inventory.ts';
import { tally } from './manifest-file.ts';
import { machineFacts, versionFacts } from './provenance.ts';
import { plannedCount } from './stages.ts';
import type { Environment } from './worker-process.ts';

interface Facts extends Omit<Inventory, 'altered'> {
  experiment: Experiment;
  environment: Environment;
  files: Manifest['files'];
  /** Nothing that was asked for is left to do. */
  finished: boolean;
  call: {
    command: string;
    jobs: number;
    code: Code;
    started: string;
    /** The manifest that the folder held before this call. */
    earlier: Manifest | undefined;
    /** Results of any kind that it held. */
    stored_before: number;
    fallbacks: string[];
  };
}

export function describe({ experiment, environment, results, failures, files, finished, call }: Facts): Manifest {
  const { command, jobs, code, started, earlier, stored_before, fallbacks } = call;
  const { file, text, sha256, set, smoke, question, compare, tuning } = experiment;
  const cells = [...experiment.cells.values()];
  const about = (names: string[], list: Part<Options, unknown>[]) =>
    Object.fromEntries([...new Set(names)].map((name) => [name, aboutPart(find(list, name))]));
  const tune = tuning?.tune;
  const declared = compare === undefined ? 'none' : sha(canonical(tune === undefined ? compare : { compare, tune }));
  const search = tuning && { contests: searchOf(tuning), confirming: cells.length > tuning.cells.size };
  const changed = compareChanged(earlier, stored_before, declared, search);
  return {
    question,
    experiment: { file, text, sha256, set, smoke },
    ...(compare !== undefined && { compare, compare_sha256: declared }),
    ...(changed !== undefined && { compare_changed: changed }),
    ...(tune !== undefined && { tune }),
    ...(search !== undefined && { search }),
    cells: plannedCount(experiment),
    ...tally({ results, failures }),
    fingerprint: environment.fingerprint,
    fingerprint_id: fingerprintId(environment.fingerprint),
    ...(fallbacks.length > 0 && { engine_fallbacks: fallbacks }),
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
      tasks: aboutTasks(new Set(cells.map(({ task }) => task))),
    },
    code,
    versions: versionFacts(environment.fingerprint),
    machine: machineFacts(),
    command,
    jobs,
    // Of the first call: later ones go on where it stopped.
    started: earlier?.experiment.file === file ? earlier.started : started,
    ...(finished && { finished: new Date().toISOString() }),
    files,
  };
}

/**
 * A comparison chosen after results were there is no declared one, nor is one whose strategies were tuned again after it was seen how the
 * first choice did; the report has to say so, for good. A strategy that is added changes nothing of the others.
 */
function compareChanged(
  earlier: Manifest | undefined,
  stored_before: number,
  declared: string,
  search: Manifest['search'],
): Manifest['compare_changed'] {
  const before = earlier?.compare_sha256 ?? 'none';
  if (earlier === undefined || stored_before === 0) return earlier?.compare_changed;
  const searched = earlier.search?.confirming === true ? earlier.search.contests : {};
  const isOther = Object.entries(search?.contests ?? {}).some(([id, tried]) => (searched[id] ?? tried) !== tried);
  const what = before !== declared ? 'comparison' : isOther ? 'search' : undefined;
  return earlier.compare_changed ?? (what && { what, finished_runs: stored_before, before });
}

function aboutPart(part: Part<Options, unknown>) {
  const { summary, equation, reference, scope } = part;
  const threshold = thresholdOption(part);
  return { summary, equation, reference, ...(scope && { scope }), ...(threshold && { threshold }) };
}

function aboutTasks(tasks: Set<Choice>): Manifest['parts'][string] {
  const about: Manifest['parts'][string] = {};
  for (const task of tasks) {
    const part = find(parts.tasks, task.name);
    const { name, better } = build(part, task).metric;
    const metrics = { ...about[task.name]?.metrics, [canonical(contentOf(task).options)]: { name, better } };
    about[task.name] = { ...aboutPart(part), metrics };
  }
  return about;
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
