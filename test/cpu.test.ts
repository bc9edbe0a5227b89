import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { stream } from '../src/engine/random.ts';
import { onBackends } from './support/backends.ts';
import { pinned } from './support/gradients.ts';
import { assertClose, assertNear, bits, freed, hostTensor, read } from './support/host.ts';

const everywhere = ['native', 'wasm', 'cpu'] as const;

/** Normal numbers that go by a name. */
function normals(shape: number[], name = 'x'): tf.Tensor {
  const { normal } = stream('cpu.test', name);
  return tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, normal), shape);
}

type Linear = (x: tf.Tensor) => tf.Tensor;

/** What the gradient of a linear function is by definition: entry i is what f makes of the i-th unit, times dy. */
function byDefinition(f: Linear, shape: number[], dy: tf.Tensor): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  const units = tf.eye(size).unstack();
  return tf.stack(units.map((unit) => f(unit.reshape(shape)).mul(dy).sum())).reshape(shape);
}

function assertGradient(f: Linear, shape: number[], tolerance: number, what: string): void {
  freed(() => {
    const x = normals(shape);
    const dy = normals(f(x).shape, 'dy');
    const gradient = tf.grad((at: tf.Tensor) => f(at).mul(dy).sum())(x);
    assertClose(read(gradient), read(byDefinition(f, shape, dy)), tolerance, what);
  });
}

interface Sliding {
  height: number;
  width: number;
  size: [number, number];
  stride: [number, number];
  pad: 'same' | 'valid';
}
const sliding: fc.Arbitrary<Sliding> = fc
  .record({
    height: fc.integer({ min: 1, max: 6 }),
    width: fc.integer({ min: 1, max: 5 }),
    size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.constantFrom<Sliding['pad']>('same', 'valid'),
  })
  .filter(({ height, width, size, pad }) => pad === 'same' || (height >= size[0] && width >= size[1]));

const images = (x: tf.Tensor) => x.as4D(x.shape[0] ?? 0, x.shape[1] ?? 0, x.shape[2] ?? 0, x.shape[3] ?? 0);

onBackends([...everywhere], 'the gradient of a convolution by input and filter is that of its definition', () => {
  fc.assert(
    fc.property(sliding, (c) => {
      const [xShape, filterShape] = [
        [2, c.height, c.width, 2],
        [...c.size, 2, 3],
      ];
      const conv = (x: tf.Tensor, filter: tf.Tensor) => tf.conv2d(images(x), images(filter), c.stride, c.pad);
      assertGradient((x) => conv(x, normals(filterShape, 'other')), xShape, 2e-6, `input, ${JSON.stringify(c)}`);
      assertGradient(
        (filter) => conv(normals(xShape, 'other'), filter),
        filterShape,
        2e-6,
        `filter, ${JSON.stringify(c)}`,
      );
    }),
    { ...pinned, numRuns: 25 },
  );
});

onBackends([...everywhere], 'the gradient of a depthwise convolution is that of its definition', () => {
  fc.assert(
    fc.property(sliding, (c) => {
      const [xShape, filterShape] = [
        [2, c.height, c.width, 2],
        [...c.size, 2, 2],
      ];
      // TensorFlow takes one stride for both axes.
      const conv = (x: tf.Tensor, filter: tf.Tensor) =>
        tf.depthwiseConv2d(images(x), images(filter), c.stride[0], c.pad);
      assertGradient((x) => conv(x, normals(filterShape, 'other')), xShape, 2e-6, `input, ${JSON.stringify(c)}`);
      assertGradient(
        (filter) => conv(normals(xShape, 'other'), filter),
        filterShape,
        2e-6,
        `filter, ${JSON.stringify(c)}`,
      );
    }),
    { ...pinned, numRuns: 25 },
  );
});

onBackends([...everywhere], 'the gradient of an average pool is that of its definition, at the edges too', () => {
  fc.assert(
    fc.property(sliding, (c) => {
      const pool = (x: tf.Tensor) => tf.avgPool(images(x), c.size, c.stride, c.pad);
      assertGradient(pool, [2, c.height, c.width, 2], 1e-6, JSON.stringify(c));
    }),
    { ...pinned, numRuns: 25 },
  );
});

onBackends([...everywhere], 'the gradient of a maximum pool goes to the largest entry of each window', () => {
  fc.assert(
    fc.property(sliding, fc.constantFrom(-3, 0, 3), (c, shift) => {
      freed(() => {
        const x = images(normals([2, c.height, c.width, 2]).add(shift));
        const pool = (at: tf.Tensor) => tf.maxPool(images(at), c.size, c.stride, c.pad);
        const dy = normals(pool(x).shape, 'dy');
        const gradient = tf.grad((at: tf.Tensor) => pool(at).mul(dy).sum())(x);
        // No two entries are equal, so an output's source is where its value is.
        const [from, out, weights] = [x, pool(x), dy].map((t) => Array.from(read(t).values));
        const wanted = new Float64Array(from?.length ?? 0);
        out?.forEach((value, i) => {
          const at = from?.indexOf(value) ?? -1;
          wanted[at] = (wanted[at] ?? Number.NaN) + (weights?.[i] ?? Number.NaN);
        });
        assertClose(read(gradient), hostTensor(x.shape, wanted), 1e-6, `${JSON.stringify(c)} + ${shift}`);
      });
    }),
    { ...pinned, numRuns: 40 },
  );
});

