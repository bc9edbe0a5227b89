import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { logger, parse, View, Warn } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { openResults } from '../src/database/results.ts';
import { axisRange } from '../src/report/axis-range.ts';
import { type CurveTable, curves } from '../src/report/charts/curves.ts';
import { divergence } from '../src/report/charts/divergence.ts';
import { effects } from '../src/report/charts/effects.ts';
import { short, shortNames } from '../src/report/charts/frame.ts';
import { heatmap } from '../src/report/charts/heatmap.ts';
import { placeLabels } from '../src/report/charts/labels.ts';
import { logTicks } from '../src/report/charts/log-ticks.ts';
import { type Curve, curveOf, withinFrame } from '../src/report/curve.ts';
import type { Config, Run } from '../src/report/design.ts';
import { thresholdStroke } from '../src/report/palette.ts';
import type { Row } from '../src/report/row.ts';
import { renderSvg } from '../src/report/svg.ts';
import { textWidth } from '../src/report/text-width.ts';
import { binWidth, stepTracks } from '../src/report/tracks.ts';
import { synthetic, writeSynthetic } from './support/synthetic.ts';

const markup = '<script>alert(1)</script>&"\'';

const alternative = (id: string) => ({ id, title: `title ${markup}`, description: `description ${markup}` });

const stroke = thresholdStroke(0, 0, 3);

const curve = (mids: number[], drops: Curve['drops'] = []): Curve => ({
  points: mids.map((mid, index) => ({
    step: index * 10,
    mid,
    low: mid * 0.9,
    high: mid * 1.1,
    values: [mid * 0.9, mid, mid * 1.1],
  })),
  drops,
  left: 4,
  seeds: 6,
});

const curveTable = (log: boolean): CurveTable => ({
  panels: [
    {
      title: markup,
      subtitle: 'max norm',
      lines: [
        { label: `none ${markup}`, stroke, curve: curve([3, 2, 1]) },
        { label: '0.1', stroke: thresholdStroke(0, 1, 3), curve: curve([3, 1, 0.5], [{ step: 10, mid: 1 }]) },
        { label: '0.1', stroke: thresholdStroke(0, 1, 3), curve: curve([3, 2, 2]), faint: true },
      ],
    },
    { title: 'norm', subtitle: '', lines: [{ label: '10', stroke, curve: curve([3, 2, 1]) }] },
  ],
  columns: 3,
  steps: 20,
  y: { title: 'loss', domain: [0.1, 5], log, format: '~g' },
});

const tables: Record<string, TopLevelSpec> = {
  'curves on a linear axis': curves(curveTable(false)),
  'curves on a logarithmic axis': curves(curveTable(true)),
  heatmap: heatmap({
    rows: [`rnn · ${markup}`, 'rnn · learning rate 1'],
    panels: [
      {
        title: markup,
        subtitle: 'max norm',
        columns: ['none', '0.1'],
        cells: [
          { row: `rnn · ${markup}`, column: 'none', share: undefined, value: '', diverged: 6, runs: 6 },
          { row: `rnn · ${markup}`, column: '0.1', share: 0.9, value: '0.81', diverged: 2, runs: 6 },
          { row: 'rnn · learning rate 1', column: '0.1', share: 0, value: '0.12', diverged: 0, runs: 6 },
        ],
      },
    ],
  }),
  divergence: divergence({
    panels: [{ title: markup, bars: [{ name: markup, stroke, diverged: 2, runs: 6, low: 0.1, high: 0.7 }] }],
  }),
  effects: effects({
    panels: [
      {
        title: markup,
        unit: 'accuracy, higher by',
        effects: [
          {
            name: markup,
            stroke,
            differences: [0.1, Infinity, -Infinity, 0.2],
            seeds: [0, 1, 2, 3],
            estimate: 0.15,
            low: -Infinity,
            high: Infinity,
          },
          {
            name: 'endless',
            stroke,
            differences: [Infinity, Infinity],
            seeds: [0, 1],
            estimate: Infinity,
            low: 0.1,
            high: Infinity,
          },
          { name: 'nothing', stroke, differences: [], seeds: [], estimate: Number.NaN, low: -Infinity, high: Infinity },
        ],
      },
    ],
  }),
};

