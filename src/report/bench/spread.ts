/** How far processes lie apart: of each variant the median in each, against the typical one. Pure. */
import { median } from '../../stats/quantile.ts';
import type { StripRow } from '../charts/strips.ts';
import type { Group } from './entry.ts';
import type { Sample } from './read.ts';

export function spreadOf({ name, entries }: Group, samples: readonly Sample[]): StripRow[] {
  const own = samples.filter(({ group }) => group === name);
  const processes = [...new Set(own.map(({ process }) => process))].sort((a, b) => a - b);
  return entries.flatMap(({ variant }) => {
    const mine = own.filter((sample) => sample.variant === variant);
    const medians = processes.map((process) =>
      median(mine.filter((sample) => sample.process === process).map(({ ms }) => ms)),
    );
    const typical = median(medians);
    return medians.every((ms) => ms > 0) ? [{ name: variant, values: medians.map((ms) => ms / typical) }] : [];
  });
}