onBackends([...everywhere], 'of equal entries the first has all of the gradient', () => {
  freed(() => {
    const gradient = tf.grad((x: tf.Tensor) => tf.maxPool(images(x), 2, 2, 'valid'))(tf.zeros([1, 2, 4, 1]));
    assert.deepEqual(Array.from(gradient.dataSync()), [1, 0, 1, 0, 0, 0, 0, 0]);
  });
});

onBackends([...everywhere], 'the gradient of gather adds up the rows of each index', () => {
  freed(() => {
    for (const [rows, width, indices] of [
      [5, 3, [0, 4, 4, 1, 4]],
      [300, 1, [7, 299, 7]],
      [2, 40, []],
    ] as const) {
      const index = tf.tensor1d([...indices], 'int32');
      const table = normals([rows, width]);
      const dy = normals([indices.length, width], 'dy');
      const gradient = tf.grad((at: tf.Tensor) => tf.gather(at, index).mul(dy).sum())(table);
      const wanted = tf.oneHot(index, rows).toFloat().matMul(dy, true);
      assertClose(read(gradient), read(wanted), 1e-6, `${rows} rows of ${width}`);
    }
    const sums = tf.unsortedSegmentSum(tf.tensor1d([1, 2, 4], 'int32'), tf.tensor1d([0, 2, 0], 'int32'), 3);
    assert.deepEqual([sums.dtype, Array.from(sums.dataSync())], ['int32', [5, 0, 2]]);
  });
});

// Where the padding lies beside a NaN in dy, a backend may multiply the two or leave them out.
onBackends([...everywhere], 'a NaN or an infinity in dy reaches every entry of a gradient that depends on it', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const functions: Record<string, { f: Linear; shape: number[] }> = {
      input: { f: (x) => tf.conv2d(images(x), images(normals([3, 2, 2, 3])), 2, 'same'), shape: [1, 5, 6, 2] },
      filter: { f: (w) => tf.conv2d(images(normals([1, 5, 6, 2])), images(w), 2, 'same'), shape: [3, 2, 2, 3] },
      depthwise_input: {
        f: (x) => tf.depthwiseConv2d(images(x), images(normals([3, 2, 2, 2])), 1, 'same'),
        shape: [1, 4, 4, 2],
      },
      depthwise_filter: {
        f: (w) => tf.depthwiseConv2d(images(normals([1, 4, 4, 2])), images(w), 1, 'same'),
        shape: [3, 2, 2, 2],
      },
      avg_pool: { f: (x) => tf.avgPool(images(x), 3, 2, 'same'), shape: [1, 6, 5, 2] },
      gather: { f: (x) => tf.gather(x, tf.tensor1d([0, 3, 3], 'int32')), shape: [4, 3] },
    };
    for (const [name, { f, shape }] of Object.entries(functions)) {
      freed(() => {
        const x = normals(shape);
        const y = f(x).shape;
        const size = tf.util.sizeFromShape(y);
        for (const at of [0, Math.floor(size / 2), size - 1]) {
          const one = (value: number) =>
            tf.tensor(
              Array.from({ length: size }, (_, i) => (i === at ? value : 0)),
              y,
            );
          const gradient = (dy: tf.Tensor) =>
            tf
              .grad((z: tf.Tensor) => f(z))(x, dy)
              .dataSync();
          const [reached, seen] = [gradient(one(1)), gradient(one(bad))];
          reached.forEach((value, i) => {
            if (value !== 0) assert.ok(!Number.isFinite(seen[i]), `${name}, ${bad} at ${at}: entry ${i} is ${seen[i]}`);
          });
        }
      });
    }
  }
});

onBackends(['wasm', 'cpu'], 'a maximum pool passes NaN over, and its gradient too', () => {
  freed(() => {
    const x = tf.tensor4d(
      [Number.NaN, -1, -2, Number.NaN, Number.NaN, Number.NaN, 5, Number.NEGATIVE_INFINITY],
      [1, 2, 4, 1],
    );
    const y = tf.maxPool(x, 2, 2, 'valid');
    assert.deepEqual(bits(read(y).values), bits(Float32Array.of(-1, 5)));
    const gradient = tf.grad((at: tf.Tensor) => tf.maxPool(images(at), 2, 2, 'valid'))(x);
    assert.deepEqual(Array.from(gradient.dataSync()), [0, 1, 0, 0, 0, 0, 1, 0]);
  });
});

onBackends([...everywhere], 'erf is right to float32 rounding, also of small numbers and at the edges', () => {
  // As Python's math.erf has them.
  const known = [
    [1e-12, 1.1283791670955126e-12],
    [-1e-7, -1.1283791670955088e-7],
    [0.01, 0.01128341555584962],
    [0.5, 0.5204998778130465],
    [-0.99, -0.838508069555369],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [30, 1],
    [Number.NEGATIVE_INFINITY, -1],
    [0, 0],
    [Number.NaN, Number.NaN],
  ] as const;
  freed(() => {
    const got = tf.erf(tf.tensor1d(known.map(([x]) => x))).dataSync();
    known.forEach(([x, wanted], i) => {
      assertNear(got[i], wanted, 5e-7 * Math.abs(wanted), `erf(${x})`);
    });
  });
});
