/** `clipped` and `clipGradients` in a browser, bundled as a user's program is. Skipped by name where there is no Chromium. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { transforms } from '../../src/transforms.ts';
import { variants } from '../support/choices.ts';
import { launched, skip } from '../support/chromium.ts';
import { learned, steps } from '../support/tfjs_program.ts';

/** The program and all it imports as one script. Anything of Node's in it is an error here. */
async function bundled(): Promise<string> {
  const { outputFiles, warnings } = await build({
    entryPoints: [fileURLToPath(new URL('../support/tfjs_program.ts', import.meta.url))],
    ...{ bundle: true, write: false, format: 'iife', globalName: 'program', platform: 'browser', logLevel: 'silent' },
  });
  assert.deepEqual(warnings, []);
  return outputFiles[0]?.text ?? assert.fail('no bundle');
}

const server = createServer();
let browser: Browser;
let page: Page;
const faults: string[] = [];

before(async () => {
  if (skip !== false) return;
  const script = await bundled();
  server.on('request', ({ url }, response) => {
    const [type, text] =
      url === '/program.js'
        ? ['text/javascript', script]
        : ['text/html', '<!doctype html><link rel="icon" href="data:,"><script src="/program.js"></script>'];
    response.setHeader('content-type', type);
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  browser = (await launched()) ?? assert.fail(String(skip));
  page = await browser.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`);
});

after(async () => {
  await browser?.close();
  server.close();
});

const near = (a: number, b: number, smallest: number) =>
  Object.is(a, b) || Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), smallest);
const lists = z.object({ fitted: z.array(z.number()), looped: z.array(z.number()) });
const rows = z.array(z.array(z.union([z.number(), z.nan()])));
const counts = z.object({ clips: z.number(), tensors: z.number() });

for (const backend of ['cpu', 'webgl']) {
  test(`a bundled program learns in Chromium what it learns in Node, and leaves no tensor (${backend})`, {
    skip,
  }, async () => {
    const wanted = await learned('cpu');
    const got: unknown = await page.evaluate(`program.learned('${backend}')`);
    for (const key of ['fitted', 'looped'] as const) {
      const values = lists.parse(got)[key];
      assert.equal(values.length, wanted[key].length);
      for (const [i, value] of values.entries()) {
        const expected = wanted[key][i] ?? Number.NaN;
        assert.ok(Math.abs(value - expected) <= 1e-6, `${key}[${i}]: ${value}, in Node ${expected}`);
      }
    }
    assert.deepEqual(counts.parse(got), { clips: wanted.clips, tensors: 0 });
    assert.equal(wanted.tensors, 0);
    assert.deepEqual(faults, []);
  });
}

const gradients = [
  [3, -4, 0.5, 0.1, -0.2, 7, 1, 2],
  [0.03, -0.04, 0.005, 0.001, -0.002, 0.07, 0.01, 0.02],
  [300, -4, 0.5, 0.1, -0.2, 7, 1, 2],
  [0, 0, 0, 0, 0, 0, 0, 0],
  [1e-8, 0, 0, 0, 0, 0, 0, 1e-9],
  [1, 2, 3, 4, 5, 6, 7, 8],
];
/** Divides zero by zero, as its reference does; a GPU makes of it what it likes. */
const undefinedOnGpus = ['autoclip {"percentile_interpolation":"nearest","semantics":"tf"}'];

test('every strategy does on WebGL what it does in Node', { skip }, async () => {
  let tried = 0;
  for (const part of transforms.strategies.filter(({ needs = 'batch' }) => needs === 'batch')) {
    for (const options of variants(part)) {
      const { percentile_interpolation, semantics } = options;
      if (undefinedOnGpus.includes(`${part.name} ${JSON.stringify({ percentile_interpolation, semantics })}`)) continue;
      const spec = { ...options, name: part.name };
      // Its erf is a polynomial that is right to 1e-7.
      const smallest = options.fn === 'erf' ? 1e-2 : 1e-3;
      const wanted = await steps('cpu', spec, gradients);
      const call = `program.steps('webgl', ${JSON.stringify(spec)}, ${JSON.stringify(gradients)})`;
      const got = rows.parse(await page.evaluate(call));
      for (const [t, row] of wanted.entries()) {
        const isNear = row.every((value, i) => near(value, got[t]?.[i] ?? Number.NaN, smallest));
        assert.ok(isNear, `${JSON.stringify(spec)}, step ${t}: ${got[t]?.join()}, in Node ${row.join()}`);
      }
      tried++;
    }
  }
  assert.ok(tried > 40, `${tried}`);
});
