/** The rows of one finished run as CSV text. Written once, by the worker; collecting only puts texts together. */
import { stringify } from 'csv-stringify/sync';
import { canonical } from '../canonical.ts';
import { type Column, evalColumns, runColumns, signalColumns, stepColumns } from '../columns.ts';
import { identityOf } from '../matrix/identity.ts';
import type { StepRow, Summary } from '../train/summary.ts';
import type { Cell } from '../types.ts';

type Value = string | number | undefined;

/** Rows in column order: LF, RFC 4180, an empty field where there is no value. */
export function csvText(columns: Column[], rows: Record<string, Value>[]): string {
  return stringify(rows.map((row) => columns.map((column) => fieldText(column, row[column.name]))));
}

export function headerText(columns: Column[]): string {
  return stringify([columns.map(({ name }) => name)]);
}

export interface RunText {
  run: string;
  steps: string;
  evals: string;
  signals: string;
}

export function runText(cell_id: string, cell: Cell, summary: Summary): RunText {
  return {
    run: csvText(runColumns, [runRow(cell_id, cell, summary)]),
    steps: csvText(
      stepColumns,
      summary.steps.map((row) => stepRow(cell_id, cell, row)),
    ),
    evals: csvText(
      evalColumns,
      summary.evals.map((row) => ({ cell_id, ...row })),
    ),
    signals: csvText(
      signalColumns,
      summary.steps.flatMap((row) => signalRows(cell_id, row)),
    ),
  };
}

function runRow(cell_id: string, cell: Cell, summary: Summary): Record<string, Value> {
  const { eval_every, log_every, gradient_scale, telemetry, target } = cell;
  const [first, ...others] = cell.strategy;
  const scores = (when: 'final' | 'best') =>
    (['train', 'val', 'test'] as const).flatMap((split) => [
      [`${when}_${split}_loss`, summary[when][split]?.loss],
      [`${when}_${split}_metric`, summary[when][split]?.metric],
    ]);
  return {
    cell_id,
    phase: cell.phase,
    ...identityOf(cell),
    task_options: canonical(cell.task.options),
    model_options: canonical(cell.model.options),
    optimizer_options: canonical(cell.optimizer.options),
    strategy_options: canonical(others.length === 0 ? first?.options : cell.strategy),
    cell_options: canonical({ eval_every, log_every, gradient_scale, telemetry, target }),
    status: summary.status,
    diverged_at: summary.diverged_at,
    ...Object.fromEntries([...scores('final'), ...scores('best')]),
    best_step: summary.best_step,
    area: summary.area,
    steps_to_target: summary.steps_to_target,
    clipped_steps: summary.label === undefined ? undefined : summary.clipped_steps,
    label: summary.label,
    parameters: summary.parameters,
    params_hash: summary.params_hash,
  };
}

/** Which scalars a telemetry level shows; the loop measures some of them always. */
const shown: Record<Cell['telemetry'], string[]> = (() => {
  const off = ['loss'];
  const basic = [...off, 'grad_norm', 'clipped_norm', 'clip_coef', 'clipped_fraction'];
  return { off, basic, full: [...basic, 'cosine', 'update_norm', 'param_norm', 'nonfinite_count'] };
})();

function stepRow(
  cell_id: string,
  { telemetry, learning_rate }: Cell,
  { step, scalars }: StepRow,
): Record<string, Value> {
  return {
    cell_id,
    step,
    ...(telemetry !== 'off' && { learning_rate: Math.fround(learning_rate), threshold: scalars['info.threshold'] }),
    ...Object.fromEntries(shown[telemetry].map((name) => [name, scalars[name]])),
  };
}

/** What a strategy reports beyond the columns that all share. */
function signalRows(cell_id: string, { step, scalars }: StepRow): Record<string, Value>[] {
  return Object.entries(scalars).flatMap(([key, value]) => {
    const name = key.startsWith('info.') ? key.slice('info.'.length) : '';
    return name === '' || name === 'clipped_fraction' || name === 'threshold' ? [] : [{ cell_id, step, name, value }];
  });
}

function fieldText({ kind }: Column, value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return kind === 'float' ? floatText(value) : numberText(value);
}

/** JavaScript's shortest round-trip text; the sign of -0 kept. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The shortest decimal text that reads back as the same float32: 0.1, not 0.10000000149011612. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return numberText(value);
  // Normal float32s need 6 to 9 digits (fewer come out by themselves); subnormal ones have less to say.
  for (let digits = Math.abs(value) < 2 ** -126 ? 1 : 6; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(Number(value.toPrecision(9)));
}
