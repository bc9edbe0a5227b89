/** bench.csv and samples.csv from what was measured. Pure. */
import type { Calibration } from '../bench_record.ts';
import { type Interval, ratiosOf, timesOf, typical, verdictOf } from './estimate.ts';
import type { Bench, Footprint, Group, Turn, Variant } from './variant.ts';

export type Value = string | number | undefined;
export type Rows = Record<string, Value>[];

/** What was measured of a group, beside its turns. */
export interface Measured {
  footprints: Record<string, Footprint>;
  backend: string;
  engine: string;
}

const BYTES = 4;

export function benchRows(
  { groups, measure }: Pick<Bench, 'groups' | 'measure'>,
  turns: readonly Turn[],
  measured: ReadonlyMap<string, Measured>,
  calibrations: readonly Calibration[],
): Rows {
  return groups.flatMap((group) => {
    const own = turns.filter((turn) => turn.group === group.name);
    const noise = calibrations.find((one) => one.group === group.name)?.itself.noise ?? 1;
    const found = measured.get(group.name);
    return group.variants.map((variant) => {
      const ms = typical(timesOf(own, variant.name));
      return {
        group: group.name,
        variant: variant.name,
        role: variant.role,
        measure,
        backend: found?.backend,
        engine: found?.engine,
        numerics: group.numerics,
        ...variant.facts,
        ...spread('ms', ms),
        ...compared(group, variant, own, noise),
        ...ratesOf(variant, ms.estimate),
        ...(variant.role === 'variant' || variant.role === 'baseline' ? found?.footprints[variant.name] : {}),
        processes: new Set(own.map((turn) => turn.process)).size,
        samples: own.filter((turn) => turn.variant === variant.name).reduce((sum, turn) => sum + turn.ms.length, 0),
      };
    });
  });
}

/** References are there to be looked at by themselves, but for the one that ratios are to. */
function compared(group: Group, { name, role }: Variant, turns: readonly Turn[], noise: number): Record<string, Value> {
  if (name === group.baseline || role === 'reference') return {};
  const ratio = typical(ratiosOf(turns, name, group.baseline));
  const isToCopy = group.variants.find((variant) => variant.name === group.baseline)?.work.kind === 'copy';
  if (!isToCopy) return { ...spread('ratio', ratio), verdict: verdictOf(ratio, noise) };
  // Slower than copying is no finding, and what does nothing copies nothing.
  const share = { estimate: 1 / ratio.estimate, low: 1 / ratio.high, high: 1 / ratio.low };
  return { ...spread('ratio', ratio), ...(name !== 'none' && spread('copy_share', share)) };
}

/** A second's worth, from ms of a call. */
function ratesOf({ work, facts }: Variant, ms: number): Record<string, Value> {
  const calls = 1000 / ms;
  switch (work.kind) {
    case 'clip':
      // What does nothing moves nothing.
      if (work.strategy.name === 'none') return {};
      return { gb_per_second: (2 * BYTES * work.gradient.entries * calls) / 1e9 };
    case 'copy':
      return { gb_per_second: (2 * BYTES * work.entries * calls) / 1e9 };
    case 'step':
      return { steps_per_second: calls, examples_per_second: calls * Number(facts.batch_size) };
    case 'training': {
      const steps = calls * work.cell.steps;
      return { steps_per_second: steps, examples_per_second: steps * Number(facts.batch_size) };
    }
    default:
      return {};
  }
}

export const sampleRows = (turns: readonly Turn[]): Rows =>
  turns.flatMap(({ ms, ...turn }) => ms.map((own, sample) => ({ ...turn, sample, ms: own })));

const spread = (name: string, { estimate, low, high }: Interval): Record<string, number> => ({
  [name]: estimate,
  [`${name}_low`]: low,
  [`${name}_high`]: high,
});
