/** Would another draw of seeds rank the strategies otherwise? */
import type { Resampling } from './bootstrap.ts';
import { midranks } from './midranks.ts';
import { median } from './quantile.ts';

/** Scores of one strategy: a list for each setting, in it one for each seed; -Infinity for a run that diverged. Higher is better. */
export type SeedScores = readonly (readonly number[])[];

/**
 * Ranks from 1, the best: strategies are ranked by the median over seeds at each setting, then by the mean of these ranks. Needs no
 * common unit of the settings, and a diverged run counts as the worst.
 */
export function rankStrategies(strategies: readonly SeedScores[]): number[] {
  const settings = strategies[0]?.map((_, setting) => midranks(strategies.map((own) => -median(own[setting] ?? []))));
  const means = strategies.map((_, s) => (settings ?? []).reduce((sum, ranks) => sum + (ranks[s] ?? 0), 0));
  return midranks(means);
}

export interface RankStability {
  /** With all seeds. */
  rank: number;
  /** Share of resamples in which no other strategy ranks before it. */
  first: number;
  /** Percentiles over resamples. */
  low: number;
  high: number;
}

/**
 * Seeds are drawn anew at each setting, the same for all strategies, since runs of one seed are paired: at a setting every strategy has a score
 * for each of the same seeds, in the same order.
 */
export function rankStability(
  strategies: readonly SeedScores[],
  { uniform, replicates = 2000, confidence = 0.95 }: Resampling,
): RankStability[] {
  const found = strategies.map(() => new Float64Array(replicates));
  const first = strategies.map(() => 0);
  const counts = strategies[0]?.map((seeds) => seeds.length) ?? [];
  if (strategies.some((own) => own.some((seeds, setting) => seeds.length !== counts[setting])))
    throw new RangeError('strategies have scores of different seeds; give those of the seeds that all of them have');
  for (let replicate = 0; replicate < replicates; replicate++) {
    const drawn = counts.map((count) => Array.from({ length: count }, () => Math.floor(uniform() * count)));
    const resampled = strategies.map((own) =>
      own.map((seeds, setting) => (drawn[setting] ?? []).map((seed) => seeds[seed] ?? Number.NaN)),
    );
    const ranks = rankStrategies(resampled);
    const best = Math.min(...ranks);
    for (const [s, rank] of ranks.entries()) {
      const own = found[s];
      if (own !== undefined) own[replicate] = rank;
      if (rank === best) first[s] = (first[s] ?? 0) + 1;
    }
  }
  const tail = Math.round(((1 - confidence) / 2) * (replicates - 1));
  return rankStrategies(strategies).map((rank, s) => {
    const sorted = found[s]?.sort() ?? new Float64Array();
    const [low = Number.NaN, high = Number.NaN] = [sorted[tail], sorted[replicates - 1 - tail]];
    return { rank, first: (first[s] ?? 0) / replicates, low, high };
  });
}
