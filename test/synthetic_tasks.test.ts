/** What `tasks.test.ts` doesn't ask of every task: that each generated one is the problem which its paper describes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { orthonormalBasis, studentT } from '../src/data/draw.ts';
import { rowSizes } from '../src/data/examples.ts';
import { accuracyAtEnd, crossEntropyOverTimes } from '../src/data/sequence.ts';
import { combine, cosineBasis, dot } from '../src/data/vectors.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { stream } from '../src/engine/random.ts';
import { build, find, parts } from '../src/parts.ts';
import type { Batch, Options, Split, Task } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { optionsOf } from './support/choices.ts';
import { assertClose, assertNear, freed, hostTensor, read } from './support/host.ts';

before(() => loadBackend());

const golden = z
  .object({
    student_t: z.array(
      z.object({ degrees_of_freedom: z.number(), quantiles: z.array(z.object({ p: z.number(), t: z.number() })) }),
    ),
    sequence: z.object({
      y: z.array(z.array(z.number())),
      target: z.array(z.array(z.number())),
      loss: z.array(z.number()),
      gradient: z.array(z.array(z.number())),
    }),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/tasks.json', import.meta.url), 'utf8')));

const made = (name: string, options: Options = {}): Task => {
  const part = find(parts.tasks, name);
  return build(part, { name, options: optionsOf(part, options) });
};
const batchOf = (task: Task, size: number) => task.batches(stream('synthetic'))(size);

/** Input and target of each example. */
const examplesOf = ({ shape }: Task, { size, x, y }: Batch) => {
  const row = rowSizes(shape);
  return Array.from({ length: size }, (_, i) => ({
    x: [...x.subarray(i * row.x, (i + 1) * row.x)],
    y: [...y.subarray(i * row.y, (i + 1) * row.y)],
  }));
};

/** Means of the task's loss and metric where the model says `outputs`. */
const scoresOf = ({ loss, metric }: Task, outputs: number[][], targets: number[][]) =>
  freed(() => {
    const [y, target] = [tf.tensor2d(outputs), tf.tensor2d(targets)];
    return {
      loss: loss(y, target).mean().dataSync()[0],
      metric: metric.perExample(y, target).mean().dataSync()[0],
    };
  });

/** How often something that comes with probability `p` came in `n` trials: within 5 standard deviations. */
const assertShare = (count: number, n: number, p: number, what: string) =>
  assertNear(count / n, p, 5 * Math.sqrt((p * (1 - p)) / n), what);

const counted = (values: number[], value: number) => values.filter((other) => other === value).length;

// Sequences

const copying = { delay: 6, symbols: 3 };

test('copy_memory: symbols, blanks, one delimiter, and the symbols again at the end of the target', () => {
  for (const options of [copying, { delay: 1, symbols: 1 }, { delay: 100, symbols: 10 }]) {
    const task = made('copy_memory', options);
    const { delay, symbols } = options;
    const times = delay + 2 * symbols;
    assert.deepEqual(task.shape, { input: [times], vocabulary: 10, output: 9, times, target: times });
    for (const { x, y } of examplesOf(task, batchOf(task, 50))) {
      const first = x.slice(0, symbols);
      assert.ok(first.every((symbol) => Number.isInteger(symbol) && symbol >= 0 && symbol < 8));
      const blanks = (count: number) => new Array<number>(count).fill(8);
      assert.deepEqual(x, [...first, ...blanks(delay - 1), 9, ...blanks(symbols)]);
      assert.deepEqual(y, [...blanks(delay + symbols), ...first]);
    }
  }
});

test('copy_memory: each symbol is as likely at each place', () => {
  const task = made('copy_memory', copying);
  const examples = examplesOf(task, batchOf(task, 4000));
  for (let place = 0; place < 3; place++) {
    const symbols = examples.map(({ x }) => x[place] ?? Number.NaN);
    for (let symbol = 0; symbol < 8; symbol++) assertShare(counted(symbols, symbol), 4000, 1 / 8, `${symbol}`);
  }
});

