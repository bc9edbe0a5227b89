/** Gated recurrent unit, with its gradient written by hand. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';
import { type Backward, given, outer, type States, sum, weightGradient } from './states.ts';

/**
 * m_t = h_(t-1) U + b, in three parts r, z, n like a_t;  r = sigmoid(a_r + m_r);  z = sigmoid(a_z + m_z);
 * n = tanh(a_n + r m_n);  h_t = (1 - z) n + z h_(t-1), with h_0 = 0 (Cho et al. 2014, in the form of torch.nn.GRU, whose reset gate
 * acts after the product).
 *
 * @param inputs a, what the inputs contribute, [time, batch, 3 width]
 * @param u U, [width, 3 width]
 * @param b [3 width]
 * @param onGradient of the gradient by what the activations are taken of, at each time before it goes further back
 */
export function gru(inputs: tf.Tensor, u: tf.Tensor, b: tf.Tensor, states: States, onGradient?: Backward): tf.Tensor {
  const [, batch = 0] = inputs.shape;
  const [width = 0] = u.shape;
  return withGradient(
    [inputs, u, b],
    () => {
      const steps: Step[] = [];
      for (const [t, input] of inputs.unstack().entries()) {
        const before: tf.Tensor = steps[t - 1]?.h ?? tf.zeros([batch, width]);
        const m = before.matMul(u).add(b);
        const [aGates, aN] = tf.split(input, [2 * width, width], 1);
        const [mGates, mN] = tf.split(m, [2 * width, width], 1);
        if (aGates === undefined || aN === undefined || mGates === undefined || mN === undefined) break;
        const [r, z] = tf.split(tf.sigmoid(aGates.add(mGates)), 2, 1);
        if (r === undefined || z === undefined) break;
        const n = tf.tanh(aN.add(r.mul(mN)));
        steps.push({ r, z, n, mN, before, h: n.add(z.mul(before.sub(n))) });
      }
      const over = (name: keyof Step) => tf.stack(steps.map((step) => step[name]));
      const all = over('h');
      const h = steps.map((step) => step.h);
      return {
        value: given(states, h, all),
        saved: [all, u, over('r'), over('z'), over('n'), over('mN'), over('before')],
      };
    },
    (dy, saved) => backward(states, dy, saved, onGradient),
  );
}

type Step = Record<'r' | 'z' | 'n' | 'mN' | 'before' | 'h', tf.Tensor>;

/** What doesn't depend on later times is computed for all times at once: the gradient by m is dh times something known. */
function backward(states: States, dy: tf.Tensor, saved: tf.Tensor[], onGradient?: Backward): tf.Tensor[] {
  const [all = dy, u = dy, r = dy, z = dy, n = dy, mN = dy, before = dy] = saved;
  const [time = 0, batch = 0, width = 0] = all.shape;
  const slope = (gate: tf.Tensor) => gate.sub(gate.square());
  const ofN = tf.sub(1, z).mul(tf.sub(1, n.square()));
  const ofR = ofN.mul(mN).mul(slope(r));
  const ofZ = before.sub(n).mul(slope(z));
  const ofInputs = tf.stack([ofR, ofZ, ofN], 2);
  const ofM = tf.stack([ofR, ofZ, ofN.mul(r)], 2).unstack();
  const each = onGradient && {
    ofInputs: ofInputs.unstack(),
    toM: tf.concat([tf.onesLike(r), tf.onesLike(r), r], 2).unstack(),
  };
  const keep = z.unstack();
  const fromOutput = outer(states, dy, time);
  const [dh, da, dm]: [tf.Tensor[], tf.Tensor[], tf.Tensor[]] = [[], [], []];
  const back = u.transpose(); // products with a transposed matrix are several times slower
  let later: tf.Tensor | undefined;
  for (let t = time - 1; t >= 0; t--) {
    const own: tf.Tensor = sum(fromOutput[t], later);
    const times = (gates = dy) =>
      own
        .expandDims(1)
        .mul(gates)
        .reshape([batch, 3 * width]);
    const a = onGradient?.(times(each?.ofInputs[t]));
    const product = a?.mul(each?.toM[t] ?? dy) ?? times(ofM[t]);
    if (a !== undefined) da.unshift(a);
    dh.unshift(own);
    dm.unshift(product);
    later = product.matMul(back).add(own.mul(keep[t] ?? dy));
  }
  const dM = tf.stack(dm);
  const dInputs =
    onGradient === undefined
      ? tf
          .stack(dh)
          .expandDims(2)
          .mul(ofInputs)
          .reshape([time, batch, 3 * width])
      : tf.stack(da);
  return [dInputs, weightGradient(all, dM), dM.sum([0, 1])];
}
