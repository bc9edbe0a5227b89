import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { canonical } from '../src/canonical.ts';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const unsafe = (value: number) => Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
const numbers = fc.oneof(
  fc.double().filter((value) => !unsafe(value)),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, 1e-7, 1e21, 1e30),
);
const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('NaN', '-0', '', '__proto__', '"'));
const values: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(numbers, texts, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(texts, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

/** The same value with the keys of every object in the opposite order. */
function reordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]): [string, Json] => [key, reordered(member)]);
  return Object.fromEntries(entries.reverse());
}

const tagged = z.strictObject({ $number: z.enum(['NaN', 'Infinity', '-Infinity', '-0']) });
/** What a reader of the text gets back. */
const parsed = (text: string): unknown =>
  JSON.parse(text, (_, member) => {
    const tag = tagged.safeParse(member);
    return tag.success ? Number(tag.data.$number) : member;
  });

test('the order of keys does not matter', () => {
  fc.assert(fc.property(values, (value) => assert.equal(canonical(reordered(value)), canonical(value))));
  assert.equal(canonical({ b: 1, a: { d: 2, c: [3] } }), '{"a":{"c":[3],"d":2},"b":1}');
});

test('the order of a list does', () => assert.notEqual(canonical([1, 2]), canonical([2, 1])));

test('what was written is read back', () =>
  fc.assert(fc.property(values, (value) => assert.deepEqual(parsed(canonical(value)), value))));

test('distinct values have distinct texts', () => {
  fc.assert(
    fc.property(values, values, (one, other) => {
      fc.pre(!sameValue(one, other));
      assert.notEqual(canonical(one), canonical(other));
    }),
  );
  const alike: Json[] = [
    0,
    -0,
    '0',
    '-0',
    [0],
    [[0]],
    [],
    {},
    null,
    'null',
    false,
    '',
    Number.NaN,
    'NaN',
    1,
    '1',
    true,
  ];
  assert.equal(new Set(alike.map(canonical)).size, alike.length);
});

function sameValue(one: Json, other: Json): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

test('numbers that JSON lacks are tagged', () => {
  assert.equal(canonical(Number.NaN), '{"$number":"NaN"}');
  assert.equal(
    canonical([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]),
    '[{"$number":"Infinity"},{"$number":"-Infinity"},{"$number":"-0"}]',
  );
});

test('an object that looks like a tag is refused', () =>
  assert.throws(() => canonical({ options: { $number: 'NaN' } }), TypeError));

test('numbers have their shortest text', () => {
  assert.equal(canonical([0.1, 1e-7, 1e30, 5e-324, 100, 2 ** 53 - 1]), '[0.1,1e-7,1e+30,5e-324,100,9007199254740991]');
});

test('integers that a double cannot tell from their neighbours are refused', () => {
  for (const value of [2 ** 53, -(2 ** 53), 2 ** 53 + 2, 1e20]) {
    assert.throws(() => canonical({ seed: value }), RangeError);
  }
  assert.equal(canonical(Number.MIN_SAFE_INTEGER), '-9007199254740991');
});

test('a member that is undefined is as good as absent, but has no place in a list', () => {
  assert.equal(canonical({ a: 1, b: undefined }), '{"a":1}');
  assert.throws(() => canonical([undefined]), TypeError);
});

test('what has no JSON form is refused', () => {
  for (const value of [undefined, () => 1, Symbol('a'), 10n]) assert.throws(() => canonical(value), TypeError);
});