test('copy_memory: without memory the loss is s log 8 / (T + 2 s), and an eighth of the symbols is right', () => {
  const task = made('copy_memory', copying);
  const targets = examplesOf(task, batchOf(task, 2000)).map(({ y }) => y);
  const blank = [0, 0, 0, 0, 0, 0, 0, 0, 50];
  // Any symbol, with the same confidence; the first a hair more, so that there is a largest.
  const guess = [1e-6, 0, 0, 0, 0, 0, 0, 0, -50];
  const { loss, metric = Number.NaN } = scoresOf(
    task,
    targets.map(() => [...new Array<number[]>(9).fill(blank), guess, guess, guess].flat()),
    targets,
  );
  assertNear(loss, (3 * Math.log(8)) / 12, 1e-5);
  assertShare(metric * 6000, 6000, 1 / 8, 'right by chance');
});

test('copy_memory: the metric is the share of symbols recalled; blanks do not count', () => {
  freed(() => {
    // Two times of three count. Classes said: 1, 0, 2.
    const y = tf.tensor2d([
      [0, 9, 0, 9, 0, 0, 0, 0, 9],
      [0, 9, 0, 9, 0, 0, 0, 0, 9],
      [0, 9, 0, 9, 0, 0, 0, 0, 9],
    ]);
    const target = tf.tensor2d([
      [1, 0, 1],
      [0, 0, 2],
      [1, 1, 1],
    ]);
    assert.deepEqual([...accuracyAtEnd(3, 2)(y, target).dataSync()], [0.5, 1, 0]);
  });
});

onBackends(['native', 'wasm', 'cpu'], 'cross-entropy over times and its gradient are those of torch', () => {
  freed(() => {
    const { y, target, loss, gradient } = golden.sequence;
    const [outputs, targets] = [tf.tensor2d(y), tf.tensor2d(target)];
    const lossOf = crossEntropyOverTimes(5);
    assertClose(read(lossOf(outputs, targets)), hostTensor([3], loss), 1e-6, 'loss');
    const gradientOf = tf.grad((at: tf.Tensor) => lossOf(at.as2D(3, 20), targets).mean());
    assertClose(read(gradientOf(outputs)), hostTensor([3, 20], gradient.flat()), 1e-6, 'gradient');
  });
});

test('temporal_order: one relevant symbol in the second tenth, one in the sixth, which say the class', () => {
  for (const length of [10, 12, 25, 50]) {
    const task = made('temporal_order', { length });
    assert.deepEqual(task.shape, { input: [length, 6], output: 4 });
    const places = [new Set<number>(), new Set<number>()];
    for (const { x, y } of examplesOf(task, batchOf(task, 500))) {
      const symbols = Array.from({ length }, (_, t) => {
        const oneHot = x.slice(6 * t, 6 * t + 6);
        assert.deepEqual([counted(oneHot, 1), counted(oneHot, 0)], [1, 5]);
        return oneHot.indexOf(1);
      });
      const relevant = symbols.flatMap((symbol, t) => (symbol < 2 ? [{ symbol, t }] : []));
      assert.equal(relevant.length, 2);
      relevant.forEach(({ t }, i) => {
        places[i]?.add(t);
      });
      const [first, second] = relevant.map(({ symbol }) => symbol);
      const order = ['00', '01', '10', '11'].indexOf(`${first}${second}`);
      assert.deepEqual(
        y,
        [0, 1, 2, 3].map((index) => (index === order ? 1 : 0)),
      );
    }
    const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    const allowed = [between(length / 10, length / 5), between(length / 2, (6 * length) / 10)];
    places.forEach((set, i) => {
      const [low = Number.NaN, high = Number.NaN] = [allowed[i]?.[0], i === 0 ? length / 5 : (6 * length) / 10];
      const sorted = [...set].sort((a, b) => a - b);
      assert.deepEqual(
        sorted,
        between(Math.floor(low), Math.floor(low) + Math.floor(length / 10)),
        'every place comes',
      );
      assert.ok(sorted.every((t) => t > low - 1 && t <= high));
    });
  }
});

test('temporal_order: classes and distractors are as likely as each other', () => {
  const task = made('temporal_order', { length: 12 });
  const examples = examplesOf(task, batchOf(task, 4000));
  for (let order = 0; order < 4; order++) {
    const count = examples.filter(({ y }) => y[order] === 1).length;
    assertShare(count, 4000, 1 / 4, `class ${order}`);
  }
  // The first time has nothing but distractors.
  for (let symbol = 2; symbol < 6; symbol++) {
    const count = examples.filter(({ x }) => x[symbol] === 1).length;
    assertShare(count, 4000, 1 / 4, `distractor ${symbol}`);
  }
});

