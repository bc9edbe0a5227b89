import { growths as chart } from '../../charts/growths.ts';
import { table } from '../../figure.ts';
import { count, significant, whole } from '../../format.ts';
import { type Html, html } from '../../html.ts';
import type { Draw, Section } from '../../sections/section.ts';
import { words } from '../../vary.ts';
import { grownOver } from '../grown.ts';
import type { BenchStory } from '../story.ts';
import { estimated, range } from '../words.ts';

/** Nothing where no size was grown. */
export async function growthSection({ record, groups }: BenchStory, draw: Draw): Promise<Section | undefined> {
  const overs = [...new Set(record.growths.map(({ over }) => over))];
  if (overs.length === 0) return undefined;
  const figures: Html[] = [];
  for (const over of overs) {
    const { panels, left } = grownOver(groups, over);
    if (panels.length === 0) continue;
    const hasCopy = panels.some(({ lines }) => lines.some(({ label }) => label === 'copy'));
    figures.push(
      await draw({
        title: `Time over ${words(over)}`,
        reading: `Both axes are logarithmic: a straight line is a power, one twice as steep twice the exponent. Upright lines are intervals.${hasCopy ? ' Dashed: copying as much memory, which no strategy that reads and writes the whole gradient can beat for long.' : ''}${left > 0 ? ` ${count(left, 'more panel')} not drawn: the figures are in the table of variants.` : ''}`,
        plots: [
          {
            spec: chart({ panels, over: words(over) }),
            description: panels
              .flatMap(({ title, lines }) =>
                lines.map(({ label, points }) => {
                  const each = points.map(({ size, ms }) => `${whole(size)}: ${significant(ms)}`);
                  return `${[title, label].filter(Boolean).join(', ')}, ms at ${each.join(', ')}.`;
                }),
              )
              .join(' '),
          },
        ],
      }),
    );
  }
  const rows = record.growths.map(({ variant, over, from, to, points, ...interval }) => [
    variant,
    words(over),
    `${whole(from)} to ${whole(to)}`,
    String(points),
    estimated(interval),
    range(interval),
  ]);
  const columns = ['Variant', 'Over', 'Range', 'Points', 'Exponent', 'Interval'];
  const numeric = ['Points', 'Exponent'];
  const body = html`<p>How the cost grows: time ~ size^exponent, by a straight line through logarithms in each process. An exponent of 1 means twice the size, twice the time; near 0, that a call costs what a call costs. Small sizes are ruled by the latter, so the last decade is fitted by itself where there is more than one.</p>
${figures}${table(
  'Fitted exponents',
  columns.map((title) => ({ title, numeric: numeric.includes(title) })),
  [{ heading: '', rows }],
)}`;
  return { id: 'growth', title: 'Cost against size', body };
}
