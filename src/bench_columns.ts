/** The columns of the CSV files of a throughput measurement, results/bench/<name>/, as `columns.ts` is for runs. */
import type { Column, CsvFile } from './columns.ts';

const text = (name: string, meaning: string): Column => ({ name, kind: 'text', meaning });
const integer = (name: string, meaning: string): Column => ({ name, kind: 'integer', meaning });
const number = (name: string, meaning: string): Column => ({ name, kind: 'double', meaning });

/** A figure with its interval. */
const measured = (name: string, meaning: string): Column[] => [
  number(name, meaning),
  number(`${name}_low`, `lower end of its interval`),
  number(`${name}_high`, `upper end of its interval`),
];

export const benchColumns: Column[] = [
  text('group', 'what the variants that are compared have in common; they took turns in the same processes'),
  text('variant', 'what distinguishes it in its group'),
  text(
    'role',
    '`baseline`: what ratios are to; `variant`; `again`: a variant measured a second time, so that it can be seen what a difference means; `reference`: fixed work that has nothing to do with clipbench',
  ),
  text(
    'measure',
    '`clip`: a strategy on a gradient; `step`: a training step; `training`: whole runs; `run`: `clipbench run`',
  ),
  text('backend', '`native`, `wasm` or `cpu`'),
  text('engine', '`compiled` or `eager`'),
  text('numerics', '`repro` (oneDNN off) or `fast` (on)'),
  text('task', 'what is learned'),
  text('model', 'what learns'),
  text('optimizer', 'how the (clipped) gradient becomes an update'),
  text('strategy', 'the clip strategy; a chain is named first-second'),
  integer('batch_size', 'examples in a training batch'),
  integer('parameters', 'number of trained parameters'),
  integer('entries', 'numbers in the gradient'),
  integer('tensors', 'tensors in the gradient'),
  integer('length', 'times of a sequence, where the task has them'),
  integer('workers', 'processes that shared the runs'),
  integer('cells', 'runs'),
  ...measured('ms', 'of a call: of the strategy, a step, a whole run, or `clipbench run`'),
  ...measured(
    'ratio',
    "time as a multiple of the baseline's; of the reference `copy` where gradients are clipped alone",
  ),
  text(
    'verdict',
    '`slower` or `faster` than the baseline, where the whole interval lies beyond the noise; else `not told apart`',
  ),
  number('steps_per_second', 'training steps'),
  number('examples_per_second', 'training examples'),
  number('gb_per_second', 'the gradient read once and written once, in 1e9 bytes a second'),
  ...measured('copy_share', "share of this machine's copying speed: time to copy the gradient over time to clip it"),
  integer('kernels', 'operations asked of the backend for a call'),
  number('allocated_mb', 'what they allocate for results, in 1e6 bytes; freed in between or not'),
  number('peak_mb', 'most resident memory of a process that did nothing else, in 1e6 bytes, beyond what it had before'),
  integer('processes', 'processes in which it was measured'),
  integer('samples', 'samples in all of them'),
];

export const sampleColumns: Column[] = [
  text('group', 'as in bench.csv'),
  text('variant', 'as in bench.csv'),
  integer('process', 'from 0'),
  integer('pass', 'through all variants of the group, from 0; every odd one goes through them backwards'),
  integer('sample', 'within a turn, from 0'),
  integer('calls', 'that were timed together'),
  number('ms', 'of a call'),
];

export const benchFiles: CsvFile[] = [
  { file: 'bench.csv', columns: benchColumns, rows: 'one per variant', deterministic: false },
  { file: 'samples.csv', columns: sampleColumns, rows: 'one per sample', deterministic: false },
];
