import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { partition } from '../src/data/partition.ts';
import { assertNear } from './support/host.ts';
import { splits } from './support/loading.ts';

test('a partition has every number once, shares near 70 : 15 : 15, also in each class, and is the same every time', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 300 }), (classes) => {
      const parted = partition(classes.length, classes);
      assert.deepEqual(partition(classes.length, classes), parted);
      const all = splits.flatMap((split) => parted[split]);
      assert.deepEqual(
        [...all].sort((a, b) => a - b),
        [...classes.keys()],
      );
      for (const kind of new Set(classes)) {
        const count = classes.filter((one) => one === kind).length;
        const [train = 0, val = 0, tested = 0] = splits.map((s) => parted[s].filter((i) => classes[i] === kind).length);
        assert.ok(train >= 1, 'every class has an example to learn from');
        assertNear(train, 0.7 * count, 0.5);
        assertNear(train + val, 0.85 * count, 0.5);
        assert.ok(count < 5 || (val > 0 && tested > 0), '5 of a class are enough for every split');
      }
    }),
  ));

test('a partition is in random order', () => {
  const { train } = partition(1000);
  const descents = train.filter((value, i) => i > 0 && value < (train[i - 1] ?? 0)).length;
  assertNear(descents, train.length / 2, 50);
});