test('adding: short sequences have their two marks in the first half too', () => {
  for (const length of [6, 7, 10, 12, 19]) {
    const task = made('adding', { length });
    for (const { x, y } of examplesOf(task, batchOf(task, 500))) {
      const pairs = Array.from({ length }, (_, t) => ({ t, value: x[2 * t] ?? 0, mark: x[2 * t + 1] }));
      assert.deepEqual([pairs[0]?.mark, pairs.at(-1)?.mark], [-1, -1]);
      const marked = pairs.filter(({ mark }) => mark === 1);
      assert.ok(marked.length === 2 || marked.length === 1, `${marked.length} marks`);
      assert.ok(marked.every(({ t }) => t < length / 2));
      assert.deepEqual(y, [Math.fround(0.5 + marked.reduce((sum, { value }) => sum + value, 0) / 4)]);
    }
  }
});

// Classification

/** Where on a spiral of Lang and Witbrock this point lies: their index i, and which of the two. */
function placeOf([x = Number.NaN, y = Number.NaN]: number[]) {
  const radius = Math.hypot(x, y);
  const i = 104 * (1 - radius / 6.5);
  const [sin, cos] = [radius * Math.sin((Math.PI * i) / 16), radius * Math.cos((Math.PI * i) / 16)];
  const spiral = x * sin + y * cos > 0 ? 0 : 1;
  const sign = spiral === 0 ? 1 : -1;
  return { i, spiral, off: Math.hypot(x - sign * sin, y - sign * cos) };
}

test('two_spirals: points lie on the spirals, on each as many and along all of it, and their place says the class', () => {
  for (const turns of [3, 1]) {
    const task = made('two_spirals', { turns });
    const places = examplesOf(task, batchOf(task, 4000)).map(({ x, y }) => {
      const place = placeOf(x);
      assertNear(place.off, 0, 2e-5, `${x}`);
      assert.ok(place.i > -1e-4 && place.i < 32 * turns);
      assert.deepEqual(y, place.spiral === 0 ? [1, 0] : [0, 1]);
      return place;
    });
    assertShare(places.filter(({ spiral }) => spiral === 0).length, 4000, 1 / 2, 'first spiral');
    for (const share of [0.1, 0.5, 0.9])
      assertShare(places.filter(({ i }) => i < share * 32 * turns).length, 4000, share, 'evenly along the spiral');
  }
});

test('two_spirals: noise has the standard deviation asked for, in both coordinates', () => {
  const [clean, noisy] = [0, 0.25].map((noise) => {
    const task = made('two_spirals', { noise });
    return examplesOf(task, batchOf(task, 4000));
  });
  for (const axis of [0, 1]) {
    const squares = (clean ?? []).map(({ x }, i) => ((noisy?.[i]?.x[axis] ?? 0) - (x[axis] ?? 0)) ** 2);
    const variance = squares.reduce((sum, square) => sum + square, 0) / squares.length;
    // The variance of the estimate is 2 / n.
    assertNear(variance / 0.25 ** 2, 1, 5 * Math.sqrt(2 / 4000));
  }
});

// Regression

const DRAWS = 40_000;
for (const { degrees_of_freedom, quantiles } of golden.student_t) {
  test(`Student's t with ${degrees_of_freedom} degrees of freedom has the quantiles that scipy gives`, () => {
    const source = stream('student', degrees_of_freedom);
    const draws = Array.from({ length: DRAWS }, () => studentT(degrees_of_freedom, source));
    for (const { p, t } of quantiles) {
      assertShare(draws.filter((draw) => draw <= t).length, DRAWS, p, `up to ${t}`);
    }
  });
}

test("Student's t at the ends of the uniform numbers is finite", () => {
  for (const degrees of [1, 1.5, 1000]) {
    for (const uniform of [0, 1 - 2 ** -32]) {
      const value = studentT(degrees, { ...stream(), uniform: () => uniform });
      assert.ok(Number.isFinite(Math.fround(value * value)), `${value}`);
    }
  }
});

