/** Labels of charts in a real browser, with its fonts: none covers another, and none is cut off. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { renderSvg } from '../../src/report/svg.ts';
import { chartsWith } from '../support/chart_tables.ts';
import { launched, skip } from '../support/chromium.ts';

const browser = await launched();
after(() => browser?.close());

/** Runs in the page: what is wrong with its labels. */
const overlaps = `(() => {
  const frame = document.querySelector('svg').getBoundingClientRect();
  // A label may be drawn twice, first as its own halo.
  const boxes = [...document.querySelectorAll('svg text')]
    .filter((text) => text.getAttribute('stroke') === null && text.textContent.trim() !== '')
    .map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
  const found = [];
  for (const [i, a] of boxes.entries()) {
    if (a.box.left < frame.left - 1 || a.box.right > frame.right + 1) found.push(a.text + ' is cut off');
    for (const b of boxes.slice(i + 1)) {
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      // Boxes hold the room above and below the letters too.
      if (wide > 1 && high > 4) found.push(a.text + ' on ' + b.text);
    }
  }
  return found;
})()`;

test('labels that cover each other are found', { skip }, async () => {
  const page = await browser?.newPage();
  const text = (x: number) => `<text x="${x}" y="20">label</text>`;
  await page?.setContent(`<svg width="200" height="40">${text(10)}${text(20)}${text(100)}${text(190)}</svg>`);
  assert.deepEqual(await page?.evaluate(overlaps), ['label on label', 'label is cut off']);
});

for (const strategies of [1, 4, 35]) {
  for (const [name, spec] of Object.entries(chartsWith(strategies))) {
    test(`no label of ${name} covers another or leaves the picture, with ${strategies} strategies`, {
      skip,
    }, async () => {
      const svg = await renderSvg(spec, { id: name, title: name, description: 'made up' });
      const page = await browser?.newPage({ viewport: { width: 1200, height: 800 } });
      if (page === undefined) throw new Error('no page');
      await page.setContent(svg);
      const faults = await page.evaluate(overlaps);
      await page.close();
      assert.deepEqual(faults, []);
    });
  }
}
