/**
 * The columns of every CSV in results/<name>/: name, kind and meaning. The writer, the reader and the generated
 * results/README.md all take them from here, in this order.
 */

/**
 * `float` is a float32 as the shortest text that round-trips it, `double` JavaScript's shortest text,
 * `json` canonical JSON (sorted keys). An empty field means: not applicable.
 */
export type Kind = 'text' | 'integer' | 'float' | 'double' | 'json';
export interface Column {
  name: string;
  kind: Kind;
  meaning: string;
}

const column = (name: string, kind: Kind, meaning: string): Column => ({ name, kind, meaning });

const scored = (when: string, meaning: string): Column[] =>
  ['train', 'val', 'test'].flatMap((split) => [
    column(`${when}_${split}_loss`, 'double', `loss on the ${split} split, as in evals.csv, ${meaning}`),
    column(`${when}_${split}_metric`, 'double', `metric on the ${split} split, as in evals.csv, ${meaning}`),
  ]);

export const runColumns: Column[] = [
  column('cell_id', 'text', 'content id of the cell: 16 hex digits of sha256 of its canonical JSON'),
  column(
    'phase',
    'text',
    '`confirm`: a run that is compared; `tune`: a trial by which something is chosen; `smoke`: a few steps to see that it runs, whose figures mean nothing',
  ),
  column('trial', 'integer', 'of a tuning trial: its number, from 0'),
  column('task', 'text', 'what is learned'),
  column('task_options', 'json', "the task's options"),
  column('model', 'text', 'what learns'),
  column('model_options', 'json', "the model's options"),
  column('optimizer', 'text', 'how the (clipped) gradient becomes an update'),
  column('learning_rate', 'double', 'the learning rate'),
  column('optimizer_options', 'json', "the optimizer's other options"),
  column('strategy', 'text', 'the clip strategy; a chain is named first-second'),
  column('threshold', 'double', "value of the strategy's threshold option (max_norm, clip_value, ...)"),
  column('strategy_options', 'json', "the strategy's options; a list of {name, options} for a chain"),
  column('batch_size', 'integer', 'examples in a training batch'),
  column('steps', 'integer', 'optimizer updates planned'),
  column('numerics', 'text', '`repro` (oneDNN off) or `fast` (on)'),
  column('seed', 'integer', 'runs with the same seed share start, batches and evaluation data: they are paired'),
  column('cell_options', 'json', 'the remaining fields of the cell'),
  column('status', 'text', '`completed` or `diverged`; both are results'),
  column('diverged_at', 'integer', 'first step with a non-finite loss, or whose update made param_norm non-finite'),
  ...scored('final', 'after the last update; empty for a diverged run'),
  column('best_step', 'integer', 'evaluation with the best validation metric, the earliest on ties'),
  ...scored('best', 'at best_step'),
  column('area', 'double', 'validation metric, trapezoid over steps divided by steps; empty for a diverged run'),
  column('steps_to_target', 'integer', 'first evaluated step at which the validation metric reached the target'),
  column('clipped_steps', 'integer', "steps on which the strategy's output differed from its input by its own rule"),
  column('label', 'text', '`never` clipped, `safety_net` (up to 10 % of steps) or `binding` (more)'),
  column('parameters', 'integer', 'number of trained parameters'),
  column('params_hash', 'text', 'sha256 (16 hex digits) of the final parameters; empty for a diverged run'),
];

