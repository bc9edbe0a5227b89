/** A smoke test's figures look like results. So the page says wherever one could look that they are none. */
import type { Manifest } from '../manifest.ts';
import { count, list, whole } from './format.ts';
import { type Html, html } from './html.ts';
import { type Row, text } from './row.ts';
import type { Results } from './story.ts';
import { tally } from './tally.ts';

export const SMOKE = 'smoke';

/** The manifest of a run that was killed may be older than the rows, so either is enough. */
export const isSmoke = (manifest: Manifest, rows: readonly Row[]): boolean =>
  manifest.experiment.smoke || rows.some((row) => text(row, 'phase') === SMOKE);

export const smokeBanner = ({ rows }: Results): Html =>
  html`<div class="smoke" role="note"><strong>SMOKE TEST</strong>${ofSteps(rows)}, to see that everything runs. Its figures mean nothing.</div>
`;

export function smokeAnswer(story: Results): Html[] {
  const { cells, failed, open } = tally(story);
  const missing = [
    ...(failed > 0 ? [`${whole(failed)} failed (the errors stand under Runs)`] : []),
    ...(open > 0 ? [`${whole(open)} ${open === 1 ? 'has' : 'have'} not run yet`] : []),
  ];
  return [
    html`This was a smoke test${ofSteps(story.rows)}: its figures mean nothing, so there is no verdict and no chart.`,
    missing.length === 0
      ? html`${cells === 1 ? 'Its only run' : `Each of its ${whole(cells)} runs`} finished.`
      : html`Of its ${count(cells, 'run')}, ${list(missing)}.`,
  ];
}

/** ` of 3 steps`; nothing where no run has finished. */
function ofSteps(rows: readonly Row[]): string {
  const steps = [...new Set(rows.filter((row) => text(row, 'phase') === SMOKE).map((row) => text(row, 'steps')))];
  return steps.length === 0 ? '' : ` of ${list(steps)} ${steps.length === 1 && steps[0] === '1' ? 'step' : 'steps'}`;
}