const splits: Split[] = ['train', 'val', 'test'];
const signs = (count: number) => Array.from({ length: count }, (_, j) => (j % 2 === 0 ? 1 : -1));

test('heavy_tail_regression: evaluated targets are the linear function itself, training ones have the noise', () => {
  const options = { features: 5, degrees_of_freedom: 1.5, noise: 0.5 };
  const task = made('heavy_tail_regression', options);
  const solution = signs(5).map((sign) => sign / Math.sqrt(5));
  for (const split of splits) {
    const examples = examplesOf(task, task.split(split, stream(split)));
    for (const { x, y } of examples) assertNear(y[0], dot(x, solution), 1e-6);
    const variance = examples.reduce((sum, { y: [y = 0] }) => sum + y * y, 0) / examples.length;
    assertNear(variance, 1, 5 * Math.sqrt(2 / examples.length));
    const perfect = scoresOf(
      task,
      examples.map(({ x }) => [dot(x, solution)]),
      examples.map(({ y }) => y),
    );
    assertNear(perfect.loss, 0, 1e-12);
    assertNear(perfect.metric, 0, 1e-12);
  }
  const noise = examplesOf(task, batchOf(task, 20_000)).map(({ x, y: [y = 0] }) => (y - dot(x, solution)) / 0.5);
  const { quantiles = [] } = golden.student_t.find(({ degrees_of_freedom: n }) => n === 1.5) ?? {};
  assert.equal(quantiles.length, 9);
  for (const { p, t } of quantiles) {
    assertShare(noise.filter((value) => value <= t).length, noise.length, p, `up to ${t}`);
  }
});

/** Eigenvalues of a symmetric matrix, from the largest down (Jacobi's rotations). */
function eigenvalues(matrix: number[][]): number[] {
  const a = matrix.map((row) => [...row]);
  const n = a.length;
  const at = (i: number, j: number) => a[i]?.[j] ?? Number.NaN;
  const set = (i: number, j: number, value: number) => {
    const row = a[i];
    if (row !== undefined) row[j] = value;
  };
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const angle = Math.atan2(2 * at(p, q), at(q, q) - at(p, p)) / 2;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k++) {
          const [kp, kq] = [at(k, p), at(k, q)];
          set(k, p, c * kp - s * kq);
          set(k, q, s * kp + c * kq);
        }
        for (let k = 0; k < n; k++) {
          const [pk, qk] = [at(p, k), at(q, k)];
          set(p, k, c * pk - s * qk);
          set(q, k, s * pk + c * qk);
        }
      }
    }
  }
  return Array.from({ length: n }, (_, i) => at(i, i)).sort((x, y) => y - x);
}

/** Gradient of the task's mean loss with the linear model x w + b. */
const gradientAt = (task: Task, { size, x, y }: Batch, w: number[], b: number) =>
  freed(() => {
    const [inputs, targets] = [tf.tensor2d(x, [size, w.length]), tf.tensor2d(y, [size, 1])];
    const [dw, db] = tf.grads((weights: tf.Tensor, bias: tf.Tensor) =>
      task.loss(inputs.matMul(weights.as2D(-1, 1)).add(bias).as2D(size, 1), targets).mean(),
    )([tf.tensor1d(w), tf.scalar(b)]);
    return [...(dw?.dataSync() ?? []), ...(db?.dataSync() ?? [])];
  });

/** Hessian of the task's mean loss with the linear model x w + b, by b last: exact for a quadratic. */
function hessianOf(task: Task, batch: Batch): number[][] {
  const n = rowSizes(task.shape).x;
  const zero = new Array<number>(n + 1).fill(0);
  const at = (point: number[]) => gradientAt(task, batch, point.slice(0, n), point[n] ?? 0);
  const start = at(zero);
  return zero.map((_, i) => at(zero.map((_, j) => (i === j ? 1 : 0))).map((value, j) => value - (start[j] ?? 0)));
}

