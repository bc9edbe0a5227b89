/**
 * Made-up results folders in the exact columns of src/columns.ts, the same on every call: the report is tested without
 * training anything. Losses fall, gradients spike, high rates without clipping diverge; nothing here is a finding.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import seedrandom from 'seedrandom';
import { csvFiles } from '../../src/columns.ts';
import type { Manifest } from '../../src/manifest.ts';
import { renderReport } from '../../src/report/index.ts';
import type { Row } from '../../src/report/row.ts';
import { syntheticManifest } from './synthetic-manifest.ts';

export interface Synthetic {
  manifest: Manifest;
  runs: Row[];
  steps: Row[];
  evals: Row[];
  signals: Row[];
  failures: Row[];
}

export interface Wanted {
  tasks?: string[];
  models?: { name: string; options: Record<string, unknown> }[];
  rates?: number[];
  strategies?: { name: string; threshold?: string; values?: number[] }[];
  seeds?: number[];
  steps?: number;
  telemetry?: 'off' | 'basic';
  /** Make runs at high rates diverge. */
  diverging?: boolean;
  question?: string;
  file?: string;
  compare?: Manifest['compare'];
  failures?: Row[];
  /** What `clipbench run --smoke` leaves: one seed, 3 steps, nothing to compare. */
  smoke?: boolean;
  /** Fields of the manifest in place of those made up. */
  manifest?: Partial<Manifest>;
}

type Value = string | number | undefined;

const strategiesOfFull = [
  { name: 'none' },
  { name: 'value', threshold: 'clip_value', values: [0.01, 0.1, 1] },
  { name: 'norm', threshold: 'max_norm', values: [0.1, 1, 10] },
  { name: 'global_norm', threshold: 'max_norm', values: [0.1, 1, 10] },
];

export function synthetic(asked: Wanted = {}): Synthetic {
  const wanted: Wanted = asked.smoke ? { steps: 3, seeds: [0], diverging: false, ...asked } : asked;
  const made: Synthetic = {
    manifest: syntheticManifest(wanted),
    runs: [],
    steps: [],
    evals: [],
    signals: [],
    failures: wanted.failures ?? [],
  };
  for (const task of wanted.tasks ?? ['row_mnist'])
    for (const model of wanted.models ?? [
      { name: 'rnn', options: { hidden: [64] } },
      { name: 'mlp', options: { hidden: [64] } },
    ])
      for (const rate of wanted.rates ?? [0.05, 0.5])
        for (const strategy of wanted.strategies ?? strategiesOfFull)
          for (const threshold of strategy.values ?? [undefined])
            for (const seed of wanted.seeds ?? [0, 1, 2, 3, 4, 5]) {
              addRun(made, wanted, { task, model, rate, strategy, threshold, seed });
            }
  const diverged = made.runs.filter((run) => run.status === 'diverged').length;
  Object.assign(made.manifest, {
    cells: made.runs.length + made.failures.length,
    completed: made.runs.length - diverged,
    diverged,
    failed: made.failures.length,
    computed_by: { [made.manifest.code.source]: made.runs.length },
    ...wanted.manifest,
  });
  return made;
}

interface Point {
  task: string;
  model: { name: string; options: Record<string, unknown> };
  rate: number;
  strategy: { name: string; threshold?: string };
  threshold: number | undefined;
  seed: number;
}

