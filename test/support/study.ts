/** The runs of a result set that are compared, by setting and configuration, from its CSV files alone. Nothing is shared with src/report. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Called, type Declaration, declaration, distinct, isLost, type Row, rowsOf } from './compared.ts';

export interface Tried {
  /** `norm 0.1`. */
  name: string;
  strategy: string;
  /** `0.1`, or nothing where the strategy says all. */
  label: string;
  rows: Row[];
}

export interface Place {
  /** As the setting is called. */
  label: string;
  configs: Tried[];
}

export interface Study {
  folder: string;
  manifest: Declaration;
  called: Called;
  /** Those compared, without tuning trials. */
  rows: Row[];
  trials: Row[];
  places: Place[];
}

export function studyOf(folder: string, called: Called): Study {
  const manifest = declaration.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  const all = rowsOf(folder, 'runs.csv');
  const rows = all.filter(({ phase }) => phase === 'confirm');
  const places = distinct(rows.map(called.setting)).map((label): Place => {
    const here = rows.filter((row) => called.setting(row) === label);
    const names = distinct(here.map(called.config));
    return {
      label,
      configs: names.map((name) => {
        const own = here.filter((row) => called.config(row) === name);
        const strategy = own[0]?.strategy ?? '';
        return { name, strategy, label: name.slice(strategy.length + 1), rows: own };
      }),
    };
  });
  return { folder, manifest, called, rows, trials: all.filter(({ phase }) => phase === 'tune'), places };
}

/** What a section has to say: sentences with figures, the words for each picture, and tables by caption. */
export interface Says {
  /** Each stands somewhere in the text of the section. */
  text: string[];
  /** Of all its pictures in order; undefined for one that isn't worked out. */
  pictures: (string | undefined)[];
  /** Headings of groups are lines of one cell; undefined for a cell that isn't worked out. */
  tables: Record<string, (string | undefined)[][]>;
}

/** The line that stands in every panel. */
export const base = ({ configs }: Place): Tried | undefined => configs.find(({ strategy }) => strategy === 'none');

/** The lines of a panel for each other strategy, the base first, in words. */
export function panels(place: Place, title: string, line: (tried: Tried, label: string) => string): string[] {
  const none = base(place);
  const first = none === undefined ? [] : [line(none, none.name)];
  const strategies = distinct(place.configs.map(({ strategy }) => strategy)).filter((name) => name !== 'none');
  if (strategies.length === 0) return [`${title}: ${first.join('; ')}.`];
  return strategies.map((strategy) => {
    const own = place.configs.filter((config) => config.strategy === strategy);
    return `${strategy}: ${[...first, ...own.map((tried) => line(tried, tried.label || strategy))].join('; ')}.`;
  });
}

export const lostOf = (rows: readonly Row[]): number => rows.filter(isLost).length;
