/** What one finished run leaves behind, as text. Written once, by the worker; collecting only puts texts together. */
import { canonical } from '../canonical.ts';
import { evalColumns, runColumns, signalColumns, stepColumns } from '../columns.ts';
import { cellText, identityOf } from '../matrix/identity.ts';
import type { Link } from '../train/hash-chain.ts';
import type { StepRow, Summary } from '../train/summary.ts';
import type { Cell } from '../types.ts';
import { csvText, type Value } from './csv.ts';
import type { RunText } from './store.ts';

export function runText(cell_id: string, cell: Cell, summary: Summary): RunText {
  const { steps, evals, links } = summary;
  return {
    cell: `${cellText(cell)}\n`,
    run: csvText(runColumns, [runRow(cell_id, cell, summary)]),
    steps: csvText(
      stepColumns,
      steps.map((row) => stepRow(cell_id, cell, row)),
    ),
    evals: csvText(
      evalColumns,
      evals.map((row) => ({ cell_id, ...row })),
    ),
    signals: csvText(
      signalColumns,
      steps.flatMap((row) => signalRows(cell_id, row)),
    ),
    chain: links.map(linkText).join(''),
  };
}

/** `12,8f3a90c1` for the scalars up to step 12, `50,params.w1,0123456789abcdef` for a tensor before step 50. */
function linkText(link: Link): string {
  return 'tensor' in link ? `${link.step},${link.tensor},${link.hash}\n` : `${link.step},${link.hash}\n`;
}

function runRow(cell_id: string, cell: Cell, summary: Summary): Record<string, Value> {
  const scores = (when: 'final' | 'best') =>
    (['train', 'val', 'test'] as const).flatMap((split) => [
      [`${when}_${split}_loss`, summary[when][split]?.loss],
      [`${when}_${split}_metric`, summary[when][split]?.metric],
    ]);
  return {
    cell_id,
    ...Object.fromEntries(
      Object.entries(identityOf(cell)).map(([column, value]) => [
        column,
        typeof value === 'object' ? canonical(value) : value,
      ]),
    ),
    ...(summary.threshold !== undefined && { threshold: summary.threshold }),
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
  { telemetry }: Cell,
  { step, learning_rate, scalars }: StepRow,
): Record<string, Value> {
  return {
    cell_id,
    step,
    ...(telemetry !== 'off' && { learning_rate: Math.fround(learning_rate), threshold: scalars['info.threshold'] }),
    ...Object.fromEntries(shown[telemetry].map((name) => [name, scalars[name]])),
  };
}

/** What has a column, or is in one. */
const reserved = ['clipped_fraction', 'threshold', 'raised', 'update_coef'];

/** What a strategy reports beyond the columns that all share. */
function signalRows(cell_id: string, { step, scalars }: StepRow): Record<string, Value>[] {
  return Object.entries(scalars).flatMap(([key, value]) => {
    const name = key.startsWith('info.') ? key.slice('info.'.length) : '';
    return name === '' || reserved.includes(name) ? [] : [{ cell_id, step, name, value }];
  });
}
