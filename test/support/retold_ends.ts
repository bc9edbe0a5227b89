/** What became of runs: who diverged, who reached the target, and how often each clipped; by counts over rows of runs.csv. */
import { meanOf, middle, scoreInterval } from './by_hand.ts';
import { isLost, type Row } from './compared.ts';
import { base, lostOf, type Place, panels, type Says, type Study, type Tried } from './study.ts';
import { counted, grouped, perCent, shortened } from './written.ts';

export function divergence({ rows, places }: Study): Says {
  const n = lostOf(rows);
  if (n === 0) {
    const most = Math.max(...places.flatMap(({ configs }) => configs.map((tried) => tried.rows.length)));
    const up = perCent(scoreInterval(0, most).high);
    const text = `None of the ${counted(rows.length, 'run')} diverged. That is weaker than it sounds: 0 of ${counted(most, 'seed')} leaves a true rate of up to ${up} within the 95 % interval of a single configuration.`;
    return { text: [text], pictures: [], tables: {} };
  }
  const shown = places.filter(({ configs }) => configs.some((tried) => lostOf(tried.rows) > 0));
  const calm = places.length - shown.length;
  const bars = shown.map(
    ({ label, configs }) =>
      `${label}: ${configs.map((tried) => `${tried.name} ${lostOf(tried.rows)} of ${tried.rows.length}`).join('; ')}.`,
  );
  const left = (tried: Tried, label: string) =>
    `${label} ${perCent(1 - lostOf(tried.rows) / tried.rows.length)} in the end`;
  return {
    text: [
      `${counted(n, 'run')} of ${rows.length} diverged: at some step the loss was not finite`,
      ...(calm > 0
        ? [`${counted(calm, 'setting')} without any divergence ${calm === 1 ? 'is' : 'are'} not drawn.`]
        : []),
    ],
    pictures: [bars.join(' '), ...shown.map((place) => panels(place, place.label, left).join(' '))],
    tables: {},
  };
}

/** Undefined where no run had a target. A run that wasn't there by the end counts with all its steps. */
export function targets({ rows, places }: Study): Says | undefined {
  if (!rows.some(({ cell_options = '' }) => cell_options.includes('"target"'))) return undefined;
  const reached = (tried: Tried) => tried.rows.filter((row) => row.steps_to_target !== '');
  const share = (tried: Tried) => reached(tried).length / tried.rows.length;
  const lines = places.flatMap(({ label, configs }) => [
    [label],
    ...configs.map((tried) => {
      const [k, n] = [reached(tried).length, tried.rows.length];
      const { low, high } = scoreInterval(k, n);
      const mean = meanOf(tried.rows.map((row) => Number(row.steps_to_target || row.steps)));
      return [tried.name, `${k} of ${n}`, `${Math.round(100 * low)}–${perCent(high)}`, shortened(mean), undefined];
    }),
  ]);
  const seeds = Math.max(...places.flatMap(({ configs }) => configs.map((tried) => tried.rows.length)));
  const narrow = seeds < 10 ? `; with ${counted(seeds, 'seed')} it is too narrow` : '';
  return {
    text: [`Its interval is a bootstrap over seeds${narrow}.`],
    pictures: places.map((place) =>
      panels(place, place.label, (tried, label) => `${label} ${perCent(share(tried))} in the end`).join(' '),
    ),
    tables: { 'Steps to the target': lines, ...fastest(places, reached) },
  };
}

/** By how many times the steps of the fastest each takes, where it gets there within four times. */
function fastest(places: Place[], reached: (tried: Tried) => Row[]): Says['tables'] {
  if (places.length < 2) return {};
  const names = (places[0]?.configs ?? []).map(({ name }) => name);
  const steps = (name: string) =>
    places.flatMap(({ configs }) =>
      configs
        .filter((tried) => tried.name === name)
        .map((tried) => {
          const missed = tried.rows.length - reached(tried).length;
          const times = reached(tried).map((row) => Number(row.steps_to_target));
          return middle([...times, ...Array.from({ length: missed }, () => Infinity)]);
        }),
    );
  const all = names.map((name) => ({ name, times: steps(name) }));
  const best = places.map((_, p) => Math.min(...all.map(({ times }) => times[p] ?? Infinity)));
  const told = all.map(({ name, times }) => {
    const within = (time: number, p: number) => time < Infinity && time <= 4 * (best[p] ?? 0);
    const score = meanOf(times.map((time, p) => (within(time, p) ? (4 - time / (best[p] ?? 1)) / 3 : 0)));
    return { name, score, at: `${times.filter(Number.isFinite).length} of ${places.length}` };
  });
  const lines = told.sort((a, b) => b.score - a.score).map(({ name, score, at }) => [name, score.toFixed(2), at]);
  return { 'Fastest to the target, over all settings': lines };
}

/** The share of the steps that a run made, that at which it diverged among them. */
const clipped = (row: Row): number =>
  Number(row.clipped_steps) / (isLost(row) ? Number(row.diverged_at) + 1 : Number(row.steps));
const clipRate = (tried: Tried): number => middle(tried.rows.map(clipped));
const result = (tried: Tried): number | undefined => {
  const values = tried.rows.filter((row) => !isLost(row) && Number.isFinite(Number(row.final_val_metric)));
  return values.length === 0 ? undefined : middle(values.map((row) => Number(row.final_val_metric)));
};

export function clipping({ places }: Study): Says {
  const clips = ({ configs }: Place) => configs.filter(({ strategy }) => strategy !== 'none');
  const how = places.map(
    (place) =>
      `Steps on which anything was clipped: ${clips(place)
        .map((tried) => `${tried.name}: ${perCent(clipRate(tried))} of steps`)
        .join('; ')}.`,
  );
  const against = places.flatMap((place) => {
    const of = new Map<string, string[]>();
    for (const tried of clips(place)) {
      const value = result(tried);
      const before = of.get(tried.strategy) ?? [];
      if (value !== undefined)
        of.set(tried.strategy, [...before, `${shortened(value)} clipping ${perCent(clipRate(tried))} of steps`]);
    }
    const none = base(place);
    const own = none && result(none);
    const lines = [
      ...(own === undefined ? [] : [`none ${shortened(own)}`]),
      ...[...of].map(([strategy, each]) => `${strategy} ${each.join(', ')}`),
    ];
    return of.size === 0 ? [] : [`${place.label}: ${lines.join('; ')}.`];
  });
  const dotted = (n: number) => (n === 0 ? '·' : grouped(n));
  const lines = places.flatMap((place) => [
    [place.label],
    ...clips(place).map((tried) => {
      const rates = tried.rows.map(clipped);
      const labels = ['never', 'safety_net', 'binding'].map(
        (label) => tried.rows.filter((row) => row.label === label).length,
      );
      const range = `${perCent(Math.min(...rates))} – ${perCent(Math.max(...rates))}`;
      const first = [tried.strategy, tried.label, grouped(tried.rows.length), perCent(clipRate(tried)), range];
      return [...first, ...labels.map(dotted)];
    }),
  ]);
  return {
    text: [],
    pictures: [...how, against.join(' ')],
    tables: { 'Steps on which anything was clipped': lines },
  };
}