function addRun(made: Synthetic, wanted: Wanted, point: Point): void {
  const { task, model, rate, strategy, threshold, seed } = point;
  const id = createHash('sha256').update(JSON.stringify(point)).digest('hex').slice(0, 16);
  const random = seedrandom.alea(`${task} ${model.name} ${rate} ${seed}`);
  const noise = () => random() + random() + random() - 1.5;
  const steps = wanted.steps ?? 300;
  const binding = threshold === undefined ? 0 : Math.min(1, (strategy.name === 'value' ? 0.05 : 1) / threshold);
  const lossMetric = task === 'adding';
  // A seed moves all strategies alike (they share start and batches), and each a little on its own.
  const own = seedrandom.alea(`${strategy.name} ${threshold} ${seed} ${rate} ${model.name} ${task}`);
  const luck = 0.04 * (seedrandom.alea(`luck ${seed} ${model.name}`)() - 0.5) + 0.03 * (own() - 0.5);
  const fit =
    (model.name === 'rnn' ? 0.75 : 0.85) + (rate > 0.1 ? 0.05 : -0.08) - (strategy.name === 'norm' ? 0.02 : 0);
  const quality = fit + luck - 0.06 * Math.abs(Math.log10(binding || 0.03) + 0.3);
  const wild =
    wanted.diverging !== false &&
    rate > 0.1 &&
    (strategy.name === 'none' || (threshold ?? 0) >= (strategy.name === 'value' ? 1 : 10));
  const divergedAt =
    wild && random() < (strategy.name === 'none' ? 0.8 : 0.35) ? Math.floor(8 + random() * steps * 0.7) : undefined;
  const pace = ((rate > 0.1 ? 12 : 4) * (1 + 0.3 * (own() - 0.5))) / steps;
  const start = lossMetric ? 1 : 2.3;
  const lossAt = (step: number) =>
    start * (1 - quality) + start * quality * Math.exp(-pace * step) * (1 + 0.12 * noise());
  const f32 = (value: number | undefined): Value =>
    value === undefined ? undefined : Number(Math.fround(value).toPrecision(7));
  const on = wanted.telemetry !== 'off';
  let clippedSteps = 0;
  for (let step = 0; step < (divergedAt === undefined ? steps : divergedAt + 1); step += 1) {
    const last = step === divergedAt;
    const blown = divergedAt !== undefined && step > divergedAt - 6 ? 6 ** (step - divergedAt + 6) : 1;
    const grad = last
      ? Infinity
      : step === 3 && seed === 1
        ? 0
        : (0.2 + 3 * Math.exp(-pace * step) * (model.name === 'rnn' ? 4 : 1)) * Math.exp(noise()) * blown;
    const limit = threshold === undefined ? Infinity : strategy.name === 'value' ? threshold * 20 : threshold;
    const clipped = Math.min(grad, limit);
    const coef = grad === 0 ? 1 : last ? Number.NaN : clipped / grad;
    const fraction =
      threshold === undefined || !(coef < 1 - 1e-6)
        ? 0
        : strategy.name === 'global_norm'
          ? 1
          : Math.min(1, 0.3 * (1 - coef) + 0.01);
    if (fraction > 0) clippedSteps += 1;
    add(made.steps, 'steps.csv', {
      cell_id: id,
      step,
      loss: f32(last ? (seed % 2 === 0 ? Number.NaN : Infinity) : lossAt(step) * Math.min(blown, 1e9)),
      ...(on && {
        learning_rate: f32(rate),
        grad_norm: f32(grad),
        clipped_norm: f32(last ? Number.NaN : clipped),
        clip_coef: f32(coef),
        clipped_fraction: f32(fraction),
        threshold: f32(threshold),
      }),
    });
    if (on && strategy.name === 'norm' && step % 50 === 0)
      add(made.signals, 'signals.csv', { cell_id: id, step, name: 'clipped_tensors', value: Math.round(fraction * 8) });
  }
  const scores: { step: number; loss: number; metric: number }[] = [];
  const evaluated = [...new Set([0, 1, 2, 3, 4, 5, 6].map((part) => Math.round((part * steps) / 6)))];
  for (const step of evaluated.filter((at) => at <= (divergedAt ?? steps))) {
    const loss = lossAt(step) * 1.05;
    const metric = lossMetric ? loss / 2 : Math.max(0.08, Math.min(1, 1 - loss / 2.4 + 0.01 * noise()));
    scores.push({ step, loss, metric });
    for (const split of ['train', 'val']) add(made.evals, 'evals.csv', { cell_id: id, step, split, loss, metric });
  }
  const best = scores.reduce((a, b) => ((lossMetric ? b.metric < a.metric : b.metric > a.metric) ? b : a));
  const final = divergedAt === undefined ? scores.at(-1) : undefined;
  if (final !== undefined)
    add(made.evals, 'evals.csv', { cell_id: id, step: steps, split: 'test', loss: final.loss, metric: final.metric });
  const share = clippedSteps / (divergedAt === undefined ? steps : divergedAt + 1);
  const all = (when: string, score: { loss: number; metric: number } | undefined) =>
    Object.fromEntries(
      ['train', 'val', 'test'].flatMap((split) => [
        [`${when}_${split}_loss`, score?.loss],
        [`${when}_${split}_metric`, score?.metric],
      ]),
    );
  add(made.runs, 'runs.csv', {
    cell_id: id,
    phase: wanted.smoke ? 'smoke' : 'confirm',
    task,
    task_options: '{}',
    model: model.name,
    model_options: JSON.stringify(model.options),
    optimizer: 'sgd',
    learning_rate: rate,
    optimizer_options: '{"momentum":0.9}',
    strategy: strategy.name,
    threshold,
    strategy_options: JSON.stringify(
      strategy.threshold === undefined ? {} : { [strategy.threshold]: threshold, semantics: 'safe' },
    ),
    batch_size: 64,
    steps,
    numerics: 'repro',
    seed,
    cell_options: '{"eval_every":50,"log_every":1}',
    status: divergedAt === undefined ? 'completed' : 'diverged',
    diverged_at: divergedAt,
    ...all('final', final),
    best_step: best.step,
    ...all('best', best),
    area: final?.metric === undefined ? undefined : final.metric * 0.8,
    clipped_steps: clippedSteps,
    label: clippedSteps === 0 ? 'never' : share <= 0.1 ? 'safety_net' : 'binding',
    parameters: 6922,
    params_hash: divergedAt === undefined ? id : undefined,
  });
}

/** A row in full: every column of the file, empty where nothing is given. */
function add(rows: Row[], file: string, values: Record<string, Value>): void {
  rows.push(Object.fromEntries(columnsOf(file).map((name) => [name, written(values[name])])));
}

const columnsOf = (file: string): string[] =>
  csvFiles.find((entry) => entry.file === file)?.columns.map((column) => column.name) ?? [];

const written = (value: Value): string => (value === undefined ? '' : Object.is(value, -0) ? '-0' : String(value));

/** Writes the folder as the runner would, the manifest with the hashes of the CSV files; returns its path. */
export async function writeSynthetic(folder: string, made: Synthetic): Promise<string> {
  await mkdir(folder, { recursive: true });
  const tables: [string, Row[]][] = [
    ['runs.csv', made.runs],
    ['steps.csv', made.steps],
    ['evals.csv', made.evals],
    ['signals.csv', made.signals],
    ['failures.csv', made.failures],
  ];
  const files: Manifest['files'] = {};
  for (const [file, rows] of tables) {
    const columns = columnsOf(file);
    const text = stringify([columns, ...rows.map((row) => columns.map((name) => row[name] ?? ''))]);
    await writeFile(join(folder, file), text);
    files[file] = { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
  }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...made.manifest, files }, null, 2));
  return folder;
}

/** The report of made-up results, as text. */
export async function rendered(made: Synthetic): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clipbench-synthetic-'));
  try {
    return await renderReport(await writeSynthetic(join(folder, 'made'), made));
  } finally {
    await rm(folder, { recursive: true });
  }
}