for (const spectrum of ['geometric', 'deep']) {
  for (const [dimension, condition_number] of [
    [2, 10],
    [10, 1],
    [10, 1000],
    [16, 100],
  ] as const) {
    test(`quadratic in ${dimension} dimensions, ${spectrum}: the Hessian's condition number is ${condition_number}`, () => {
      const task = made('quadratic', { dimension, condition_number, spectrum });
      const [bias = Number.NaN, ...found] = eigenvalues(hessianOf(task, task.split('val', stream('val'))));
      assertNear(bias, 2, 1e-4, 'the bias');
      assertNear(found[0], 2, 1e-4, 'largest');
      const least = 2 / condition_number;
      assertNear(found.at(-1), least, 1e-5, 'smallest');
      if (spectrum === 'geometric') {
        found.forEach((value, i) => {
          assertNear(
            Math.log(value / 2),
            (Math.log(1 / condition_number) * i) / (dimension - 1),
            0.01,
            `eigenvalue ${i}`,
          );
        });
      } else {
        const outliers = Math.max(1, Math.round(dimension / 10));
        assert.ok(
          found.slice(0, outliers).every((value) => value > 0.999),
          'from half of the largest',
        );
        const most = Math.max(least, 2 / 60);
        assert.ok(
          found.slice(outliers).every((value) => value < most + 1e-5),
          'up to a 60th of the largest',
        );
      }
    });
  }
}

test('quadratic: no eigenvector is an axis', () => {
  const hessian = hessianOf(made('quadratic', { dimension: 4 }), batchOf(made('quadratic', { dimension: 4 }), 8));
  const off = hessian
    .slice(0, 4)
    .map((row, i) => row.slice(0, 4).filter((value, j) => i !== j && Math.abs(value) > 0.01));
  assert.ok(off.every(({ length }) => length >= 2));
});

test('quadratic: every 2 dimension examples have the same gradient, that of the quadratic; fewer have not', () => {
  const task = made('quadratic', { dimension: 6, condition_number: 50 });
  const next = task.batches(stream('exact'));
  const w = [0.5, -1, 2, 0, 0.25, 3];
  const batches = [next(12), next(12), next(24), task.split('test', stream('test'))];
  const [first, ...others] = batches.map((batch) => hostTensor([7], gradientAt(task, batch, w, 0.5)));
  assert.ok(first);
  for (const other of others) assertClose(other, first, 1e-5, 'gradient');
  const part = gradientAt(task, next(6), w, 0.5);
  assert.ok(Math.hypot(...part.map((value, i) => value - (first.values[i] ?? 0))) > 0.1);
});

test('quadratic: the minimum is 0, at the sum of the eigenvectors; training targets have the noise asked for', () => {
  const task = made('quadratic', { dimension: 6, noise: 0.5 });
  const solution = combine(cosineBasis(6), [1, 1, 1, 1, 1, 1]);
  for (const split of splits) {
    const set = task.split(split, stream(split));
    assert.equal(set.size % 12, 0);
    for (const { x, y } of examplesOf(task, set)) assertNear(y[0], dot(x, solution), 1e-6);
    for (const value of gradientAt(task, set, [...solution], 0)) assertNear(value, 0, 1e-6);
  }
  const noise = examplesOf(task, batchOf(task, 4000)).map(({ x, y: [y = 0] }) => (y - dot(x, solution)) / 0.5);
  assertNear(noise.reduce((sum, value) => sum + value * value, 0) / 4000, 1, 5 * Math.sqrt(2 / 4000));
  // As t and -t share a direction but not their noise, neighbours are independent.
  const products = noise.slice(1).map((value, i) => value * (noise[i] ?? 0));
  assertNear(products.reduce((sum, value) => sum + value, 0) / 4000, 0, 5 / Math.sqrt(4000));
});

test('quadratic: gradient descent shrinks the error along each eigenvector as theory says', () => {
  const [dimension, condition_number, rate, steps] = [4, 20, 0.4, 10];
  const task = made('quadratic', { dimension, condition_number });
  const next = task.batches(stream('descent'));
  let w = [0, 0, 0, 0];
  let b = 1;
  for (let t = 0; t < steps; t++) {
    const gradient = gradientAt(task, next(2 * dimension), w, b);
    w = w.map((value, i) => value - rate * (gradient[i] ?? 0));
    b -= rate * (gradient[dimension] ?? 0);
  }
  const shrunk = (eigenvalue: number) => (eigenvalue / 2) * (1 - rate * eigenvalue) ** (2 * steps);
  const along = [0, 1, 2, 3].map((i) => 2 * condition_number ** (-i / 3));
  const wanted = [2, ...along].reduce((sum, eigenvalue) => sum + shrunk(eigenvalue), 0);
  const examples = examplesOf(task, task.split('val', stream('val')));
  const { loss } = scoresOf(
    task,
    examples.map(({ x }) => [dot(x, w) + b]),
    examples.map(({ y }) => y),
  );
  assertNear(loss, wanted, 1e-5 * wanted);
});

