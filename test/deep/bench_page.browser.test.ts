/** The page of a measurement, opened as a reader would, from file://. Skipped by name where there is no Chromium. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { makeBenchReport } from '../../src/report/bench/index.ts';
import { launched, skip } from '../support/chromium.ts';
import { growing, growth, measured, writeMeasurement } from '../support/measurement.ts';

let browser: Browser;
let folder: string;
let url: string;

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'clipbench-bench-page-'));
  const groups = growing([1e3, 1e4, 1e5, 1e6], ['none', 'value', 'global_norm']);
  const made = measured({ measure: 'clip', groups, record: { growths: [growth('value'), growth('global_norm')] } });
  const { text = '' } = await makeBenchReport(await writeMeasurement(join(folder, 'clip'), made), 'html');
  await writeFile(join(folder, 'report.html'), text);
  url = pathToFileURL(join(folder, 'report.html')).href;
  browser = (await launched()) ?? assert.fail(String(skip));
});

after(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

/** Fails on any message in the console and on any request besides the file. */
async function opened(options: BrowserContextOptions, look: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => faults.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== url && !/^(data|blob):/.test(request.url()))
      faults.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  await look(page);
  await context.close();
  assert.deepEqual(faults, []);
}

test('the page of a measurement loads nothing, and its figures come to life', { skip }, async () => {
  await opened({}, async (page) => {
    const plots = page.locator('.plot:has(script):visible');
    assert.ok((await plots.count()) > 0);
    for (let i = 0; i < (await plots.count()); i++) {
      await plots.nth(i).evaluate((plot) => plot.scrollIntoView());
      await plots.nth(i).locator('.scroll > div > svg').waitFor();
    }
    assert.ok((await page.locator('.plot.live').count()) > 0);
  });
});

test('without scripts everything of it can be read', { skip }, async () => {
  await opened({ javaScriptEnabled: false }, async (page) => {
    assert.ok((await page.locator('svg').count()) > 0);
    assert.match((await page.locator('.answer').first().textContent()) ?? '', /Copying the gradient/);
  });
});

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe-core finds nothing serious on a ${colorScheme} page of a measurement`, { skip }, async () => {
    await opened({ colorScheme, bypassCSP: true }, async (page) => {
      await page.addScriptTag({ content: await readFile(axe, 'utf8') });
      const findings = await page.evaluate<{ id: string; impact: string; nodes: { html: string }[] }[]>(
        `axe.run().then(({ violations }) => violations)`,
      );
      const serious = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(
        serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`),
        [],
      );
    });
  });
}