for (const [name, spec] of Object.entries(tables)) {
  test(`${name}: compiles and renders without a warning`, async () => {
    const warnings: string[] = [];
    const log = logger(Warn, 'warn', (_method: string, _level: string, input: unknown[]) => {
      warnings.push(input.join(' '));
    });
    const view = new View(parse(compile(spec, { logger: log }).spec), { renderer: 'none', logger: log });
    await view.toSVG();
    assert.deepEqual(warnings, []);
  });

  test(`${name}: no coordinate is NaN or infinite, and markup is shown as text`, async () => {
    const svg = await renderSvg(spec, alternative('figure-1-1'));
    for (const bad of ['NaN', 'Infinity', 'undefined', 'null', '<script']) assert.ok(!svg.includes(bad), bad);
    assert.ok(svg.includes('&lt;script&gt;'));
    assert.match(
      svg,
      /^<svg [^>]*role="img" aria-labelledby="figure-1-1-title figure-1-1-desc"><title id="figure-1-1-title">/,
    );
    assert.match(svg, /<(path|line|text) /);
  });

  test(`${name}: the same bytes whatever was rendered before, and ids of its own`, async () => {
    const before = await renderSvg(spec, alternative('a'));
    await renderSvg(curves(curveTable(true)), alternative('b'));
    assert.equal(await renderSvg(spec, alternative('a')), before);
    const other = await renderSvg(spec, alternative('b'));
    const ids = (svg: string) => [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    assert.equal(new Set(ids(before)).size, ids(before).length);
    assert.deepEqual(
      ids(before).filter((id) => ids(other).includes(id)),
      [],
    );
  });
}

test('a heatmap cell in which every run diverged is hatched, one with some is marked', async () => {
  const svg = await renderSvg(tables.heatmap ?? assert.fail(), alternative('a'));
  assert.ok(svg.includes('×\u00A06/6') && svg.includes('×\u00A02/6') && !svg.includes('0/6'));
  assert.ok([...svg.matchAll(/class="mark-rule role-mark/g)].length >= 7);
});

test('every line of a panel has one legend entry, in words', async () => {
  const svg = await renderSvg(curves(curveTable(false)), alternative('a'));
  const entries = [...svg.matchAll(/role-legend-label"><text [^>]*>([^<]*)</g)].map((match) => match[1]);
  assert.deepEqual(entries, [
    `none ${markup.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}`,
    '0.1',
    '10',
  ]);
});

test('more than ten lines keep all their legend entries', async () => {
  const lines = Array.from({ length: 14 }, (_, i) => ({
    label: `line ${i}`,
    stroke: thresholdStroke(i, 0, 1),
    curve: curve([1, 2]),
  }));
  const svg = await renderSvg(
    curves({ ...curveTable(false), panels: [{ title: 'many', subtitle: '', lines }] }),
    alternative('a'),
  );
  for (const line of lines) assert.ok(svg.includes(`>${line.label}</text>`));
  assert.ok(!svg.includes('…'));
});

test('labels never cover each other and stay inside the panel', () => {
  const label = fc.record({
    x: fc.integer({ min: -20, max: 400 }),
    y: fc.integer({ min: -50, max: 250 }),
    text: fc.constantFrom('4/6', '10/12', '0/6'),
  });
  fc.assert(
    fc.property(fc.array(label, { maxLength: 8 }), (labels) => {
      const placed = placeLabels(labels, 300, 150);
      for (const [i, a] of placed.entries()) {
        assert.ok(a.x >= 0 && a.x + textWidth(a.text, 10) <= 300 && a.y >= 5 && a.y <= 145);
        for (const b of placed.slice(i + 1)) {
          const apart =
            Math.abs(a.y - b.y) >= 11 || a.x >= b.x + textWidth(b.text, 10) || b.x >= a.x + textWidth(a.text, 10);
          assert.ok(apart, `${JSON.stringify(a)} ${JSON.stringify(b)}`);
        }
      }
      assert.ok(labels.length > 5 || placed.length === labels.length);
    }),
  );
});

test('ticks of a logarithmic axis lie inside it and are few', () => {
  assert.deepEqual(logTicks([0.09, 110]), [0.1, 1, 10, 100]);
  assert.deepEqual(logTicks([0.4, 2.6]), [0.5, 0.7, 1, 2]);
  assert.deepEqual(logTicks([1e-8, 1e12]), [1e-8, 1e-4, 1, 1e4, 1e8, 1e12]);
  fc.assert(
    fc.property(
      fc.double({ min: -30, max: 30, noNaN: true }),
      fc.double({ min: 0.5, max: 40, noNaN: true }),
      (start, decades) => {
        const [low, high] = [
          Number(`1e${Math.floor(start)}`),
          Number(`1e${Math.floor(start)}`) * Math.exp(decades * Math.LN10),
        ];
        const ticks = logTicks([low, high]);
        assert.ok(ticks.length >= 1 && ticks.length <= 8, `${ticks}`);
        assert.ok(ticks.every((tick) => tick >= low && tick <= high));
      },
    ),
  );
});

test('a long label is cut in the middle, a short one not at all', () => {
  assert.equal(short('global_norm 0.1', 20), 'global_norm 0.1');
  assert.equal(short('abcdefghijklmnop', 9), 'abcd…mnop');
  const names = shortNames(['abcdefghijklmnop', 'abcdXXXXmnop', 'rnn · abcdefghijklmnop'], 9);
  assert.deepEqual([...names.values()], ['abcd…mnop', 'abcd…mnop (2)', 'rnn · abcd…mnop']);
});

const run = (id: string, divergedAt?: number): Run => ({ row: {}, id, seed: 0, steps: 4, divergedAt });
const config = (runs: Run[]): Config => ({ strategy: 'norm', threshold: 1, label: '1', name: 'norm 1', runs });
const rows = (id: string, losses: string[]) => losses.map((loss, step) => ({ cell_id: id, step: String(step), loss }));

/** Of the columns that rows have; the others are empty. */
async function tracksOf(steps: Row[], runs: Run[]) {
  const folder = await writeSynthetic(await mkdtemp(join(tmpdir(), 'clipbench-tracks-')), { ...nothing, steps });
  try {
    return await stepTracks(await openResults([folder]), runs);
  } finally {
    await rm(folder, { recursive: true });
  }
}
const nothing = synthetic({ seeds: [] });

test('a curve is the median over seeds with diverged ones worst, and ends where half of them are gone', async () => {
  const runs = [run('a'), run('b', 1), run('c', 2), run('d')];
  const steps = [
    ...rows('a', ['4', '3', '2', '1']),
    ...rows('b', ['4', 'NaN']),
    ...rows('c', ['8', '9', 'Infinity']),
    ...rows('d', ['6', '5', '4', '3']),
  ];
  const { tracks } = await tracksOf(steps, runs);
  const made = curveOf(config(runs), tracks.get('loss'), Infinity);
  assert.deepEqual(
    made.points.map((point) => [point.step, point.mid, point.low, point.high]),
    [
      [0, 5, 4, 8],
      [1, 7, 3, 9],
    ],
  );
  assert.deepEqual(made.drops, [
    { step: 1, mid: 7 },
    { step: 1, mid: 7 },
  ]);
  assert.equal(made.left, 2);
  assert.equal(made.seeds, 4);
});

test('the band leaves out seeds beyond the frame, the line does not', () => {
  const [inside, outside] = withinFrame(curve([1, 10]), 5).points;
  assert.deepEqual([inside?.low, inside?.high], [0.9, 1.1]);
  assert.deepEqual([outside?.mid, outside?.low, outside?.high], [10, 10, 10]);
  assert.deepEqual(
    withinFrame(curve([1]), 1).points.map((point) => [point.mid, point.high]),
    [[1, 1]],
  );
});

test('a curve leaves out steps at which a live run has no row', async () => {
  const runs = [run('a'), run('b')];
  const steps = [
    ...rows('a', ['1', '2', '3', '4']),
    { cell_id: 'b', step: '0', loss: '3' },
    { cell_id: 'b', step: '2', loss: '5' },
  ];
  const { tracks } = await tracksOf(steps, runs);
  assert.deepEqual(
    curveOf(config(runs), tracks.get('loss'), Infinity).points.map((point) => point.step),
    [0, 2],
  );
});

test('rows of unknown runs are ignored and empty series have no track', async () => {
  const { tracks } = await tracksOf(rows('x', ['1', '2']), [run('a')]);
  assert.equal(tracks.size, 0);
  assert.deepEqual(curveOf(config([run('a')]), undefined, Infinity), { points: [], drops: [], left: 0, seeds: 1 });
});

test('norms are averaged geometrically; zeros, infinities and NaN are counted, not drawn', async () => {
  const one: Run = { ...run('a'), steps: 200 };
  const steps = ['1', '100', '0', 'Infinity', 'NaN'].map((grad_norm, step) => ({
    cell_id: 'a',
    step: String(step),
    grad_norm,
  }));
  const { tracks, leftOut } = await tracksOf(steps, [one]);
  assert.deepEqual(leftOut.get('grad_norm'), { nonFinite: 2, nonPositive: 1 });
  const track = tracks.get('grad_norm')?.get('a');
  assert.ok(Math.abs((track?.value[0] ?? 0) - 10) < 1e-12);
});

test('any number of steps falls into at most 80 bins of 1, 2, 5, 10, ... steps', () => {
  assert.deepEqual([10, 79, 80, 300, 1000, 100000].map(binWidth), [1, 1, 2, 5, 20, 2000]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), (steps) => {
      const width = binWidth(steps);
      assert.ok((steps + 1) / width <= 80 && /^[125]0*$/.test(String(width)));
    }),
  );
});

test('an axis holds every median, and losses that exploded do not flatten the others', () => {
  const calm = curve([2, 1, 0.5]);
  assert.equal(axisRange([calm], 'loss')?.cutAt, undefined);
  const wild = axisRange([calm, curve([2, 1e6])], 'loss');
  assert.ok(wild !== undefined && wild.domain[1] < 5 && wild.cutAt !== undefined);
  assert.equal(axisRange([], 'loss'), undefined);
  assert.deepEqual(
    axisRange([curve([0.1, 0.9])], 'metric')?.domain.map((end) => Math.round(end * 100) / 100),
    [0.05, 1.02],
  );
  const flat = axisRange([curve([0])], 'metric');
  assert.ok(flat !== undefined && flat.domain[0] < flat.domain[1]);
  assert.equal(axisRange([curve([1e-3, 10])], 'norm')?.log, true);
});
