/**
 * What the report's script does, operated as a reader would: with the mouse and with the keyboard, from file://. Skipped by name where there
 * is no Chromium.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { writeReport } from '../../src/report/index.ts';
import { launched, skip } from '../support/chromium.ts';
import { synthetic, type Wanted, writeSynthetic } from '../support/synthetic.ts';

const names = ['none', ...Array.from({ length: 34 }, (_, i) => `strategy_${String.fromCharCode(97 + (i % 26))}${i}`)];
const cases: Record<string, Wanted> = {
  full: { steps: 60 },
  '35 strategies': {
    steps: 60,
    rates: [0.05],
    strategies: names.map((name) => (name === 'none' ? { name } : { name, threshold: 'max_norm', values: [0.1, 1] })),
  },
};

let browser: Browser;
let folder: string;
const reports = new Map<string, string>();

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'clipbench-page-'));
  for (const [name, wanted] of Object.entries(cases)) {
    reports.set(name, await writeReport(await writeSynthetic(join(folder, name), synthetic(wanted))));
  }
  browser = (await launched()) ?? assert.fail(String(skip));
});

after(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

/** Opens a report; fails on any message in the console and on any request besides the file. */
async function opened(
  name: string,
  options: BrowserContextOptions,
  look: (page: Page) => Promise<void>,
  hash = '',
): Promise<void> {
  const url = pathToFileURL(reports.get(name) ?? assert.fail(name)).href;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => faults.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== url && !/^(data|blob):/.test(request.url()))
      faults.push(`request: ${request.url()}`);
  });
  await page.goto(url + hash);
  await look(page);
  await context.close();
  assert.deepEqual(faults, []);
}

/** Brings every figure into view once, until all are alive. */
async function awake(page: Page): Promise<void> {
  const plots = page.locator('.plot:has(script):visible');
  for (let i = 0; i < (await plots.count()); i++) {
    await plots.nth(i).evaluate((plot) => plot.scrollIntoView());
    await plots.nth(i).locator('.scroll > div > svg').waitFor();
  }
}

/** Opacities of the marks of a figure's lines. */
const opacities = (page: Page, selector: string) =>
  page
    .locator(`${selector} .mark-line.role-mark path`)
    .evaluateAll((lines) => lines.map((line) => Number(line.getAttribute('opacity') ?? (line.style.opacity || 1))));

const curves = '#curves .plot:visible';

test('every figure comes to life when it comes into view, and looks as it did', { skip }, async () => {
  await opened('full', {}, async (page) => {
    const before = await page
      .locator('.plot svg')
      .evaluateAll((all) => all.map((svg) => svg.getBoundingClientRect().width));
    assert.equal(await page.locator('#divergence .plot.live').count(), 0);
    await awake(page);
    assert.equal(await page.locator('.plot:visible:not(.live)').count(), 0);
    const after = await page
      .locator('.plot svg')
      .evaluateAll((all) => all.map((svg) => svg.getBoundingClientRect().width));
    for (const [i, width] of after.entries())
      assert.ok(Math.abs(width - (before[i] ?? 0)) <= 2, `${i}: ${before[i]} then ${width}`);
  });
});

test('the pointer over a mark shows its values, and nothing when it leaves', { skip }, async () => {
  await opened('full', {}, async (page) => {
    await page
      .locator(curves)
      .first()
      .evaluate((plot) => plot.scrollIntoView());
    const point = page.locator(`${curves} .mark-symbol.role-mark path`).first();
    await point.waitFor({ state: 'attached' });
    await point.dispatchEvent('mousemove', { bubbles: true });
    await point.hover({ force: true });
    await page.locator('.tip').waitFor();
    assert.match(await page.locator('.tip').innerText(), /configuration \S+[\s\S]*step \d+[\s\S]*median [\d.]+/);
    await page.mouse.move(2, 2);
    await page.locator('.tip').waitFor({ state: 'hidden' });
  });
});

