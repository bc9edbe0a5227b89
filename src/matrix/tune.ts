/** What an experiment says of `tune`, checked against its cells, and the points that its trials try. */
import { stream } from '../engine/random.ts';
import { compareSchema, memberOf, type Tune, tuneSchema } from '../manifest.ts';
import { find, metaOf, parts, thresholdIn, thresholdOption, thresholdRule, withThreshold } from '../parts.ts';
import type { Cell, Choice } from '../types.ts';
import { isRecord } from './choices.ts';
import { strategyName } from './identity.ts';
import { checkKeys, type Mistakes, shown } from './mistakes.ts';
import { type Contest, contestsOf, type Point, type Tuning, withTrials } from './tuning.ts';

/** The trials of an experiment; undefined where nothing is tuned, or after a mistake. */
export function tuningOf(written: unknown, cells: Cell[], mistakes: Mistakes): Tuning | undefined {
  if (written === undefined) return undefined;
  const checked = tuneSchema.safeParse(written);
  if (!checked.success) {
    const known = Object.keys(tuneSchema.shape);
    if (isRecord(written)) checkKeys(written, ['tune'], known, mistakes);
    else mistakes.at(['tune'], `tune is ${shown(written)}; it takes ${known.join(', ')}`);
    mistakes.issues('tune', checked.error.issues, written, ['tune'], (option) => ['tune', option]);
    return undefined;
  }
  const { method = checked.data.budget === undefined ? 'grid' : 'quasi_random', ...given } = checked.data;
  const tune = { ...given, method };
  const both = tune.seeds.find((seed) => cells.some((cell) => cell.seed === seed));
  if (both !== undefined) {
    mistakes.at(
      ['tune', 'seeds'],
      `seed ${both} is among the seeds of the matrix too; what is chosen on a seed can't be confirmed on it: give others, such as ${1000 + both}`,
    );
  }
  const twice = tune.seeds.find((seed, i) => tune.seeds.indexOf(seed) !== i);
  if (twice !== undefined) mistakes.at(['tune', 'seeds'], `seed ${twice} is written twice; give every seed once`);
  if ((method === 'grid') !== (tune.budget === undefined)) {
    const remedy =
      method === 'grid'
        ? 'a grid tries every value that is written, so leave budget out'
        : 'say how many trials, as budget: 20';
    mistakes.at(['tune'], `tune has method ${method} and budget ${shown(tune.budget)}; ${remedy}`);
  }
  if (mistakes.any()) return undefined;
  const contests = contestsOf(cells, tune.over);
  const points = new Map(
    contests.map((contest) => [contest, tune.budget === undefined ? contest.points : drawn(contest, tune, mistakes)]),
  );
  checkBudget(tune, points, mistakes);
  return mistakes.any() ? undefined : withTrials(tune, contests, (contest) => points.get(contest) ?? []);
}

/** Every contest has the same number of trials, or, where nothing of it is tuned, one. */
function checkBudget({ over }: Tune, points: Map<Contest, Point[]>, mistakes: Mistakes): void {
  const counts = new Map<number, Contest>();
  for (const [contest, tried] of points)
    if (hasDimension(contest, over) && !counts.has(tried.length)) counts.set(tried.length, contest);
  const most = Math.max(0, ...counts.keys());
  if (most < 2) {
    mistakes.at(['tune', 'over'], `nothing is tuned: no ${over.join(' or ')} has more than one value; give it a list`);
  } else if (counts.size > 1) {
    const each = [...counts].map(([count, { cell }]) => `${strategyName(cell.strategy)} has ${count}`);
    mistakes.at(
      ['tune'],
      `every strategy takes the same number of trials, but ${each.join(', ')}; give budget: ${most}, for as many of each within the ranges that are written, or as many values of each`,
    );
  }
}

const hasDimension = ({ cell }: Contest, over: Tune['over']): boolean =>
  over.includes('learning_rate') || (over.includes('threshold') && cell.strategy.some(hasThreshold));

const hasThreshold = ({ name }: Choice): boolean => thresholdOption(find(parts.strategies, name)) !== undefined;

/** A quantity that is tuned. */
interface Dimension {
  name: string;
  min: number;
  max: number;
  isLog: boolean;
  set(point: Point, value: number): Point;
}

/** As many points as the budget says, between the least and the greatest value that is written. */
function drawn(contest: Contest, tune: Tune, mistakes: Mistakes): Point[] {
  const dimensions = dimensionsOf(contest, tune.over, mistakes);
  const [first] = contest.points;
  if (first === undefined || dimensions.length === 0) return contest.points;
  const sequences = dimensions.map((_, i) => sequence(tune, i));
  const made = Array.from({ length: tune.budget ?? 0 }, (_, trial) =>
    dimensions.reduce(
      (point, dimension, i) => dimension.set(point, between(dimension, sequences[i]?.(trial) ?? 0)),
      first,
    ),
  );
  for (const { strategy } of made) for (const clip of strategy) checkOptions(clip, mistakes);
  return made;
}

