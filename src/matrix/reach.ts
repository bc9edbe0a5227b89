/** What the declared comparison can show with the seeds of a matrix, before anything runs. */
import { isMeant } from '../addresses.ts';
import { canonical } from '../canonical.ts';
import { baselineOf, type Compare, memberOf } from '../manifest.ts';
import { holm } from '../stats/holm.ts';
import { smallestP } from '../stats/sign-flip.ts';
import type { Cell } from '../types.ts';
import { identityOf } from './identity.ts';

export interface Reach {
  /** Under Holm. */
  comparisons: number;
  /** Pairs of runs with the same seed: of the comparison with fewest, and with most. */
  fewest: number;
  most: number;
  /** The smallest p of the family that any data could reach, before and after Holm. */
  smallest: { p: number; holm: number };
}

/** Undefined where no comparison gets a verdict. */
export function reachOf(compare: Compare | undefined, cells: Iterable<Cell>): Reach | undefined {
  if (compare === undefined) return undefined;
  const configurations = new Map<string, { cell: Cell; seeds: Set<number> }>();
  for (const cell of cells) {
    const key = canonical({ ...cell, seed: 0 });
    const known = configurations.get(key) ?? { cell, seeds: new Set<number>() };
    known.seeds.add(cell.seed);
    configurations.set(key, known);
  }
  const all = [...configurations.values()].map((own) => ({ ...own, identity: identityOf(own.cell) }));
  const settingOf = ({ strategy: _, ...setting }: Cell) => canonical({ ...setting, seed: 0 });
  const baselines = new Map(
    all.filter(({ identity }) => isMeant(identity, baselineOf(compare))).map((own) => [settingOf(own.cell), own]),
  );
  const entries = compare.family?.map(memberOf);
  const shared = (a: Set<number>, b: Set<number>) => [...a].filter((seed) => b.has(seed)).length;
  const within = all.flatMap(({ cell, seeds, identity }) => {
    const baseline = baselines.get(settingOf(cell));
    if (baseline === undefined || baseline.cell === cell) return [];
    const isDeclared = entries?.some((entry) => !entry.against && isMeant(identity, entry.runs)) ?? true;
    return isDeclared ? [shared(seeds, baseline.seeds)] : [];
  });
  const across = (entries ?? []).flatMap(({ runs, against }) => {
    if (against === undefined) return [];
    const [member, other] = [runs, against].map((meant) => all.find(({ identity }) => isMeant(identity, meant)));
    return member === undefined || other === undefined ? [] : [shared(member.seeds, other.seeds)];
  });
  const pairs = [...within, ...across];
  if (pairs.length === 0) return undefined;
  const reachable = holm(pairs.map(smallestP));
  const most = Math.max(...pairs);
  return {
    comparisons: pairs.length,
    fewest: Math.min(...pairs),
    most,
    smallest: { p: smallestP(most), holm: Math.min(...reachable) },
  };
}
