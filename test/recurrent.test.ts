import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { stream } from '../src/engine/random.ts';
import { gru } from '../src/layers/gru.ts';
import { lstm } from '../src/layers/lstm.ts';
import { recurrence } from '../src/layers/recurrence.ts';
import type { States } from '../src/layers/states.ts';
import { pick } from '../src/tensors.ts';
import type { HostTensor, Tensors } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { assertClose, freed, hostTensor, read, toHost } from './support/host.ts';

const [BATCH, WIDTH] = [3, 5];

interface Layer {
  /** Sizes of what the inputs contribute at each time, and shapes of the weights. */
  inputs: number;
  weights: Record<string, number[]>;
  ours(inputs: tf.Tensor, weights: Tensors, states: States): tf.Tensor;
  /** One step as its definition says; the first of the state is h. */
  plain(input: tf.Tensor, state: tf.Tensor[], weights: Tensors): tf.Tensor[];
}

const layers: Record<string, Layer> = {
  rnn: {
    inputs: WIDTH,
    weights: { u: [WIDTH, WIDTH] },
    ours: (inputs, weights, states) => recurrence(inputs, pick(weights, 'u'), states),
    plain: (input, [h = input], weights) => [tf.tanh(input.add(h.matMul(pick(weights, 'u'))))],
  },
  'rnn with relu': {
    inputs: WIDTH,
    weights: { u: [WIDTH, WIDTH] },
    ours: (inputs, weights, states) => recurrence(inputs, pick(weights, 'u'), states, { activation: 'relu' }),
    plain: (input, [h = input], weights) => [tf.relu(input.add(h.matMul(pick(weights, 'u'))))],
  },
  lstm: {
    inputs: 4 * WIDTH,
    weights: { u: [WIDTH, 4 * WIDTH] },
    ours: (inputs, weights, states) => lstm(inputs, pick(weights, 'u'), states),
    plain(input, [h = input, c = input], weights) {
      const parts = input.add(h.matMul(pick(weights, 'u'))).split(4, 1);
      const [i = input, f = input, g = input, o = input] = parts;
      const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      return [o.sigmoid().mul(next.tanh()), next];
    },
  },
  gru: {
    inputs: 3 * WIDTH,
    weights: { u: [WIDTH, 3 * WIDTH], b: [3 * WIDTH] },
    ours: (inputs, weights, states) => gru(inputs, pick(weights, 'u'), pick(weights, 'b'), states),
    plain(input, [h = input], weights) {
      const [aR = input, aZ = input, aN = input] = input.split(3, 1);
      const [mR = input, mZ = input, mN = input] = h.matMul(pick(weights, 'u')).add(pick(weights, 'b')).split(3, 1);
      const [r, z] = [aR.add(mR).sigmoid(), aZ.add(mZ).sigmoid()];
      const n = aN.add(r.mul(mN)).tanh();
      return [tf.sub(1, z).mul(n).add(z.mul(h))];
    },
  },
};

const tensorOf = (name: string, shape: number[]) => {
  const { normal } = stream('test', name, shape);
  return tf.tensor(Float32Array.from({ length: shape.reduce((n, size) => n * size, 1) }, normal), shape).mul(0.5);
};

function plainly({ plain }: Layer, inputs: tf.Tensor, weights: Tensors, states: States): tf.Tensor {
  let state = [tf.zeros([BATCH, WIDTH]), tf.zeros([BATCH, WIDTH])];
  const all: tf.Tensor[] = [];
  // Not unstack: tfjs has no gradient for a single slice.
  const [time = 0] = inputs.shape;
  for (let t = 0; t < time; t++) {
    const input = inputs.slice([t, 0, 0], [1, -1, -1]).squeeze([0]);
    state = plain(input, state, weights);
    all.push(...state.slice(0, 1));
  }
  return states === 'all' ? tf.stack(all) : (all.at(-1) ?? inputs);
}

for (const [name, layer] of Object.entries(layers)) {
  for (const time of [1, 2, 7, 28]) {
    for (const states of ['all', 'last'] as const) {
      const title = `${name} over ${time} times, ${states} states: values and gradients are those of automatic differentiation`;
      onBackends(['native', 'wasm', 'cpu'], title, () => {
        freed(() => {
          const shapes = { inputs: [time, BATCH, layer.inputs], ...layer.weights };
          const params = Object.fromEntries(
            Object.entries(shapes).map(([key, shape]) => [key, tensorOf(`${name} ${key}`, shape)]),
          );
          // Every state counts, each with a weight of its own.
          const weights = tensorOf('weights', states === 'all' ? [time, BATCH, WIDTH] : [BATCH, WIDTH]);
          const both = [layer.ours, (...args: Parameters<Layer['ours']>) => plainly(layer, ...args)].map((f) => {
            const loss = (...values: tf.Tensor[]) => {
              const named = Object.fromEntries(values.map((value, i) => [Object.keys(shapes)[i] ?? '', value]));
              return f(pick(named, 'inputs'), named, states).mul(weights).sum().asScalar();
            };
            const value = read(f(pick(params, 'inputs'), params, states));
            const { grads } = tf.valueAndGrads(loss)(Object.values(params));
            const named = grads.map((g, i): [string, tf.Tensor] => [Object.keys(shapes)[i] ?? '', g]);
            return { value, gradient: toHost(Object.fromEntries(named)) };
          });
          const [ours, plain] = both;
          const nothing = { value: hostTensor([], []), gradient: {} };
          assertClose((ours ?? nothing).value, (plain ?? nothing).value, 1e-6, 'states');
          for (const [key, wanted] of Object.entries<HostTensor>(plain?.gradient ?? {})) {
            assertClose(ours?.gradient[key] ?? hostTensor([], []), wanted, 2e-6, key);
          }
        });
      });
    }
  }
}

test('a layer whose states are all wanted gives the last one last', () => {
  freed(() => {
    const [inputs, u] = [tensorOf('a', [4, BATCH, WIDTH]), tensorOf('u', [WIDTH, WIDTH])];
    const last = recurrence(inputs, u, 'all').unstack().at(-1) ?? inputs;
    assertClose(read(recurrence(inputs, u, 'last')), read(last), 0, 'the last state');
  });
});
