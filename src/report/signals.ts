/** What strategies report of their own, in one line for each signal. */
import type { Design } from './design.ts';
import { number, type Rows, text } from './row.ts';

export interface SignalSummary {
  strategy: string;
  name: string;
  rows: number;
  nonFinite: number;
  /** Over finite values; NaN where there is none. */
  min: number;
  mean: number;
  max: number;
}

export async function summariseSignals(rows: Rows, design: Design): Promise<SignalSummary[]> {
  const strategies = new Map(design.runs.map((run) => [run.id, text(run.row, 'strategy')]));
  const summaries = new Map<string, SignalSummary>();
  for await (const row of rows) {
    const strategy = strategies.get(text(row, 'cell_id'));
    const value = number(row, 'value');
    if (strategy === undefined || value === undefined) continue;
    const name = text(row, 'name');
    const key = JSON.stringify([strategy, name]);
    const summary = summaries.get(key) ?? {
      strategy,
      name,
      rows: 0,
      nonFinite: 0,
      min: Infinity,
      mean: 0,
      max: -Infinity,
    };
    summaries.set(key, summary);
    summary.rows += 1;
    if (!Number.isFinite(value)) summary.nonFinite += 1;
    else {
      summary.min = Math.min(summary.min, value);
      summary.max = Math.max(summary.max, value);
      // A running mean doesn't overflow where a sum of float32 values could.
      summary.mean += (value - summary.mean) / (summary.rows - summary.nonFinite);
    }
  }
  return [...summaries.values()].map((summary) =>
    summary.rows > summary.nonFinite ? summary : { ...summary, min: Number.NaN, mean: Number.NaN, max: Number.NaN },
  );
}
