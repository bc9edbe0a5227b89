/** What each strategy's trials chose and how that did, from the rows of the trials in runs.csv. */
import { z } from 'zod';
import { middle } from './by_hand.ts';
import { distinct, isLost, type Row } from './compared.ts';
import { lostOf, type Says, type Study, type Tried } from './study.ts';
import { and, column, counted, grouped, shortened } from './written.ts';

interface Trial {
  rows: Row[];
  /** Higher is better; a diverged run is the worst. */
  score: number;
}

interface Contest {
  tried: Tried;
  trials: Trial[];
  /** The earliest of the best. */
  chosen: Trial;
  confirmed: number;
}

/** Undefined where nothing was tuned. Every strategy has one configuration, at one setting. */
export function tuning({ manifest, called, trials: all, places }: Study, over: string[]): Says | undefined {
  if (all.length === 0) return undefined;
  const { metric = 'val_metric', at = 'final' } = manifest.compare ?? {};
  const value = `${at}_val_${metric.endsWith('_loss') ? 'loss' : 'metric'}`;
  const sign = called.better === 'higher' ? 1 : -1;
  const score = (rows: Row[]) => middle(rows.map((row) => (isLost(row) ? -Infinity : sign * Number(row[value]))));
  const contests = (places[0]?.configs ?? []).map((tried): Contest => {
    const own = all.filter(({ strategy }) => strategy === tried.strategy);
    const numbers = z.array(z.coerce.number()).parse(distinct(own.map(({ trial }) => trial)));
    const trials = numbers
      .sort((a, b) => a - b)
      .map((number) => own.filter(({ trial }) => Number(trial) === number))
      .map((rows) => ({ rows, score: score(rows) }));
    const best = Math.max(...trials.map((trial) => trial.score));
    const [chosen = { rows: [], score: Number.NaN }] = trials.filter((trial) => trial.score === best);
    return { tried, trials, chosen, confirmed: score(tried.rows) };
  });
  const values = contests.flatMap(({ chosen, confirmed }) => [chosen.score, confirmed]).filter(Number.isFinite);
  const [write = String] = column([values]);
  const told = (own: number) => (Number.isFinite(own) ? write(sign * own) : 'diverged');
  const lines = contests.map(({ tried, trials, chosen, confirmed }) => {
    const picked = over
      .map((name) => chosen.rows[0]?.[name] ?? '')
      .map((text) => (text === '' ? '–' : shortened(Number(text))));
    const runs = trials.flatMap(({ rows }) => rows);
    const lost = `${grouped(lostOf(runs))} of ${grouped(runs.length)}`;
    return [tried.name, ...picked, told(chosen.score), told(confirmed), grouped(trials.length), lost];
  });
  const most = Math.max(...contests.map(({ trials }) => trials.length));
  const seeds = distinct(all.map(({ seed }) => seed)).length;
  const what = and(over.map((name) => name.replace('_', ' ')));
  const budget = contests.map(({ tried, trials }) => {
    const found = trials.map((_, i) => ({ n: i + 1, best: usualBest(trials, i + 1) }));
    const finite = found.filter(({ best }) => Number.isFinite(best));
    const [first, last] = [finite[0], finite.at(-1)];
    if (first === undefined || last === undefined) return `${tried.name}: every trial diverged`;
    return `${tried.name} from ${shortened(sign * first.best)} with ${counted(first.n, 'trial')} to ${shortened(sign * last.best)} with ${last.n}`;
  });
  return {
    text: [
      `The ${what} of each strategy ${over.length > 1 ? 'were' : 'was'} chosen by ${counted(most, 'trial')} on ${counted(seeds, 'seed')}: every value that the matrix names`,
    ],
    pictures: most < 3 ? [] : [`${places[0]?.label}: ${budget.join('; ')}.`],
    tables: { [`What was chosen, by the ${at} ${called.metric}`]: lines },
  };
}

/** The least score that the best of n trials, drawn with replacement, stays at or below at least every other time. */
function usualBest(trials: Trial[], n: number): number {
  const reached = trials.filter(({ score }) => {
    const share = trials.filter((other) => other.score <= score).length / trials.length;
    return share ** n >= 0.5;
  });
  return Math.min(...reached.map(({ score }) => score));
}