/** The same for every strategy, so that all of them try the same rates. */
function sequence({ method, seeds }: Tune, dimension: number): (trial: number) => number {
  const own = stream('tune', method ?? '', seeds, dimension);
  if (method === 'random') {
    const numbers: number[] = [];
    return (trial) => {
      while (numbers.length <= trial) numbers.push(own.uniform());
      return numbers[trial] ?? 0;
    };
  }
  const shift = own.uniform();
  return (trial) => (halton(trial + 1, BASES[dimension] ?? 2) + shift) % 1;
}

/** Of Halton's sequence, one for each dimension: primes. */
const BASES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/** The digits of n to a base, mirrored at the point (Halton 1960): any first n numbers lie evenly in [0, 1). */
export function halton(n: number, base: number): number {
  let [value, unit] = [0, 1 / base];
  for (let rest = n; rest > 0; rest = Math.floor(rest / base)) {
    value += (rest % base) * unit;
    unit /= base;
  }
  return value;
}

/** Rounded, so that it can be read and typed. */
function between({ min, max, isLog }: Dimension, share: number): number {
  const value = isLog ? Math.exp(Math.log(min) + share * (Math.log(max) - Math.log(min))) : min + share * (max - min);
  return Number(value.toPrecision(3));
}

function dimensionsOf({ cell, points }: Contest, over: Tune['over'], mistakes: Mistakes): Dimension[] {
  const found: Dimension[] = [];
  if (over.includes('learning_rate')) {
    const values = points.map((point) => point.learning_rate);
    const [min, max] = [Math.min(...values), Math.max(...values)];
    if (min === max) {
      mistakes.at(
        ['tune', 'over'],
        `learning_rate of optimizer "${cell.optimizer.name}" is ${min} alone; give the ends of its range, as [${min / 100}, ${min}]`,
      );
    }
    found.push({
      name: 'learning_rate',
      min,
      max,
      isLog: true,
      set: (point, learning_rate) => ({ ...point, learning_rate }),
    });
  }
  if (!over.includes('threshold')) return found;
  for (const [i, clip] of cell.strategy.entries()) {
    if (!hasThreshold(clip)) continue;
    const { name, range } = rangeOf(
      clip,
      points.flatMap(({ strategy }) => strategy.slice(i, i + 1)),
    );
    if (range === undefined) {
      mistakes.at(
        ['tune', 'over'],
        `${name} of strategy "${clip.name}" has no range of numbers; give its ends, as [0.1, 10]`,
      );
    } else {
      const set = (point: Point, value: number): Point => ({
        ...point,
        strategy: point.strategy.map((own, k) => (k === i ? withThreshold(own, value) : own)),
      });
      found.push({ name, ...range, set });
    }
  }
  return found;
}

/** Between what is written, or, of a single value, where the strategy says that good ones are to be looked for. */
function rangeOf({ name: strategy }: Choice, written: Choice[]) {
  const part = find(parts.strategies, strategy);
  const name = thresholdOption(part) ?? '';
  const schema = part.options.shape[name];
  const search = schema && metaOf(schema)?.search;
  // A rule, such as a quantile, is no number between two others.
  if (written.some((clip) => thresholdRule(clip) !== undefined)) return { name, range: undefined };
  const values = written.map((clip) => Number(thresholdIn(clip)));
  const [min, max] = [Math.min(...values), Math.max(...values)];
  if (min < max) return { name, range: { min, max, isLog: search?.scale !== 'linear' && min > 0 } };
  return { name, range: search && { min: search.min, max: search.max, isLog: search.scale === 'log' } };
}

/** What a strategy doesn't take, such as half a step. */
function checkOptions(clip: Choice, mistakes: Mistakes): void {
  if (thresholdRule(clip) !== undefined) return;
  const { name, options } = clip;
  const checked = find(parts.strategies, name).options.safeParse(options);
  if (!checked.success) mistakes.issues(`strategy "${name}"`, checked.error.issues, options, ['tune'], () => ['tune']);
}

/** What is tuned has no value before it is chosen, so no comparison can name one. */
export function refuseTuned(written: unknown, { over }: Tune, mistakes: Mistakes): void {
  const compare = compareSchema.safeParse(written).data;
  if (compare === undefined) return;
  const named = [
    { path: ['compare', 'baseline'], keys: Object.keys(typeof compare.baseline === 'string' ? {} : compare.baseline) },
    ...(compare.family ?? []).map((entry, i) => {
      const { runs, against } = memberOf(entry);
      return { path: ['compare', 'family', i], keys: [...Object.keys(runs), ...Object.keys(against ?? {})] };
    }),
  ];
  for (const { path, keys } of named) {
    const slip = keys.find((key) => over.some((tuned) => tuned === key));
    if (slip !== undefined)
      mistakes.at(path, `${slip} is tuned, so it has no value before it is chosen; leave it out here`);
  }
}
