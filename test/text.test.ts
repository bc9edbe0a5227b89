import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { canonical } from '../src/canonical.ts';
import type { Column, Kind } from '../src/columns.ts';
import { floatText, numberText } from '../src/float_text.ts';
import { csvText, headerText } from '../src/run/csv.ts';

const fromBits = (pattern: number) => new Float32Array(Uint32Array.of(pattern).buffer)[0] ?? Number.NaN;
const patterns = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(fromBits);
const subnormals = fc.integer({ min: 1, max: 2 ** 23 - 1 }).map(fromBits);
/** Beside powers of two the gaps between neighbours change. */
const edges = fc
  .tuple(fc.integer({ min: 0, max: 254 }), fc.integer({ min: -2, max: 2 }))
  .map(([exponent, offset]) => fromBits(Math.max(0, exponent * 2 ** 23 + offset)));
const decimals = fc
  .tuple(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: -42, max: 33 }))
  .map(([mantissa, exponent]) => Math.fround(Number(`${mantissa}e${exponent}`)));
const float32s = fc.oneof(patterns, subnormals, edges, decimals);
const many = { numRuns: 5000 };

test('a float32 is read back as itself, bit for bit', () => {
  fc.assert(
    fc.property(float32s, (value) => assert.equal(Math.fround(Number(floatText(value))), value)),
    many,
  );
  const special = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(floatText);
  assert.deepEqual(special, ['0', '-0', 'NaN', 'Infinity', '-Infinity']);
});

/** The significant digits of a decimal text, without leading and trailing zeros. */
const digitsOf = (text: string) =>
  text
    .replace(/e.*/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '').length;

/** Whether some decimal with this many digits reads back as `value`: the nearest, or the one above or below it. */
function fits(value: number, digits: number): boolean {
  const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
  const nearest = Number(mantissa.replace('.', ''));
  return [nearest - 1, nearest, nearest + 1].some(
    (whole) => Math.fround(Number(`${whole}e${Number(exponent) - digits + 1}`)) === value,
  );
}

/**
 * Below a power of two the neighbours are twice as near as above it. For these three powers the nearest decimal with
 * eight digits lies outside the narrow side, one that is further off lies inside the wide one, and floatText writes nine.
 */
const oneDigitMore = [2 ** -96, 2 ** 87, 2 ** 90];

test('no shorter text of a float32 would do, but for three powers of two', () => {
  fc.assert(
    fc.property(float32s, (value) => {
      const [text, digits] = [floatText(value), digitsOf(floatText(value))];
      if (!Number.isFinite(value) || digits <= 1 || oneDigitMore.includes(Math.abs(value))) return;
      assert.ok(!fits(value, digits - 1), `${text} is too long`);
    }),
    {
      ...many,
      examples: Array.from({ length: 277 }, (_, i): [number] => [2 ** (i - 149)]),
    },
  );
  const texts = [0.1, 1 / 3, 16_777_216, 1e30, 1e-45, 3.4028234663852886e38, 1.1754943508222875e-38].map((value) =>
    floatText(Math.fround(value)),
  );
  assert.deepEqual(texts, ['0.1', '0.33333334', '16777216', '1e+30', '1e-45', '3.4028235e+38', '1.1754944e-38']);
});

test('a double is read back as itself', () =>
  fc.assert(fc.property(fc.double(), (value) => assert.equal(Number(numberText(value)), value))));

const column = (name: string, kind: Kind): Column => ({ name, kind, meaning: '' });
const columns = [column('name', 'text'), column('count', 'integer'), column('loss', 'float'), column('area', 'double')];

test('rows come in column order, one LF each, with an empty field where there is no value', () => {
  assert.equal(headerText(columns), 'name,count,loss,area\n');
  const rows = [
    { area: 0.1, loss: Math.fround(0.1), count: 3, name: 'a' },
    { name: 'b', other: 'not a column' },
    { name: 'c', count: -0, loss: -0, area: Number.NaN },
    { name: 'd', loss: Number.POSITIVE_INFINITY, area: Number.NEGATIVE_INFINITY, count: undefined },
  ];
  assert.equal(csvText(columns, rows), 'a,3,0.1,0.1\nb,,,\nc,-0,-0,NaN\nd,,Infinity,-Infinity\n');
  assert.equal(csvText(columns, []), '');
});

test('only a float is rounded to float32', () => {
  assert.equal(
    csvText([column('a', 'float'), column('b', 'double')], [{ a: Math.fround(1 / 3), b: 1 / 3 }]),
    '0.33333334,0.3333333333333333\n',
  );
});

test('quotes, commas and line ends are written by RFC 4180', () => {
  const row = { name: 'a,b', count: 1, loss: 2, area: 3 };
  assert.equal(csvText(columns, [row]), '"a,b",1,2,3\n');
  assert.equal(csvText(columns, [{ ...row, name: 'say "a"' }]), '"say ""a""",1,2,3\n');
  assert.equal(csvText(columns, [{ ...row, name: 'two\nlines' }]), '"two\nlines",1,2,3\n');
  assert.equal(csvText(columns, [{ ...row, name: 'two\r\nlines' }]), '"two\r\nlines",1,2,3\n');
  assert.equal(csvText(columns, [{ ...row, name: 'carriage\rreturn' }]), '"carriage\rreturn",1,2,3\n');
  assert.equal(csvText(columns, [{ ...row, name: 'true' }]), 'true,1,2,3\n');
  const options = canonical({ nesterov: true, off: false, name: 'é' });
  assert.equal(
    csvText([column('o', 'json')], [{ o: options }]),
    '"{""name"":""é"",""nesterov"":true,""off"":false}"\n',
  );
});

test('a CSV reader finds the texts that were written', () =>
  fc.assert(
    fc.property(fc.array(fc.record({ a: fc.string({ unit: 'binary' }), b: fc.string() }), { minLength: 1 }), (rows) => {
      const text = csvText([column('a', 'text'), column('b', 'text')], rows);
      const found: unknown = parse(text, { record_delimiter: '\n' });
      assert.deepEqual(
        found,
        rows.map(({ a, b }) => [a, b]),
      );
    }),
  ));
