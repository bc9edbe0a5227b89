/** Configurations over several settings: scores from the worst run of each setting to the best, and what follows from them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ascending, meanOf, middle, ranksOf } from './by_hand.ts';
import { isLost, type Row, rowsOf } from './compared.ts';
import type { Says, Study } from './study.ts';
import { counted, perCent, shortened } from './written.ts';

interface Scored {
  name: string;
  /** By setting, in it by run. */
  scores: number[][];
  /** Before they are scores: a lost run is behind every other. */
  values: number[][];
  iqm: number;
}

/** Undefined with one setting. Every configuration ran at all of them. */
export function across(study: Study): Says | undefined {
  const { places, manifest, called } = study;
  if (places.length < 2) return undefined;
  const { metric = 'val_metric', at = 'final' } = manifest.compare ?? {};
  const value = `${at}_${metric.replace(/_(?!loss).*/, '_metric')}`;
  const worth = (row: Row) => (called.better === 'higher' ? 1 : -1) * Number(row[value]);
  const scores = places.map(({ configs }) => {
    const all = configs.flatMap(({ rows }) => rows.filter((row) => !isLost(row)).map(worth));
    const [least, most] = [Math.min(...all), Math.max(...all)];
    return configs.map(({ name, rows }) => ({
      name,
      values: rows.map((row) => (isLost(row) ? Number.NEGATIVE_INFINITY : worth(row))),
      own: rows.map((row) => (isLost(row) ? 0 : (worth(row) - least) / (most - least))),
    }));
  });
  const names = (places[0]?.configs ?? []).map(({ name }) => name);
  const all = names.map((name): Scored => {
    const here = scores.map((place) => place.find((one) => one.name === name));
    const [own, values] = [here.map((one) => one?.own ?? []), here.map((one) => one?.values ?? [])];
    const sorted = ascending(own.flat());
    const cut = Math.floor(sorted.length / 4);
    return { name, scores: own, values, iqm: meanOf(sorted.filter((_, i) => i >= cut && i < sorted.length - cut)) };
  });
  const ranks = all.map((one) =>
    meanOf(places.map((_, p) => ranksOf(all.map((each) => -middle(each.values[p] ?? [])))[all.indexOf(one)] ?? 0)),
  );
  const rankOf = new Map(all.map((one, i) => [one, ranksOf(ranks)[i] ?? Number.NaN]));
  const order = [...all].sort((a, b) => b.iqm - a.iqm);
  const lines = order.map((one) => [
    one.name,
    one.iqm.toFixed(2),
    undefined,
    middle(one.scores.map(meanOf)).toFixed(2),
    meanOf(one.scores.flat().map((score) => 1 - score)).toFixed(2),
    shortened(rankOf.get(one) ?? Number.NaN),
    undefined,
  ]);
  const above = ({ name, scores }: Scored) =>
    `${name}: ${perCent(meanOf(scores.flat().map((score) => (score > 0.5 ? 1 : 0))))} above 0.5`;
  const none = order.filter(({ name }) => name === 'none');
  const profile = [...none, ...order.filter(({ name }) => name !== 'none')].map(above).join('; ');
  const wins = order.flatMap((a) =>
    order.filter((b) => b !== a).map((b) => `${a.name} over ${b.name}: ${chance(a, b).toFixed(2)}`),
  );
  const few = places.some(({ configs }) => configs.some(({ rows }) => rows.length < 10));
  return {
    text: [
      `Over ${counted(places.length, 'setting')} at once: the ${called.metric} ${at === 'final' ? 'after the last step' : 'at the best evaluation'} of every run`,
      `resamples of the seeds of each setting (Agarwal et al. 2021).${few ? ' With fewer than ten seeds' : ''}`,
    ],
    pictures: [`${profile}.`, `${wins.join('; ')}.`, ...cost(study, order)],
    tables: { 'Scores over all settings': lines },
  };
}

/** That a run of one has the better score, by every pair of runs at a setting. */
const chance = (a: Scored, b: Scored): number =>
  meanOf(
    a.values.map((own, place) =>
      meanOf(own.flatMap((x) => (b.values[place] ?? []).map((y) => (x > y ? 1 : x < y ? 0 : 0.5)))),
    ),
  );

/** Where the times of steps were kept: as a multiple of the mean over configurations, mean over settings; and steps a second. */
function cost({ folder, places }: Study, order: Scored[]): string[] {
  if (!existsSync(join(folder, 'timing.csv'))) return [];
  const times = new Map(rowsOf(folder, 'timing.csv').map((row) => [row.cell_id, Number(row.ms_per_step)]));
  const at = places.map(({ configs }) => {
    const own = new Map(configs.map(({ name, rows }) => [name, rows.map((row) => times.get(row.cell_id) ?? 0)]));
    return { own, typical: meanOf(order.map(({ name }) => middle(own.get(name) ?? []))) };
  });
  const each = order.map(({ name, iqm }) => {
    const ratio = meanOf(at.map(({ own, typical }) => middle(own.get(name) ?? []) / typical));
    return `${name}: ${shortened(ratio)} times, score ${iqm.toFixed(2)}`;
  });
  const speeds = places.map(({ label }, p) => {
    const speed = (name: string) => middle((at[p]?.own.get(name) ?? []).map((ms) => 1000 / ms));
    return `${label}: ${order.map(({ name }) => `${name} ${shortened(speed(name))}`).join('; ')}.`;
  });
  return [`${each.join('; ')}.`, speeds.join(' ')];
}
