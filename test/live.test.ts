import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { TopLevelSpec } from 'vega-lite';
import { withSources } from '../src/report/figure.ts';
import { interactive } from '../src/report/interactive.ts';
import { csvOf } from '../src/report/live/csv.ts';
import { compareCells, numberIn } from '../src/report/live/order.ts';
import { fromHash, initial, type State, toHash } from '../src/report/live/state.ts';
import { script } from '../src/report/script.ts';
import { chartsWith } from './support/chart_tables.ts';

const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const states: fc.Arbitrary<State> = fc.record({
  section: fc.constantFrom('', 'runs', 'how to & why'),
  highlight: fc.oneof(fc.constant(''), text),
  hidden: fc.array(text, { maxLength: 3 }),
  seed: fc.constantFrom('', '0', '17'),
  scale: fc.constantFrom('', 'linear', 'log'),
  metrics: fc.dictionary(fc.constantFrom('1', '12'), fc.integer({ min: 1, max: 3 }), { noNullPrototype: true }),
  sorts: fc.dictionary(
    fc.constantFrom('1', '7'),
    fc.record({ column: fc.nat(9), descending: fc.boolean() }, { noNullPrototype: true }),
    { noNullPrototype: true },
  ),
  filters: fc.dictionary(fc.constantFrom('2', '3'), text, { noNullPrototype: true }),
});

test('what the reader chose survives the way through the address', () => {
  fc.assert(fc.property(states, (state) => assert.deepEqual(fromHash(toHash(state)), { ...state })));
  assert.equal(toHash(initial), '');
  assert.equal(
    toHash({ ...initial, section: 'runs', hidden: ['a b'], sorts: { 2: { column: 3, descending: true } } }),
    '#runs&hide=a%20b&sort2=3-',
  );
});

test('an address that nobody wrote this way changes nothing, and stops nothing', () => {
  fc.assert(fc.property(fc.string(), (hash) => typeof fromHash(hash).highlight === 'string'));
  assert.deepEqual(fromHash('#%E0%A4%A&scale=cubic&sort1=x&metric2=-1&wat=1'), initial);
});

test('cells are ordered as the numbers that they show, and what has none comes last either way', () => {
  const cells = ['12\u202F000', '\u22121.2e\u22124', '∞', '5/6 (40–90\u202F%)', '–', '0', '\u2212∞', 'diverged'];
  const order = (descending: boolean) => [...cells].sort((a, b) => compareCells(a, b, descending));
  assert.deepEqual(order(false), [
    '\u2212∞',
    '\u22121.2e\u22124',
    '0',
    '5/6 (40–90\u202F%)',
    '12\u202F000',
    '∞',
    'diverged',
    '–',
  ]);
  assert.deepEqual(order(true), [
    '∞',
    '12\u202F000',
    '5/6 (40–90\u202F%)',
    '0',
    '\u22121.2e\u22124',
    '\u2212∞',
    'diverged',
    '–',
  ]);
  assert.equal(numberIn('+0.25 to 1'), 0.25);
  assert.equal(numberIn('norm 1'), undefined);
});

test("a chart's numbers become CSV: each row once, without what is for the drawing only", () => {
  const values = [
    { step: 1, line: 'a, "b"', color: 'red', by_seed: { 0: 1 } },
    { step: 1, line: 'a, "b"', color: 'blue' },
    { step: 2, mid: 0.5 },
  ];
  assert.equal(csvOf([{ name: 'x', values }, { name: 'y' }]), 'step,line,mid\n1,"a, ""b""",\n2,,0.5\n');
});

const parsed = (packed: string) => JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString());
const valuesOf = (packed: string): Record<string, unknown>[] =>
  parsed(packed).data.flatMap(({ values = [] }: { values?: Record<string, unknown>[] }) => values);

test('every chart can be brought to life: marks know their strategy, axes can be zoomed', () => {
  const strategies = ['none', 'global_norm', 'value', 'agc', 'u_clip-global_norm'];
  for (const [name, spec] of Object.entries(chartsWith(4))) {
    const { spec: packed, other } = interactive(spec, strategies);
    const signals: string[] = parsed(packed).signals.map((signal: { name: string }) => signal.name);
    assert.ok(
      ['highlight', 'hidden', 'seed'].every((control) => signals.includes(control)),
      name,
    );
    if (name !== 'heatmap')
      assert.ok(
        signals.some((signal) => signal.startsWith('zoom_')),
        name,
      );
    const named = valuesOf(packed).filter(({ strategy }) => strategy !== undefined);
    if (named.length > 0)
      assert.ok(
        named.every(({ strategy }) => strategies.includes(String(strategy))),
        name,
      );
    assert.equal(interactive(spec, strategies).spec, packed, `${name}: the same bytes`);
    if (other !== undefined) assert.notEqual(parsed(other.spec), parsed(packed));
  }
  const curves = valuesOf(interactive(chartsWith(4).curves ?? assert.fail(), strategies).spec);
  assert.deepEqual(
    new Set(curves.map(({ strategy }) => strategy)),
    new Set(['global_norm', 'value', 'agc', 'u_clip-global_norm']),
  );
});

test('an axis can be logarithmic only where all that stands on it is above 0', () => {
  const chart = (least: number): TopLevelSpec => ({
    data: {
      values: [
        { x: 1, y: least },
        { x: 2, y: 3 },
      ],
    },
    mark: 'line',
    encoding: {
      x: { field: 'x', type: 'quantitative' },
      y: { field: 'y', type: 'quantitative', axis: { format: '~g' }, scale: { domain: [0, 4] } },
    },
  });
  const { other } = interactive(chart(0.5), []);
  assert.equal(other?.scale, 'log');
  const scale = parsed(other?.spec ?? '').scales.find((own: { name: string }) => own.name === 'y');
  assert.equal(scale.type, 'log');
  assert.ok(scale.domain[0] > 0 && scale.domain[0] < 0.5);
  assert.equal(interactive(chart(0), []).other, undefined);
});

test('the longest name that fits is the strategy of a mark, and words that merely begin alike are none', () => {
  const chart = (line: string): TopLevelSpec => ({
    data: { values: [{ x: 1, y: 2, line }] },
    mark: 'point',
    encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' } },
  });
  const strategyOf = (line: string) =>
    valuesOf(interactive(chart(line), ['norm', 'norm-value', 'none']).spec)[0]?.strategy;
  assert.equal(strategyOf('norm-value 0.1'), 'norm-value');
  assert.equal(strategyOf('norm 0.1'), 'norm');
  assert.equal(strategyOf('normalized 3'), undefined);
});

test('the script is the same on every call, and holds no tag that would end it', async () => {
  const { text: written, hash } = await script();
  assert.match(hash, /^sha256-[\w+/]{43}=$/);
  assert.doesNotMatch(written, /<\/script/);
  assert.ok(written.length < 800_000, `${written.length}`);
});

test('a page takes what its script draws from as long as there is room, and says where there is none', () => {
  const page = 'a<!--live 0-->b<!--live 1-->c<!--live 2-->';
  const made = withSources(page, ['x', 'y'.repeat(5_000_000), 'z']);
  assert.equal(made, 'axb<p class="note">The page is as large as it may be: this figure stays as it is.</p>cz');
});
