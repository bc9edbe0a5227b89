import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { logger, parse, View, Warn } from 'vega';
import { compile } from 'vega-lite';
import { renderSvg } from '../src/report/svg.ts';
import { chartsWith } from './support/chart_tables.ts';

const golden = fileURLToPath(new URL('golden/charts/', import.meta.url));
const charts = chartsWith(4);

for (const [name, spec] of Object.entries(charts)) {
  test(`the chart ${name} is the one that was looked at`, async () => {
    const svg = `${await renderSvg(spec, { id: name, title: name, description: 'made up' })}\n`;
    const [expected, changed] = [`${golden}${name}.svg`, `${golden}${name}-changed.svg`];
    if (svg === readFileSync(expected, 'utf8')) return;
    writeFileSync(changed, svg);
    assert.fail(
      `${expected} is another picture than ${changed}; where the new one is right, run scripts/golden/charts.ts`,
    );
  });
}

test('every chart has its picture, and there is no other', () => {
  const pictures = readdirSync(golden).filter((file) => !file.endsWith('-changed.svg'));
  assert.deepEqual(
    pictures.sort(),
    Object.keys(charts)
      .map((name) => `${name}.svg`)
      .sort(),
  );
  const sources = readdirSync(new URL('../src/report/charts/', import.meta.url));
  const shared = ['frame.ts', 'labels.ts', 'legend.ts', 'log-ticks.ts'];
  const each = sources.filter((file) => !shared.includes(file)).map((file) => file.replace('.ts', ''));
  // Tuning budgets and survival are drawn by curves.ts, improvement by intervals.ts, and the others by the one that they are named after.
  const others = ['budgets', 'survival', 'improvement', 'cost-both', 'ratios-log'];
  assert.deepEqual([...each, ...others].sort(), Object.keys(charts).sort());
});

for (const strategies of [1, 4, 35]) {
  for (const [name, spec] of Object.entries(chartsWith(strategies))) {
    test(`${name} with ${strategies} strategies renders without a warning`, async () => {
      const warnings: string[] = [];
      const log = logger(Warn, 'warn', (_method: string, _level: string, input: unknown[]) => {
        warnings.push(input.join(' '));
      });
      const view = new View(parse(compile(spec, { logger: log }).spec), { renderer: 'none', logger: log });
      const svg = await view.toSVG();
      assert.deepEqual(warnings, []);
      assert.ok(!/NaN|Infinity|undefined/.test(svg));
    });
  }
}