test('a highlighted strategy stands out in figures and tables, and the address says so', { skip }, async () => {
  await opened('full', {}, async (page) => {
    await page
      .locator(curves)
      .first()
      .evaluate((plot) => plot.scrollIntoView());
    await page.locator(`${curves} .scroll > div > svg`).first().waitFor();
    await page.getByLabel('Highlight').selectOption('norm');
    await page.waitForTimeout(300);
    const found = new Set(await opacities(page, `${curves} >> nth=0 >>`.replace(' >> nth=0 >>', '')));
    assert.ok(found.has(1) && [...found].some((opacity) => opacity < 0.2), [...found].join());
    assert.match(page.url(), /#highlight=norm$/);
    const faded = await page.locator('#comparison tr.faded').allInnerTexts();
    assert.ok(faded.length > 0 && faded.every((text) => !text.startsWith('norm')));
    await page.getByRole('button', { name: 'Reset' }).first().click();
    await page.waitForTimeout(300);
    assert.ok((await opacities(page, curves)).every((opacity) => opacity === 1));
    assert.doesNotMatch(page.url(), /#/);
  });
});

test('strategies can be left out, in figures and tables', { skip }, async () => {
  await opened('full', {}, async (page) => {
    await page
      .locator(curves)
      .first()
      .evaluate((plot) => plot.scrollIntoView());
    await page.locator(`${curves} .scroll > div > svg`).first().waitFor();
    const lines = () => page.locator(curves).first().locator('.mark-line.role-mark path').count();
    const all = await lines();
    await page.locator('.menu summary').click();
    await page.getByRole('checkbox', { name: 'value' }).uncheck();
    await page.waitForTimeout(300);
    assert.ok((await lines()) < all);
    assert.equal(await page.locator('.menu summary').innerText(), 'Strategies (3 of 4)');
    assert.equal(await page.locator('#comparison tbody tr:visible', { hasText: /^value/ }).count(), 0);
    assert.match(page.url(), /#hide=value$/);
  });
});

test('a single seed can be drawn in the place of medians', { skip }, async () => {
  await opened('full', {}, async (page) => {
    await page
      .locator(curves)
      .first()
      .evaluate((plot) => plot.scrollIntoView());
    await page.locator(`${curves} .scroll > div > svg`).first().waitFor();
    const shape = () => page.locator(`${curves} .mark-line.role-mark path`).first().getAttribute('d');
    const median = await shape();
    await page.getByLabel('Curves of').selectOption({ label: 'seed 3' });
    await page.waitForTimeout(300);
    assert.notEqual(await shape(), median);
    assert.equal(await page.locator(curves).first().locator('.mark-area.role-mark path').count(), 0, 'no band');
  });
});

test('vertical axes can be logarithmic, and linear again', { skip }, async () => {
  await opened('full', {}, async (page) => {
    await page
      .locator(curves)
      .first()
      .evaluate((plot) => plot.scrollIntoView());
    await page.locator(`${curves} .scroll > div > svg`).first().waitFor();
    const shape = () => page.locator(`${curves} .mark-line.role-mark path`).first().getAttribute('d');
    const asMade = await shape();
    await page.getByLabel('Vertical axes').selectOption('log');
    await page.waitForTimeout(500);
    assert.notEqual(await shape(), asMade);
    await page.getByLabel('Vertical axes').selectOption({ label: 'as made' });
    await page.waitForTimeout(500);
    assert.equal(await shape(), asMade);
  });
});

test('a figure of several metrics shows the one that is chosen', { skip }, async () => {
  await opened('full', {}, async (page) => {
    const figure = page.locator('figure', { has: page.locator('.metric') }).first();
    assert.equal(await figure.locator('.metric:visible').count(), 1);
    const label = () => figure.locator('.metric:visible').getAttribute('data-name');
    assert.equal(await label(), 'validation');
    await figure.getByLabel('Metric').selectOption({ label: 'training loss' });
    assert.equal(await label(), 'training loss');
    await figure.evaluate((one) => one.scrollIntoView());
    await figure.locator('.metric:visible .scroll > div > svg').first().waitFor();
    assert.match(page.url(), /#metric\d+=1$/);
  });
});

test('zoom in, zoom out and reset change what part of the axes is shown', { skip }, async () => {
  await opened('full', {}, async (page) => {
    const plot = page.locator(curves).first();
    await plot.evaluate((one) => one.scrollIntoView());
    await plot.locator('.scroll > div > svg').waitFor();
    const ticks = async () => (await plot.locator('.role-axis-label text').allTextContents()).sort();
    const all = await ticks();
    await plot.locator('.tools summary').click();
    await plot.getByRole('button', { name: 'Zoom in' }).click();
    await page.waitForTimeout(300);
    assert.notDeepEqual(await ticks(), all);
    await plot.getByRole('button', { name: 'Reset' }).click();
    await page.waitForTimeout(300);
    assert.deepEqual(await ticks(), all);
    const box = (await plot.locator('svg').boundingBox()) ?? assert.fail('no box');
    await page.mouse.move(box.x + 150, box.y + 100);
    await page.mouse.wheel(0, 40);
    await page.waitForTimeout(300);
    assert.deepEqual(await ticks(), all, 'the wheel alone scrolls the page');
    await page.mouse.move(box.x + 120, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 180, box.y + 90, { steps: 4 });
    await page.mouse.up();
    await page.waitForTimeout(300);
    assert.notDeepEqual(await ticks(), all, 'dragged');
  });
});

test('figures are saved as SVG, PNG and CSV', { skip }, async () => {
  await opened('full', { acceptDownloads: true }, async (page) => {
    const plot = page.locator(curves).first();
    await plot.evaluate((one) => one.scrollIntoView());
    await plot.locator('.tools summary').click();
    const saved = async (kind: string) => {
      const download = page.waitForEvent('download');
      await plot.getByRole('button', { name: `Save ${kind}` }).click();
      const file = await download;
      assert.match(file.suggestedFilename(), new RegExp(`^figure-\\d+-\\d+\\.${kind.toLowerCase()}$`));
      return readFile(await file.path());
    };
    const svg = (await saved('SVG')).toString();
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.doesNotMatch(svg, /var\(/);
    assert.equal(
      await page.evaluate(
        `new DOMParser().parseFromString(${JSON.stringify(svg)}, 'image/svg+xml').querySelector('parsererror')`,
      ),
      null,
    );
    assert.equal((await saved('PNG')).subarray(1, 4).toString(), 'PNG');
    const [head = '', ...rows] = (await saved('CSV')).toString().trim().split('\n');
    assert.ok(
      ['step', 'mid', 'low', 'high', 'line', 'panel'].every((name) => head.split(',').includes(name)),
      head,
    );
    assert.ok(rows.length > 20);
  });
});

test('tables are sorted by any column, and long ones searched; the keyboard does it too', { skip }, async () => {
  await opened('full', {}, async (page) => {
    const table = page.locator('#runs table').first();
    const column = () => table.locator('tbody tr:not(.group) td:nth-child(3)').allTextContents();
    const asMade = await column();
    await table.getByRole('button', { name: 'Seed' }).focus();
    await page.keyboard.press('Enter');
    assert.equal(await table.locator('th[aria-sort]').getAttribute('aria-sort'), 'ascending');
    assert.notDeepEqual(await column(), asMade);
    await page.keyboard.press('Enter');
    assert.equal(await table.locator('th[aria-sort]').getAttribute('aria-sort'), 'descending');
    const [first] = await column();
    assert.equal(first, '5');
    await page.locator('#runs input[type=search]').fill('diverged');
    const statuses = await table.locator('tbody tr:not(.group):visible td:nth-child(4)').allTextContents();
    assert.ok(statuses.length > 0 && statuses.every((text) => text === 'diverged'));
    assert.match(await page.locator('#runs [role=status]').innerText(), /^\d+ of \d+$/);
    assert.match(page.url(), /sort\d+=2-/);
    assert.match(page.url(), /filter\d+=diverged/);
  });
});

test('an address brings back what was chosen, and the section', { skip }, async () => {
  const look = async (page: Page) => {
    assert.equal(await page.getByLabel('Highlight').inputValue(), 'norm');
    assert.equal(await page.getByLabel('Curves of').inputValue(), '2');
    const top = await page.locator('#divergence').evaluate((section) => section.getBoundingClientRect().top);
    assert.ok(Math.abs(top) < 200, `${top}`);
  };
  await opened('full', {}, look, '#divergence&highlight=norm&seed=2');
  await opened('full', {}, async (page) => {
    await page.getByLabel('Highlight').selectOption('value');
    await page.locator('nav a[href="#runs"]').click();
    assert.match(page.url(), /#runs&highlight=value$/);
  });
});

test('every control can be reached and operated with the keyboard', { skip }, async () => {
  await opened('full', {}, async (page) => {
    const reached = new Set<string>();
    await page.locator('nav a').first().focus();
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      reached.add(
        await page.evaluate<string>(
          `(() => { const e = document.activeElement; return e.tagName + ' ' + (e.labels?.[0]?.textContent ?? e.textContent ?? '').trim().slice(0, 12); })()`,
        ),
      );
    }
    const all = [...reached].join('\n');
    for (const control of [
      'SELECT Highlight',
      'SUMMARY Strategies',
      'SELECT Curves of',
      'SELECT Vertical',
      'BUTTON Reset',
      'SUMMARY Zoom and sav',
    ])
      assert.ok(all.includes(control.slice(0, 18)), `${control} in\n${all}`);
  });
});

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe-core finds nothing serious on a ${colorScheme} page`, { skip }, async () => {
    // The page's own policy would keep the checker out.
    await opened('full', { colorScheme, bypassCSP: true }, async (page) => {
      await awake(page);
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

test('a page stays below 5 MB, also with 35 strategies', { skip }, async () => {
  for (const [name, path] of reports) {
    const { size } = await stat(path);
    assert.ok(size < 5e6, `${name}: ${size}`);
  }
  await opened('35 strategies', {}, async (page) => {
    await awake(page);
    assert.equal(await page.getByLabel('Highlight').locator('option').count(), 36);
  });
});

test('the script never runs text as code', { skip }, async () => {
  // The policy would stop it and say so in the console; here it is seen that nothing tries.
  await opened('full', {}, async (page) => {
    await awake(page);
    assert.ok((await page.locator('.plot.live').count()) > 5);
  });
});
