import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { loadBackend } from '../src/engine/backend.ts';

before(async () => {
  process.env.CLIPBENCH_BACKEND = 'wasm';
  assert.equal((await loadBackend()).name, 'wasm');
});

const useWasm = () => tf.setBackend('wasm');

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

test('transpose agrees with cpu for random shapes and orders of up to six axes', async () => {
  const sizes = fc.array(fc.constantFrom(1, 2, 3, 17), { minLength: 1, maxLength: 6 });
  const property = fc.asyncProperty(
    sizes
      .filter((shape) => tf.util.sizeFromShape(shape) < 20_000)
      .chain((shape) =>
        fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
      ),
    fc.constantFrom('float32' as const, 'int32' as const, 'bool' as const),
    async ([shape, perm], dtype) => assertSame(() => tf.transpose(wave(shape, 9).cast(dtype), perm)),
  );
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

test('convolution agrees with cpu for every stride and padding, larger than the filter or not', async () => {
  const pads = ['same', 'valid', 1] as const;
  for (const pad of pads) {
    for (const [height, width] of [
      [1, 1],
      [2, 1],
      [3, 2],
      [5, 5],
    ] as const) {
      await assertSame(() => {
        const filter = wave([height, width, 3, 4], 0.5);
        const images = [wave([2, 6, 7, 3]), wave([1, 9, 8, 3])].map((x) =>
          x.as4D(x.shape[0] ?? 0, x.shape[1] ?? 0, x.shape[2] ?? 0, 3),
        );
        // With a padding in pixels tfjs counts outputs as if strides and filters were square.
        const strides: [number, number][] = [1, 2, 3, 4]
          .flatMap((a) => [1, 2, 3].map((b): [number, number] => [a, b]))
          .filter(([a, b]) => pad !== 1 || (a === b && height === width));
        return images.flatMap((x) =>
          strides.map((stride) =>
            tf.conv2d(x, filter.as4D(height, width, 3, 4), stride, pad, 'NHWC', 1, pad === 1 ? 'floor' : undefined),
          ),
        );
      }, 1e-5);
    }
  }
});

test('pools agree with cpu for every stride and padding, and pass NaN and infinities on as it does', async () => {
  const pads = ['same', 'valid', 1] as const;
  for (const holding of [[], odd]) {
    await assertSame(() => {
      const values = wave([2 * 7 * 6 * 3]).arraySync();
      const mixed = [values].flat(2).map((value, i) => (i % 11 === 3 && holding[((i / 11) % 8) | 0]) ?? value);
      const x = tf.tensor(mixed.map(Number), [2, 7, 6, 3]).as4D(2, 7, 6, 3);
      return pads.flatMap((pad) =>
        [2, 3].flatMap((size) =>
          [1, 2, 3].flatMap((stride) => [
            tf.maxPool(x, size, stride, pad, pad === 1 ? 'floor' : undefined),
            tf.avgPool(x, size, stride, pad, pad === 1 ? 'floor' : undefined),
          ]),
        ),
      );
    }, 1e-6);
  }
});

test('relu and relu6 show NaN of either sign', async () => {
  await useWasm();
  // Infinity - Infinity has its sign set, as stock relu can't bear.
  const bits = Int32Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 0x7fc00000 : 0xffc00000 | 0));
  const nan = tf.tensor1d(new Float32Array(bits.buffer));
  for (const f of [tf.relu<tf.Tensor>, tf.relu6<tf.Tensor>]) {
    assert.equal(
      Array.from(f(nan).dataSync()).every((value) => Number.isNaN(value)),
      true,
    );
  }
  await assertSame(() => [tf.relu(tf.tensor1d(odd)), tf.relu6(tf.tensor1d([...odd, 5.5, 6, 7]))]);
});

test('fused kernels are their parts: batched, transposed, wide, with every activation', async () => {
  const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const;
  for (const activation of activations) {
    await assertSame(() => {
      const product = (a: number[], b: number[], transposeA: boolean, transposeB: boolean) =>
        tf.fused.matMul({
          a: wave(a),
          b: wave(b, 0.5),
          transposeA,
          transposeB,
          bias: wave([65]),
          activation,
          leakyreluAlpha: 0.1,
        });
      const [x, bias] = [wave([2, 5, 6, 3]).as4D(2, 5, 6, 3), wave([6])];
      const conv = { x, strides: 1, pad: 'same', bias, activation, leakyreluAlpha: 0.1 } as const;
      return [
        product([3, 70], [70, 65], false, false),
        product([70, 3], [70, 65], true, false),
        product([2, 3, 70], [2, 65, 70], false, true),
        product([2, 3, 20, 70], [2, 3, 70, 65], false, false),
        tf.fused.conv2d({ ...conv, filter: wave([3, 3, 3, 6]).as4D(3, 3, 3, 6) }),
        tf.fused.depthwiseConv2d({ ...conv, filter: wave([3, 3, 3, 2]).as4D(3, 3, 3, 2) }),
      ];
    }, 1e-5);
  }
  await assertSame(() =>
    tf.fused.matMul({ a: tf.tensor2d([Number.NaN, 1], [2, 1]), b: tf.tensor2d([[2]]), activation: 'relu' }),
  );
});

