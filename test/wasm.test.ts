import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';

before(async () => {
  process.env.CLIPBENCH_BACKEND = 'wasm';
  assert.equal((await loadBackend()).name, 'wasm');
});

type Shaped = { shape: number[]; values: number[]; dtype: string };

/** What `compute` returns on wasm and on cpu, from the same inputs, made anew on each. */
async function onBoth(compute: () => tf.Tensor | tf.Tensor[]): Promise<{ wasm: Shaped[]; cpu: Shaped[] }> {
  const on = async (backend: string): Promise<Shaped[]> => {
    await tf.setBackend(backend);
    return tf.tidy(() =>
      [compute()].flat().map((t) => ({ shape: t.shape, values: Array.from(t.dataSync()), dtype: t.dtype })),
    );
  };
  const results = { cpu: await on('cpu'), wasm: await on('wasm') };
  return results;
}

async function assertSame(compute: () => tf.Tensor | tf.Tensor[], tolerance = 0): Promise<void> {
  const { wasm, cpu } = await onBoth(compute);
  assert.equal(wasm.length, cpu.length);
  wasm.forEach((got, i) => {
    const want = cpu[i];
    assert.deepEqual({ ...got, values: [] }, { ...want, values: [] });
    got.values.forEach((value, k) => {
      const wanted = want?.values[k] ?? Number.NaN;
      const near = Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
      assert.ok(near || Object.is(value, wanted), `output ${i}, element ${k}: ${value} on wasm, ${wanted} on cpu`);
    });
  });
}

/** Numbers that look random and are the same everywhere. */
const wave = (shape: number[], scale = 1) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => scale * Math.sin(i * 12.9898 + 1)),
    shape,
  );

const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1, -2.5, 1e30];

test('NaN, infinities and signed zeros go through clipByValue as on cpu', () =>
  assertSame(() => tf.clipByValue(tf.tensor1d(odd), -1, 1)));

test('NaN, infinities and signed zeros go through minimum and maximum as on cpu', () =>
  assertSame(() => {
    const column = tf.tensor2d(odd, [odd.length, 1]);
    const row = tf.tensor2d(odd, [1, odd.length]);
    const flat = tf.tensor1d(odd);
    const pairs: [tf.Tensor, tf.Tensor][] = [
      [flat, tf.scalar(1)],
      [tf.scalar(1), flat],
      [flat, tf.reverse1d(flat)],
      [column, row],
    ];
    return pairs.flatMap(([a, b]) => [tf.minimum(a, b), tf.maximum(a, b)]);
  }));

test('a clip factor stays NaN when the norm is NaN', async () => {
  const { wasm } = await onBoth(() => tf.minimum(1, tf.div(1, tf.norm(tf.tensor1d([3, Number.NaN])))));
  assert.deepEqual(wasm[0]?.values, [Number.NaN]);
});

test('minimum and maximum broadcast any pair of shapes as on cpu', async () => {
  const shapes = [[], [1], [5], [3, 1], [3, 5], [2, 1, 5], [2, 3, 1], [2, 3, 5], [1, 3, 1], [0, 1], [4, 1, 1, 1]];
  await assertSame(() =>
    shapes.flatMap((a) =>
      shapes
        .filter((b) => !(a.includes(0) || b.includes(0)) || a === b)
        .flatMap((b) => [tf.minimum(wave(a), wave(b, -1)), tf.maximum(wave(a), wave(b, -1))]),
    ),
  );
});

test('int32 keeps its type in minimum, maximum and clipByValue', () =>
  assertSame(() => {
    const x = tf.tensor1d([-5, 0, 7], 'int32');
    return [tf.minimum(x, tf.scalar(1, 'int32')), tf.maximum(x, tf.scalar(1, 'int32')), tf.clipByValue(x, -2, 2)];
  }));

test('sign shows NaN, as on native', async () => {
  const { wasm } = await onBoth(() => tf.sign(tf.tensor1d([Number.NaN, -3, 0, 2])));
  assert.deepEqual(wasm[0]?.values, [Number.NaN, -1, 0, 1]);
});

test('a float casts to bool by being zero or not, as on cpu', () =>
  assertSame(() => [
    tf.cast(tf.tensor1d([0, -0, 0.5, -0.5, Number.NaN, 300]), 'bool'),
    tf.cast(tf.tensor1d([0.5, -1.5]), 'int32'),
  ]));

test('the sum of 1e6 squares is within 1e-6 of the sum in double', async () => {
  const { wasm } = await onBoth(() => [tf.sum(tf.square(wave([1_000_000]))), tf.mean(tf.square(wave([1_000_000])))]);
  let exact = 0;
  for (let i = 0; i < 1e6; i++) exact += Math.fround(Math.sin(i * 12.9898 + 1)) ** 2;
  for (const [got, want] of [
    [wasm[0]?.values[0], exact],
    [wasm[1]?.values[0], exact / 1e6],
  ]) {
    assert.ok(Math.abs((got ?? 0) / (want ?? 1) - 1) < 1e-6, `${got} against ${want}`);
  }
});

