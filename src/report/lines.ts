/** Which configurations share a panel, and how each is drawn. */
import type { Manifest } from '../manifest.ts';
import { type Config, type Design, type Setting, thresholdName } from './design.ts';
import { referenceStroke, SHADES, type Stroke, strategyStroke, thresholdStroke } from './palette.ts';
import { words } from './vary.ts';

/** Settings drawn; beyond, a page would take minutes to render and nobody would look at it. */
export const MAX_SETTINGS = 24;

export interface Group {
  strategy: string;
  /** What the configurations' labels are values of. */
  subtitle: string;
  /** Smallest threshold first. */
  members: { config: Config; label: string; stroke: Stroke }[];
}

/** The strategies other than the reference, in the order of the matrix. */
export const others = (design: Design): string[] => design.strategies.filter((name) => name !== design.reference);

/** The strategy's place among the colours; the same in every chart. */
export const strokeOf = (design: Design, strategy: string): Stroke =>
  strategy === design.reference ? referenceStroke : strategyStroke(others(design).indexOf(strategy));

/** The strategy that never clips: of its clip rate and threshold there is nothing to show. */
export const UNCLIPPED = 'none';

/** The configurations of each strategy at a setting, without the reference where that is drawn in every panel anyway. */
export function groupsOf(design: Design, setting: Setting, manifest: Manifest, leaveOut?: Config): Group[] {
  return design.strategies.flatMap((strategy, index) => {
    const configs = setting.configs.filter((config) => config.strategy === strategy && config !== leaveOut);
    if (configs.length === 0) return [];
    const hue = strategy === design.reference ? index : others(design).indexOf(strategy);
    const chosen = spread(configs, SHADES);
    const members = chosen.map((config, rank) => ({
      config,
      label: config.label === '' ? strategy : config.label,
      stroke: thresholdStroke(hue, rank, chosen.length),
    }));
    const option = thresholdName(manifest, strategy);
    const left = configs.length - chosen.length;
    const subtitle = `${option === undefined ? '' : words(option)}${left > 0 ? ` (${left} more in the tables)` : ''}`;
    return [{ strategy, subtitle, members }];
  });
}

/** Where nothing ran but the reference: to be drawn once, not beside every strategy that ran elsewhere. */
export const isAlone = ({ reference }: Design, { configs }: Setting): boolean =>
  configs.every(({ strategy }) => strategy === reference);

/** `count` of the items at most, evenly spaced, the first and the last among them. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  const picked = Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]);
  return picked.filter((item) => item !== undefined);
}

/** Whether some strategy was run with more than one threshold anywhere. */
export const hasThresholds = (design: Design): boolean =>
  design.settings.some((setting) =>
    design.strategies.some((strategy) => setting.configs.filter((config) => config.strategy === strategy).length > 1),
  );

/** Strategies in groups that have colours enough. */
export const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