test("the filter gradient of 100,352 pixels is within 2e-6 of cpu's, which is a sum in double", async () => {
  const { wasm, cpu } = await onBoth(() => {
    const [x, dy] = [wave([128, 28, 28, 2]).abs().as4D(128, 28, 28, 2), wave([128, 28, 28, 4], 2).abs()];
    return tf.grad((filter: tf.Tensor) =>
      tf
        .conv2d(x, filter.as4D(3, 3, 2, 4), 1, 'same')
        .mul(dy)
        .sum(),
    )(wave([3, 3, 2, 4]));
  });
  const norm = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const [got = [], wanted = []] = [wasm[0]?.values, cpu[0]?.values];
  const off = norm(got.map((value, i) => value - (wanted[i] ?? Number.NaN))) / norm(wanted);
  assert.ok(off < 2e-6, `off by ${off}`);
});

test('the gradients of a convolutional network and of attention agree with cpu', () =>
  assertSame(() => {
    const network = (x: tf.Tensor, first: tf.Tensor, second: tf.Tensor) => {
      const h = tf.relu(tf.conv2d(x.as4D(2, 9, 8, 2), first.as4D(3, 3, 2, 4), 1, 'same'));
      const { mean, variance } = tf.moments(h, [0, 1, 2]);
      const normal = tf.maxPool(
        h
          .sub(mean)
          .mul(tf.rsqrt(variance.add(1e-5)))
          .as4D(2, 9, 8, 4),
        2,
        2,
        'same',
      );
      const deep = tf.tanh(tf.conv2d(normal, second.as4D(3, 3, 4, 5), 2, 'same'));
      return tf
        .logSoftmax(tf.avgPool(deep, 2, 1, 'same').as2D(2, -1))
        .square()
        .sum()
        .asScalar();
    };
    const attention = (table: tf.Tensor, w: tf.Tensor) => {
      const tokens = tf.range(0, 24, 1, 'int32').mod(tf.scalar(7, 'int32'));
      const h = tf.gather(table, tokens.as1D()).add(tf.oneHot(tokens.as1D(), 7).toFloat().matMul(table.as2D(7, 12)));
      const [q = h, k = h, v = h] = h
        .as2D(24, 12)
        .matMul(w.as2D(12, 36))
        .reshape([2, 12, 3, 3, 4])
        .transpose([2, 0, 3, 1, 4])
        .unstack();
      return tf
        .matMul(tf.softmax(tf.matMul(q, k, false, true)), v)
        .square()
        .sum()
        .asScalar();
    };
    return [
      ...tf.grads(network)([wave([2, 9, 8, 2]), wave([3, 3, 2, 4]), wave([3, 3, 4, 5], 0.5)]),
      ...tf.grads(attention)([wave([7, 12]), wave([12, 36], 0.3)]),
    ];
  }, 1e-5));

test('replaced kernels leave no tensor and no memory behind', async () => {
  const step = () =>
    tf.tidy(() => {
      const f = (x: tf.Tensor) =>
        tf.sum(tf.matMul(tf.stack(tf.unstack(x.as3D(2, 32, 32))), x.as3D(2, 32, 32), true, true)).asScalar();
      tf.grad(f)(wave([2, 32, 32])).dataSync();
      const convolved = (x: tf.Tensor, filter: tf.Tensor) => {
        const h = tf.depthwiseConv2d(
          tf.conv2d(x.as4D(2, 6, 6, 3), filter.as4D(3, 3, 3, 3), 1, 'same'),
          filter.as4D(3, 3, 3, 3),
          1,
          'same',
        );
        const pooled = tf.avgPool(tf.maxPool(h, 2, 2, 'same'), 2, 1, 'same');
        return tf
          .gather(pooled, tf.tensor1d([0, 1, 1], 'int32'))
          .sum()
          .asScalar();
      };
      for (const g of tf.grads(convolved)([wave([2, 6, 6, 3]), wave([3, 3, 3, 3])])) g.dataSync();
      tf.fused.matMul({ a: wave([2, 3, 4]), b: wave([2, 4, 5]), bias: wave([5]), activation: 'relu' }).dataSync();
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
