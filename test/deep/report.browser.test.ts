/**
 * The report in a browser, opened from file:// as a reader would; as it stands, without its script (page.browser.test.ts has what that
 * does). Skipped by name where there is no Chromium:
 * set CHROMIUM to its path or put it on PATH.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { writeReport } from '../../src/report/index.ts';
import { launched, skip } from '../support/chromium.ts';
import { synthetic, type Wanted, writeSynthetic } from '../support/synthetic.ts';

const markup = `<script>document.title='owned'</script><img src=x onerror="document.title='owned'"> & <b>bold</b> "`;

const cases: Record<string, Wanted> = {
  full: { steps: 100 },
  'two tasks': { steps: 60, tasks: ['row_mnist', 'adding'], models: [{ name: 'rnn', options: {} }] },
  'two seeds': { steps: 60, seeds: [0, 1] },
  'one strategy': { steps: 60, strategies: [{ name: 'none' }] },
  'telemetry off': { steps: 60, telemetry: 'off' },
  markup: {
    steps: 60,
    question: markup,
    file: markup,
    models: [
      { name: 'rnn', options: { note: markup } },
      { name: 'rnn', options: { note: 'plain' } },
    ],
    failures: [{ cell_id: 'feedfacefeedface', attempts: '2', error: markup.repeat(20) }],
  },
};

let browser: Browser;
let folder: string;
const reports = new Map<string, string>();

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'clipbench-browser-'));
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
): Promise<void> {
  const url = pathToFileURL(reports.get(name) ?? assert.fail(name)).href;
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => faults.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) faults.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  await look(page);
  await context.close();
  assert.deepEqual(faults, []);
}

const still = { javaScriptEnabled: false };

/** Boxes and marks of every chart, as the browser lays them out. */
const chartsOf = (page: Page) =>
  page.locator('figure svg[role=img]').evaluateAll((charts) =>
    charts.map((chart) => {
      const { width, height } = chart.getBoundingClientRect();
      const marks = [...chart.querySelectorAll('.role-mark path, .role-mark line, .role-mark text')];
      const drawn = marks.filter((mark) => {
        const box = mark.getBoundingClientRect();
        return box.width + box.height > 0;
      });
      return { width, height, marks: drawn.length, title: chart.querySelector('title')?.textContent ?? '' };
    }),
  );

/** What reaches beyond the right edge of the window without a box of its own to scroll in. As text: it runs in the page. */
const overflowing = `[...document.querySelectorAll('body *')]
  .filter((element) => element.parentElement.closest('.scroll, pre') === null)
  .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 0.5)
  .map((element) => element.tagName + ' ' + element.className + ' ' + element.textContent.slice(0, 40))`;

for (const name of Object.keys(cases)) {
  test(`report "${name}" opens without a message or a request, and every chart is drawn`, { skip }, async () => {
    await opened(name, { ...still, viewport: { width: 1280, height: 900 } }, async (page) => {
      const charts = await chartsOf(page);
      assert.ok(charts.length >= 3, `${charts.length} charts`);
      for (const { title, width, height, marks } of charts) {
        assert.ok(width > 300 && height > 60 && marks >= 1, `${title}: ${width} x ${height}, ${marks} marks`);
      }
      assert.equal(await page.locator('figure').count(), await page.locator('figcaption').count());
    });
  });

  for (const width of [1280, 390]) {
    test(`report "${name}" stays within ${width} px, but for its scroll boxes`, { skip }, async () => {
      await opened(name, { viewport: { width, height: 900 } }, async (page) => {
        assert.deepEqual(await page.evaluate<string[]>(overflowing), []);
        assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
      });
    });
  }
}

test('text with markup is shown as text, and none of it runs', { skip }, async () => {
  await opened('markup', {}, async (page) => {
    assert.equal(await page.locator('h1').textContent(), markup);
    assert.equal(await page.title(), markup.trim());
    assert.equal(await page.locator('img, body b').count(), 0);
    assert.equal(await page.locator('#runs pre').textContent(), markup.repeat(20));
    const headings = await page.locator('figure h3').allTextContents();
    assert.ok(headings.some((heading) => heading.startsWith(`note ${markup}`)));
  });
});

test('without scripts the report offers nothing that would need them', { skip }, async () => {
  await opened('full', still, async (page) => {
    assert.equal(await page.locator('main button, main input, select, .bar, .tools').count(), 0);
    assert.ok((await chartsOf(page)).every(({ marks }) => marks > 0));
  });
});

test('no text of a chart covers another, none is cut off', { skip }, async () => {
  for (const name of reports.keys()) {
    await opened(name, { ...still, viewport: { width: 1280, height: 900 } }, async (page) => {
      const faults = await page.locator('figure svg').evaluateAll((charts) =>
        charts.flatMap((chart) => {
          const frame = chart.getBoundingClientRect();
          const texts = [...chart.querySelectorAll('text')].filter((text) => text.getAttribute('opacity') !== '0');
          // Halos are the same text twice, at the same place.
          const boxes = texts
            .filter((text) => !text.hasAttribute('stroke'))
            .map((text) => ({ text: text.textContent ?? '', box: text.getBoundingClientRect() }));
          const overlaps = boxes.flatMap((a, i) =>
            boxes
              .slice(i + 1)
              .filter(
                (b) =>
                  Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 &&
                  Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 4,
              )
              .map((b) => `"${a.text}" covers "${b.text}"`),
          );
          const cut = boxes
            .filter(
              ({ box }) => box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1,
            )
            .map(({ text }) => `"${text}" is cut off`);
          return [...overlaps, ...cut].map((fault) => `${chart.querySelector('title')?.textContent}: ${fault}`);
        }),
      );
      assert.deepEqual(faults, [], name);
    });
  }
});

/** Lines and words whose colour is too close to the page's (WCAG's contrast ratio). As text: it runs in the page. */
const tooPale = `(() => {
  const parts = (color) => (color.match(/[\\d.]+/g) ?? []).slice(0, 3).map((part) => Number(part) / 255);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => parts(color).reduce((sum, c, i) => sum + [0.2126, 0.7152, 0.0722][i] * linear(c), 0);
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const ratio = (color) => (Math.max(luminance(color), paper) + 0.05) / (Math.min(luminance(color), paper) + 0.05);
  const found = (selector, property, least) =>
    [...new Set([...document.querySelectorAll(selector)].map((element) => getComputedStyle(element)[property]))]
      .filter((color) => !(ratio(color) >= least))
      .map((color) => selector + ': ' + color + ' has ' + ratio(color));
  return [
    ...found('svg .mark-line.role-mark path', 'stroke', 2),
    ...found('svg .role-axis-label text, svg .role-legend-label text, svg .role-title-text text', 'fill', 4.5),
    ...found('p, li, a, th, td, dt, dd, figcaption, h1, h2, h3', 'color', 4.5),
  ];
})()`;

for (const colorScheme of ['light', 'dark'] as const) {
  test(`on a ${colorScheme} page text and lines keep their contrast`, { skip }, async () => {
    await opened('full', { ...still, colorScheme }, async (page) => assert.deepEqual(await page.evaluate(tooPale), []));
  });
}
