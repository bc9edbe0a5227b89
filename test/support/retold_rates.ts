/** How configurations did over the learning rates, from the final validation metric of each run. */
import { meanOf, middle, typicalDifference } from './by_hand.ts';
import { distinct, isLost, type Row } from './compared.ts';
import type { Says, Study } from './study.ts';
import { column, shortened, withSign } from './written.ts';

interface Rated {
  name: string;
  strategy: string;
  label: string;
  rates: number[];
  /** How good: higher is better, a diverged run the worst. */
  score: (rate: number, seed: string) => number;
  middles: number[];
  seeds: string[];
}

/** Undefined where fewer than three rates were tried. All that was run differs in nothing else. */
export function rates({ rows, called }: Study): Says | undefined {
  const tried = [...new Set(rows.map((row) => Number(row.learning_rate)))].sort((a, b) => a - b);
  if (tried.length < 3) return undefined;
  const sign = called.metricBetter === 'lower' ? -1 : 1;
  const names = distinct(rows.map(called.config));
  const all = names.map((name): Rated => {
    const own = rows.filter((row) => called.config(row) === name);
    const score = (rate: number, seed: string) => {
      const [row] = own.filter((run) => Number(run.learning_rate) === rate && run.seed === seed);
      return row === undefined ? Number.NaN : scoreOf(row, sign);
    };
    const { strategy = '' } = own[0] ?? {};
    const seeds = distinct(own.map(({ seed }) => seed));
    const middles = tried.map((rate) => middle(seeds.map((seed) => score(rate, seed))));
    return { name, strategy, label: name.slice(strategy.length + 1), rates: tried, score, middles, seeds };
  });
  const best = all.map(({ middles }) => Math.max(...middles));
  const top = Math.max(...best);
  const level = top - 0.1 * Math.abs(top);
  const decades = all.map(({ score, seeds }) => seeds.map((seed) => usable(tried, (rate) => score(rate, seed), level)));
  const none = decades[all.findIndex(({ strategy }) => strategy === 'none')] ?? [];
  const finite = all
    .flatMap(({ score, seeds }) => tried.flatMap((rate) => seeds.map((seed) => score(rate, seed))))
    .filter(Number.isFinite);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  const share = (score: number) => (Number.isFinite(score) ? (score - least) / (most - least) : 0);
  const areas = all.map(({ score, seeds }) =>
    middle(seeds.map((seed) => meanOverRates(tried, (rate) => share(score(rate, seed))))),
  );
  const [write = String] = column([best.filter(Number.isFinite)]);
  const lines = all.map(({ strategy, label, middles }, i) => {
    const own = decades[i] ?? [];
    const { estimate, low, high } = typicalDifference(own.map((d, seed) => d - (none[seed] ?? Number.NaN)));
    const at = tried[middles.indexOf(best[i] ?? Number.NaN)];
    const isKnown = Number.isFinite(best[i]);
    return [
      strategy,
      label,
      isKnown ? write(sign * (best[i] ?? Number.NaN)) : 'none',
      isKnown ? String(at) : '',
      areas[i]?.toFixed(2),
      shortened(middle(own)),
      strategy === 'none' ? '' : withSign(estimate, shortened),
      strategy === 'none' ? '' : `${shortened(low)} to ${shortened(high)}`,
    ];
  });
  const heading = `${rows[0]?.task} · ${rows[0]?.model}`;
  const told = ({ middles }: Rated, label: string) =>
    `${label} at ${middles.map((value, i) => `${tried[i]}: ${Number.isFinite(value) ? shortened(sign * value) : 'diverged'}`).join(', ')}`;
  const others = distinct(all.map(({ strategy }) => strategy)).filter((strategy) => strategy !== 'none');
  const panels = others.map((strategy) => {
    const own = all.filter((one) => one.strategy === strategy);
    const first = all.filter((one) => one.strategy === 'none').map((one) => told(one, one.name));
    return `${strategy}: ${[...first, ...own.map((one) => told(one, one.label || strategy))].join('; ')}.`;
  });
  return {
    text: [`Usable (${shortened(sign * level)}): straight lines between the rates`],
    pictures: [panels.join(' ')],
    tables: { 'Best result and usable range of learning rates': [[heading], ...lines] },
  };
}

const scoreOf = (row: Row, sign: number): number => {
  const value = Number(row.final_val_metric);
  return isLost(row) || row.final_val_metric === '' || Number.isNaN(value) ? -Infinity : sign * value;
};

/** Under straight lines over the logarithm of the rate, by trapezoids. */
function meanOverRates(all: number[], score: (rate: number) => number): number {
  const parts = all.slice(1).map((to, i) => {
    const from = all[i] ?? to;
    return (Math.log(to / from) * (score(from) + score(to))) / 2;
  });
  return (parts.length * meanOf(parts)) / Math.log((all.at(-1) ?? 1) / (all[0] ?? 1));
}

/** Decades on which straight lines between the rates lie at the level or above: where each line crosses it, if it does. */
function usable(all: number[], score: (rate: number) => number, level: number): number {
  const spans = all.slice(1).map((to, i) => {
    const from = all[i] ?? to;
    const [a, b] = [score(from), score(to)];
    const whole = Math.log10(to / from);
    if (a >= level && b >= level) return whole;
    if (a < level && b < level) return 0;
    const crossing = Math.abs(b - a) === Infinity ? (a < b ? 1 : 0) : (level - a) / (b - a);
    return whole * (a < b ? 1 - crossing : crossing);
  });
  return spans.length === 0 ? 0 : spans.length * meanOf(spans);
}
