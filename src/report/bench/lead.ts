/** The picture that carries the answer. */
import { type Kind, type RatioRow, ratios } from '../charts/ratios.ts';
import { significant } from '../format.ts';
import type { Html } from '../html.ts';
import type { Draw } from '../sections/section.ts';
import { type Entry, type Group, ranked } from './entry.ts';
import type { BenchStory } from './story.ts';
import { withRange } from './words.ts';

/** Nothing where there are no ratios. */
export async function leadFigure({ told, record }: BenchStory, draw: Draw): Promise<Html | undefined> {
  const own = told.filter((group) => group.base !== undefined && ranked(group).length > 0);
  if (own.length === 0) return undefined;
  const isToCopy = own.every((group) => group.isToCopy);
  const panels = own.map((group) => ({
    title: own.length === 1 && told.length === record.calibrations.length ? '' : group.name,
    noise: group.isToCopy ? undefined : group.calibration?.itself.noise,
    rows: rowsOf(group),
  }));
  const band = isToCopy
    ? ''
    : ' The grey band is noise: the same thing differs from itself by that much. A bar is called slower or faster where its whole interval lies beyond.';
  return draw({
    title: isToCopy ? 'Time as a multiple of copying the gradient' : "Time as a multiple of the baseline's",
    reading: `Lines are intervals. Hollow: measured a second time under another name, to see what a difference of nothing looks like.${band}`,
    plots: [
      {
        spec: ratios({ panels, unit: isToCopy ? 'times as long as copying' : "times the baseline's time" }),
        description: own
          .map(
            (group) =>
              `${group.name}: ${ranked(group)
                .map(({ variant, ratio }) => `${variant} ${withRange(ratio)}`)
                .join('; ')}.`,
          )
          .join(' '),
      },
    ],
  });
}

/** What all are held against, its twin where there is one, then the cheapest first. */
function rowsOf(group: Group): RatioRow[] {
  const { base, entries } = group;
  const twins = entries.filter(({ role, ratio }) => role === 'again' && ratio !== undefined);
  const line = ({ variant, ratio }: Entry, kind: Kind): RatioRow[] =>
    ratio === undefined ? [] : [{ name: variant, kind, ...ratio, label: labelOf(ratio.estimate) }];
  const first =
    base === undefined
      ? []
      : [{ name: base.variant, kind: 'base' as const, estimate: 1, low: 1, high: 1, label: labelOf(1) }];
  const sorted = [
    ...ranked(group).map((entry) => ({ entry, kind: entry.verdict ?? ('variant' as const) })),
    ...twins.map((entry) => ({ entry, kind: 'again' as const })),
  ].sort((a, b) => (a.entry.ratio?.estimate ?? 0) - (b.entry.ratio?.estimate ?? 0));
  const isTwinOfBase = group.calibration?.again.variant === base?.variant;
  const [upper, rest] = isTwinOfBase
    ? [sorted.filter(({ kind }) => kind === 'again'), sorted.filter(({ kind }) => kind !== 'again')]
    : [[], sorted];
  return [...first, ...[...upper, ...rest].flatMap(({ entry, kind }) => line(entry, kind))];
}

/** With the same decimals for all that stand below each other, unless they are far apart. */
const labelOf = (ratio: number): string => (ratio < 10 ? ratio.toFixed(2) : significant(ratio));
