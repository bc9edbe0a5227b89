/** Paired differences as a figure: of the declared comparisons under the short answer, of all in their section. */
import { baselineName } from '../manifest.ts';
import { effects } from './charts/effects.ts';
import { type Comparison, outcomeOf, outcomeWords } from './comparison.ts';
import { signed } from './format.ts';
import { type Html, html } from './html.ts';
import { strokeOf } from './lines.ts';
import type { Draw } from './sections/section.ts';
import type { Results } from './story.ts';

/** Rows and panels that leave the first screen to the answer. */
const [MOST_ROWS, MOST_PANELS] = [10, 6];

/** The comparisons under the short answer: the declared ones, where they are few; else the decided ones, where those are. */
export function leading({ declared, compares }: Results): Comparison[] {
  const own = declared?.comparisons.filter((comparison) => comparison.declared && comparison.pairs > 0) ?? [];
  const decided = own.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
  const isShort = (some: readonly Comparison[]) =>
    some.length > 0 && some.length <= MOST_ROWS && new Set(some.map(({ setting }) => setting)).size <= MOST_PANELS;
  return (compares && [own, decided].find(isShort)) || [];
}

export async function leadFigure(results: Results, draw: Draw): Promise<Html | undefined> {
  const { declared } = results;
  if (declared === undefined) return undefined;
  const reading = html`A circle for each seed, right of the line where it is better than <code>${baselineName(declared.compare)}</code>; the bar is the estimate, the line its interval.`;
  return effectsFigure(results, leading(results), 'The differences behind the answer', reading, draw);
}

/** Undefined where no pair of runs has a value. */
export async function effectsFigure(
  { declared, design }: Results,
  comparisons: readonly Comparison[],
  title: string,
  reading: Html,
  draw: Draw,
): Promise<Html | undefined> {
  const settings = [...new Set(comparisons.map(({ setting }) => setting))];
  if (declared === undefined) return undefined;
  const { compare } = declared;
  const panels = settings.flatMap((setting) => {
    const own = comparisons.filter((comparison) => comparison.setting === setting && comparison.pairs > 0);
    const isLower = outcomeOf(setting, compare)?.better === 'lower';
    const unit = `${outcomeWords(compare).what}${isLower ? ', lower by' : ', higher by'}`;
    const rows = own.map(({ title: name, member, differences, seeds, shift }) => ({
      name,
      stroke: strokeOf(design, member.strategy),
      differences,
      seeds,
      ...shift,
    }));
    return rows.length === 0 ? [] : [{ title: setting.label, unit, effects: rows }];
  });
  if (panels.length === 0) return undefined;
  const description = panels
    .map(
      ({ title: name, effects: rows }) =>
        `${name}: ${rows.map((row) => `${row.name} ${signed(row.estimate)}`).join('; ')}.`,
    )
    .join(' ');
  return draw({ title, reading, plots: [{ spec: effects({ panels }), description }] });
}