test('bases are orthonormal', () => {
  for (const basis of [cosineBasis(1), cosineBasis(2), cosineBasis(9), orthonormalBasis(9, stream('basis'))]) {
    basis.forEach((a, i) => {
      basis.forEach((b, j) => {
        assertNear(dot(a, b), i === j ? 1 : 0, 1e-14);
      });
    });
  }
});

/** First and second derivative of the loss of one example by the output, at distances from the target. */
const derivatives = ({ loss }: Task, distances: number[]) =>
  freed(() => {
    const at = tf.tensor2d(distances, [distances.length, 1]);
    const first = tf.grad((y: tf.Tensor) => loss(y.as2D(-1, 1), tf.zeros([distances.length, 1])).sum());
    const second = tf.grad((y: tf.Tensor) => first(y).sum());
    return { first: [...first(at).dataSync()], second: [...second(at).dataSync()] };
  });

for (const growth of ['quartic', 'exponential']) {
  for (const l1 of [0.5, 4]) {
    const title = `l0_l1_smooth, ${growth}, L1 = ${l1}: curvature <= 1 + L1 gradient, with nothing to spare`;
    onBackends(['native', 'wasm', 'cpu'], title, () => {
      const task = made('l0_l1_smooth', { growth, l1 });
      // l1 |e| from 0 to 20, with 2 among them.
      const distances = Array.from({ length: 401 }, (_, i) => (i - 200) / 10 / l1);
      const { first, second } = derivatives(task, distances);
      const ratios = second.map((curvature, i) => curvature / (1 + l1 * Math.abs(first[i] ?? Number.NaN)));
      for (const ratio of ratios) assert.ok(ratio <= 1 + 1e-5, `${ratio}`);
      assertNear(Math.max(...ratios), 1, 1e-5, 'a smaller L0 or L1 would not do');
      assert.ok(Math.max(...second) > 100, 'no constant bounds the curvature');
      // Where the derivatives are what they should be: at the target, and at l1 e = 2.
      const [origin, two] = [200, 220];
      const wanted =
        growth === 'quartic' ? { first: 2 / l1, second: 3 } : { first: Math.sinh(2) / l1, second: Math.cosh(2) };
      assertNear(first[origin], 0, 1e-7);
      assertNear(second[origin], growth === 'quartic' ? 0 : 1, 1e-6);
      assertNear(first[two], wanted.first, 1e-5 * wanted.first);
      assertNear(second[two], wanted.second, 1e-5 * wanted.second);
    });
  }
}

test('l0_l1_smooth: inputs have length 1, and targets are the linear function', () => {
  const task = made('l0_l1_smooth', { features: 5 });
  for (const split of splits) {
    for (const { x, y } of examplesOf(task, task.split(split, stream(split)))) {
      assertNear(Math.hypot(...x), 1, 1e-6);
      assertNear(y[0], dot(x, signs(5)), 1e-6);
    }
  }
});

// All of them

const synthetic = [
  'adding',
  'copy_memory',
  'heavy_tail_regression',
  'l0_l1_smooth',
  'quadratic',
  'temporal_order',
  'two_spirals',
];

for (const name of synthetic) {
  test(`${name}: no input is in two splits, nor in what a run trains on`, () => {
    const task = made(name);
    const owner = new Map<string, string>();
    const sets = splits.map((split) => [split, task.split(split, stream('eval', split, name))] as const);
    for (const [place, set] of [...sets, ['batches', task.batches(stream('data', 0, name))(2000)] as const]) {
      for (const { x } of examplesOf(task, set)) {
        const key = x.join();
        assert.equal(owner.get(key) ?? place, place);
        owner.set(key, place);
      }
    }
    assert.deepEqual(task.data(), {});
  });
}