test('sum and mean reduce any axes of any shape as on cpu', async () => {
  const shapes = [[], [7], [1, 1], [3, 4], [2, 3, 4], [2, 3, 1, 5], [2, 0, 3]];
  const subsets = (rank: number) =>
    Array.from({ length: 2 ** rank }, (_, bits) => [...Array(rank).keys()].filter((i) => bits & (1 << i)));
  await assertSame(
    () =>
      shapes.flatMap((shape) =>
        subsets(shape.length).flatMap((axes) =>
          [true, false].flatMap((keepDims) => {
            const x = wave(shape);
            return shape.includes(0)
              ? [tf.sum(x, axes, keepDims)]
              : [tf.sum(x, axes, keepDims), tf.mean(x, axes, keepDims)];
          }),
        ),
      ),
    2e-7,
  );
  await assertSame(() => [
    tf.sum(tf.tensor1d([1, 2], 'int32')),
    tf.sum(tf.tensor1d([true, true], 'bool')),
    tf.mean(tf.tensor1d([1, 2], 'int32')),
  ]);
});

test('matMul agrees with cpu for every transpose, batched, broadcast or plain', async () => {
  const batches: [number[], number[]][] = [
    [[], []],
    [[3], [3]],
    [
      [2, 3],
      [2, 3],
    ],
    [[1], [3]],
    [[3], [1]],
    [[], [3]],
  ];
  for (const [m, k, n] of [
    [1, 1, 1],
    [5, 7, 3],
    [16, 70, 33],
  ] as const) {
    for (const [batchA, batchB] of batches) {
      for (const [transposeA, transposeB] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ] as const) {
        await assertSame(() => {
          const a = wave([...batchA, ...(transposeA ? [k, m] : [m, k])]);
          const b = wave([...batchB, ...(transposeB ? [n, k] : [k, n])], 0.5);
          return tf.matMul(a, b, transposeA, transposeB);
        }, 1e-5);
      }
    }
  }
});

test('matMul takes a right factor in the shape it has now, reshaped or not', () =>
  assertSame(() => {
    const b = wave([4, 6]);
    const wide = tf.matMul(wave([2, 4]), b);
    return [wide, tf.matMul(wave([2, 6]), tf.reshape(b, [6, 4])), tf.matMul(wave([2, 6]), b, false, true)];
  }, 1e-6));

test('slice, unstack and split agree with cpu on random blocks', async () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(shapes, fc.nat(), fc.nat(), async (shape, pick, axisPick) => {
    const begin = shape.map((size, i) => (pick >> i) % size);
    const size = shape.map((length, i) => 1 + ((pick >> (i + 3)) % (length - (begin[i] ?? 0))));
    const axis = axisPick % shape.length;
    const length = shape[axis] ?? 1;
    const parts = length > 2 ? [1, length - 2, 1] : [length];
    await assertSame(() => {
      const x = wave(shape);
      return [
        tf.slice(x, begin, size),
        tf.slice(x, begin),
        tf.split(x, length, axis),
        tf.split(x, parts, axis),
        tf.unstack(x, axis),
        tf.unstack(x, axis - shape.length),
      ].flat();
    });
  });
  await fc.assert(property, { numRuns: 60, seed: 1 });
});

test('slice keeps int32, bool and string values', () =>
  assertSame(() => [
    tf.slice(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), [0, 1], [2, 1]),
    tf.slice(tf.tensor1d([true, false], 'bool'), 1),
  ]));

test('gradients through clip, min, max, sum, mean, matMul and unstack agree with cpu', () =>
  assertSame(() => {
    const loss = (x: tf.Tensor, w: tf.Tensor) => {
      const h = tf.stack(tf.unstack(tf.matMul(x.as2D(12, 20), w.as2D(20, 8)), 1)).clipByValue(-2, 2);
      const scores = tf.matMul(h.as3D(2, 4, 12), h.as3D(2, 4, 12), false, true);
      const parts = tf.split(tf.maximum(tf.sub(scores, tf.mean(scores, -1, true)), 0), 2, 1);
      return tf.sum(tf.stack(parts.map((part) => tf.minimum(part, 3)))).asScalar();
    };
    return tf.grads(loss)([wave([12, 20]), wave([20, 8], 0.4)]);
  }, 1e-5));

test('replaced kernels leave no tensor and no memory behind', async () => {
  const step = () =>
    tf.tidy(() => {
      const f = (x: tf.Tensor) =>
        tf.sum(tf.matMul(tf.stack(tf.unstack(x.as3D(2, 32, 32))), x.as3D(2, 32, 32), true, true)).asScalar();
      tf.grad(f)(wave([2, 32, 32])).dataSync();
    });
  await tf.setBackend('wasm');
  step();
  const { numTensors, numDataBuffers } = tf.memory();
  const ids = tf.engine().backend.numDataIds();
  for (let i = 0; i < 20; i++) step();
  assert.deepEqual(
    [tf.memory().numTensors, tf.memory().numDataBuffers, tf.engine().backend.numDataIds()],
    [numTensors, numDataBuffers, ids],
  );
});
