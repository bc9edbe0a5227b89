/** `robustness.ts` in sentences. */
import { subjectOf } from './comparison.ts';
import { count, signed, whole } from './format.ts';
import { type Html, html } from './html.ts';
import { robustnessOf } from './robustness.ts';
import type { Results } from './story.ts';

/** Verdicts spelled out one by one; more are counted. */
const SPELLED = 3;

/** None where there is no verdict. */
export function wouldChange({ declared, design, manifest, smoke, compares }: Results): Html[] {
  const found = smoke || !compares ? undefined : robustnessOf(declared, design, manifest);
  if (found === undefined) return [];
  const { decided, seeds: all, hasSlack, fragile, otherwise, widest } = found;
  const seeds = () => {
    if (decided === 0) return [];
    if (!hasSlack)
      return [html`One seed less, and no verdict could have been reached, whatever the data: it takes all of them.`];
    const rest = decided - fragile.length;
    if (fragile.length === 0)
      return [
        html`One seed less: ${decided === 1 ? 'the verdict stays' : `${decided === 2 ? 'both' : `all ${whole(decided)}`} verdicts stay`}, whichever is left out.`,
      ];
    const lost = fragile.map(
      ({ comparison, seeds: some }) =>
        html`${subjectOf(comparison)} is no longer ${comparison.verdict} without any one of ${some} of the ${count(all, 'seed')}`,
    );
    const each =
      fragile.length > SPELLED
        ? html`${whole(fragile.length)} of ${whole(decided)} verdicts hang on single seeds`
        : joined(lost);
    return [
      html`One seed less: ${each}${rest > 0 && fragile.length <= SPELLED && `; ${count(rest, 'other verdict')} ${rest === 1 ? 'stays' : 'stay'}`}.`,
    ];
  };
  const other = otherwise.at === 'best' ? 'best evaluation' : 'last step';
  const own = { final: ' of the last step', best: ' of the best evaluation', area: '', steps_to_target: '' };
  const when = `the ${other} been declared instead${own[declared?.compare.at ?? 'area']}`;
  const changes = otherwise.changed.map(
    ({ comparison, verdict }) => html`${subjectOf(comparison)} would be ${verdict} in place of ${comparison.verdict}`,
  );
  const evaluation =
    changes.length === 0
      ? html`the verdicts would be the same`
      : changes.length > SPELLED
        ? html`${whole(changes.length)} verdicts would be others`
        : joined(changes);
  const room =
    widest === undefined
      ? []
      : [
          html`What is not separated may still differ: the interval that reaches furthest, of ${subjectOf(widest)}, runs from ${signed(widest.shift.low)} to ${signed(widest.shift.high)}.`,
        ];
  return [...seeds(), html`Had ${when}: ${evaluation}.`, ...room];
}

const joined = (parts: readonly Html[]): Html => html`${parts.map((part, i) => html`${i > 0 && '; '}${part}`)}`;
