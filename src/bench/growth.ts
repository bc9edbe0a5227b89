/** How times grow with a size: time ~ size^exponent, by straight lines through logarithms. Pure. */
import type { Growth } from '../bench_record.ts';
import { hodgesLehmann } from '../stats/hodges-lehmann.ts';
import { confidenceOf, timesOf } from './estimate.ts';
import type { Bench, Group, Turn } from './variant.ts';

/** Over the whole range, and over the last decade of it: what is small costs what a call costs, whatever its size. */
export function growthsOf({ groups, growth }: Bench, turns: readonly Turn[]): Growth[] {
  if (growth === undefined) return [];
  const several = fixed.filter((fact) => new Set(groups.map((group) => factOf(group, fact))).size > 1);
  // Variants that differ in the size alone, as those of workers do, are one.
  const sized = groups.flatMap((group) =>
    group.variants.flatMap(({ name, role, facts }) => {
      const size = facts[growth];
      const alike = growth === 'workers' || growth === 'cells' ? group.name : name;
      const line = [alike, ...several.map((fact) => factOf(group, fact))].join(' · ');
      const own = turns.filter((turn) => turn.group === group.name);
      return role === 'again' || typeof size !== 'number' ? [] : [{ line, size, times: timesOf(own, name) }];
    }),
  );
  const lines = [...new Set(sized.map(({ line }) => line))];
  return lines.flatMap((line) => {
    const points = sized.filter((point) => point.line === line).sort((a, b) => a.size - b.size);
    const most = points.at(-1)?.size ?? 0;
    const last = points.filter(({ size }) => size >= most / 10);
    const ranges = last.length < points.length ? [points, last] : [points];
    return ranges.flatMap((range) => fitted(line, growth, range));
  });
}

/** What lines are told apart by, where a measurement has several. */
const fixed = ['task', 'model', 'optimizer', 'backend', 'engine', 'numerics'] as const;

const factOf = (group: Group, fact: (typeof fixed)[number]): string =>
  fact === 'backend' || fact === 'engine' || fact === 'numerics'
    ? group[fact]
    : String(group.variants[0]?.facts[fact] ?? '');

interface Point {
  size: number;
  /** ms, one for each process. */
  times: number[];
}

function fitted(variant: string, over: string, points: readonly Point[]): Growth[] {
  const sizes = [...new Set(points.map(({ size }) => size))];
  const processes = Math.min(...points.map(({ times }) => times.length));
  const [from = 0, to = 0] = [Math.min(...sizes), Math.max(...sizes)];
  if (sizes.length < 2 || processes === 0) return [];
  const slopes = Array.from({ length: processes }, (_, i) =>
    slope(points.map(({ size, times }) => [Math.log(size), Math.log(times[i] ?? Number.NaN)])),
  );
  const { estimate, low, high } = hodgesLehmann(slopes, confidenceOf(processes));
  return [{ variant, over, from, to, points: points.length, estimate, low, high }];
}

/** Of the line of least squares. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([own]) => own)), mean(points.map(([, own]) => own))];
  const over = points.reduce((sum, [own]) => sum + (own - x) ** 2, 0);
  return points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / over;
}