export const stepColumns: Column[] = [
  column('cell_id', 'text', 'the run'),
  column('step', 'integer', 'updates made before this row: the row describes the batch and gradient before update t'),
  column('loss', 'float', 'mean loss of the training batch, without the penalties l1, l2 and omega'),
  column('learning_rate', 'float', 'the rate used'),
  column('grad_norm', 'float', 'L2 norm over all gradients before clipping, free of overflow'),
  column('clipped_norm', 'float', 'the same after clipping'),
  column('clip_coef', 'float', 'clipped_norm / grad_norm; 1 where grad_norm is 0'),
  column('clipped_fraction', 'float', "share of entries, tensors or steps touched, by the strategy's scope"),
  column('cosine', 'float', 'cosine between the gradient before and after clipping (telemetry: full)'),
  column('update_norm', 'float', 'L2 norm of what was added to the parameters (telemetry: full)'),
  column('param_norm', 'float', 'L2 norm of the parameters after the update (telemetry: full)'),
  column('threshold', 'float', 'the threshold in force at this step'),
  column('nonfinite_count', 'integer', 'NaN or infinite entries of the gradient (telemetry: full)'),
];

export const evalColumns: Column[] = [
  column('cell_id', 'text', 'the run'),
  column('step', 'integer', 'updates made before this evaluation'),
  column('split', 'text', '`train` (a fixed part of it), `val`, or `test` (at the best and the last step only)'),
  column('loss', 'double', 'mean loss over the split: clean labels, no smoothing, Huber or penalties'),
  column('metric', 'double', "the task's metric over the split, on clean labels"),
];

export const signalColumns: Column[] = [
  column('cell_id', 'text', 'the run'),
  column('step', 'integer', 'updates made before this row'),
  column('name', 'text', 'what the strategy reports'),
  column('value', 'float', 'its value'),
];

export const timingColumns: Column[] = [
  column('cell_id', 'text', 'the run'),
  column('host', 'text', 'machine'),
  column('worker', 'text', 'worker process'),
  column('started', 'text', 'UTC, ISO 8601'),
  column('seconds', 'double', 'wall time of the whole run'),
  column('ms_per_step', 'double', 'training only; measured in a parallel sweep, not a throughput benchmark'),
];

export const failureColumns: Column[] = [
  column('cell_id', 'text', 'the run that did not finish'),
  column(
    'status',
    'text',
    '`failed`: it ended with an error or its process died; `timeout`: it took longer than --timeout',
  ),
  column('attempts', 'integer', 'how often it was tried'),
  column('error', 'text', 'what happened the last time, in one line'),
  column('log', 'text', 'file in the results folder with everything that the attempts printed'),
];

export interface CsvFile {
  file: string;
  columns: Column[];
  rows: string;
  deterministic: boolean;
}

export const csvFiles: CsvFile[] = [
  { file: 'runs.csv', columns: runColumns, rows: 'one per finished run, in matrix order', deterministic: true },
  { file: 'steps.csv', columns: stepColumns, rows: 'one per logged training step', deterministic: true },
  { file: 'evals.csv', columns: evalColumns, rows: 'one per evaluation and split', deterministic: true },
  {
    file: 'signals.csv',
    columns: signalColumns,
    rows: "one per logged step and signal of the strategy's own; a chain's members report their fraction and threshold here",
    deterministic: true,
  },
  { file: 'timing.csv', columns: timingColumns, rows: 'one per finished run', deterministic: false },
  { file: 'failures.csv', columns: failureColumns, rows: 'one per run that failed', deterministic: false },
];

/** Why a header isn't that of this version's file, or undefined where it is. */
export function headerFault(file: string, found: readonly string[]): string | undefined {
  const expected = csvFiles.find((entry) => entry.file === file)?.columns.map(({ name }) => name) ?? [];
  if (found.join() === expected.join()) return undefined;
  const missing = expected.filter((name) => !found.includes(name));
  const unknown = found.filter((name) => !expected.includes(name));
  const what = [
    missing.length > 0 ? `missing ${missing.join(', ')}` : '',
    unknown.length > 0 ? `unknown ${unknown.join(', ')}` : '',
  ].filter((part) => part !== '');
  return `the columns are not those of this version: ${what.join('; ') || 'another order'}; collect the results again`;
}

/** Files that a run without failures or without signals of its own need not have; timing is of no use to a report. */
export const optionalFiles: readonly string[] = ['signals.csv', 'failures.csv', 'timing.csv'];
