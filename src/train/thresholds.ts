/** Thresholds that are relative to the run's own gradients: measured before it begins. */
import * as tf from '@tensorflow/tfjs';
import { thresholdRule, withThreshold } from '../parts.ts';
import { median, quantile } from '../stats/quantile.ts';
import { mapTensors } from '../tensors.ts';
import type { Cell, Engine, ThresholdRule, Transform } from '../types.ts';
import { assemble } from './assemble.ts';
import { batchesOf, begin, inputsOf } from './feed.ts';
import { byPlace, membersOf } from './members.ts';

/** The cell with numbers in the place of its relative thresholds; NaN where no step of the probe was finite. */
export function withThresholds(cell: Cell, engine: Engine): Cell {
  const probes = cell.strategy.map((clip) => thresholdRule(clip)?.probe ?? 0);
  const longest = Math.max(...probes);
  if (longest === 0) return cell;
  const seen = probed(cell, longest, engine);
  return {
    ...cell,
    strategy: cell.strategy.map((clip, i) => {
      const rule = thresholdRule(clip);
      if (rule?.probe === undefined) return clip;
      const { schedule } = rule;
      const value = resolved(rule, (seen[i] ?? []).slice(0, rule.probe));
      return withThreshold(clip, schedule === undefined ? value : { value, schedule });
    }),
  };
}

function resolved({ quantile: share, multiple = 1 }: ThresholdRule, values: number[]): number {
  return Math.fround(share === undefined ? multiple * median(values) : quantile(values, share));
}

/**
 * What each strategy would have compared its threshold with in the first steps of the run, had nothing been clipped. Ends before
 * the first value that isn't finite.
 */
function probed(cell: Cell, steps: number, engine: Engine): number[][] {
  const members = membersOf(cell.strategy).map((member) => ({ ...member, transform: watching(member.transform) }));
  const unclipped = assemble({ ...cell, telemetry: 'basic' });
  const assembled = {
    ...unclipped,
    strategies: byPlace(members),
    structure: `probe of ${unclipped.structure}`,
  };
  const nextBatch = batchesOf(cell, assembled);
  const run = begin(cell, assembled, engine);
  const rows: Record<string, number>[] = [];
  while (rows.length < steps) {
    const count = Math.min(20, steps - rows.length);
    rows.push(...run.call(inputsOf(cell, assembled, nextBatch(cell.batch_size * count), rows.length)));
  }
  run.dispose();
  return members.map(({ key }) => {
    const name = members.length === 1 ? 'info.statistic' : `info.${key}.statistic`;
    const values = rows.map((row) => row[name] ?? Number.NaN);
    const end = rows.findIndex(({ grad_norm }, i) => !Number.isFinite(grad_norm) || !Number.isFinite(values[i]));
    return end < 0 ? values : values.slice(0, end);
  });
}

/** Leaves the gradient as it is, and reports what the strategy would compare its threshold with. */
function watching({ statistic }: Transform): Transform {
  return {
    init: () => ({}),
    update: (grads, state, context) => ({
      // What goes back through a model has names of its own.
      grads: mapTensors(grads, (g, name) => (g.rank > (context.params[name]?.rank ?? g.rank) ? g.mean(0) : g)),
      state,
      info: { statistic: statistic?.(grads, context) ?? tf.scalar(Number.NaN) },
    }),
  };
}
