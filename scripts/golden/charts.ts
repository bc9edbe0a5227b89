/** Writes test/golden/charts/: every chart of made-up tables, as it should look. `node --import tsx scripts/golden/charts.ts`; then look at them. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderSvg } from '../../src/report/svg.ts';
import { chartsWith } from '../../test/support/chart_tables.ts';

const folder = fileURLToPath(new URL('../../test/golden/charts/', import.meta.url));
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, spec] of Object.entries(chartsWith(4))) {
  writeFileSync(
    `${folder}${name}.svg`,
    `${await renderSvg(spec, { id: name, title: name, description: 'made up' })}\n`,
  );
}
