/** Long short-term memory, with its gradient written by hand. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';
import { type Backward, given, outer, type States, sum, unchanged, weightGradient } from './states.ts';

/**
 * z_t = a_t + h_(t-1) U, in four parts i, f, g, o;  c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g);  h_t = sigmoid(o) tanh(c_t),
 * with h_0 = c_0 = 0 (Hochreiter & Schmidhuber 1997; forget gate by Gers et al. 2000; order of the parts as in torch.nn.LSTM).
 *
 * @param inputs a, what the inputs contribute, [time, batch, 4 width]
 * @param u U, [width, 4 width]
 * @param onGradient of dz_t, at each time before it goes further back
 */
export function lstm(inputs: tf.Tensor, u: tf.Tensor, states: States, onGradient: Backward = unchanged): tf.Tensor {
  return withGradient(
    [inputs, u],
    () => {
      const steps: Step[] = [];
      for (const [t, input] of inputs.unstack().entries()) {
        const before = steps[t - 1];
        const z = before === undefined ? input : input.add(before.h.matMul(u));
        const [i, f, g, o] = tf.split(z, 4, 1).map((part, n) => (n === 2 ? tf.tanh(part) : tf.sigmoid(part)));
        if (i === undefined || f === undefined || g === undefined || o === undefined) break;
        const c = before === undefined ? i.mul(g) : i.mul(g).add(f.mul(before.c));
        const tanhC = tf.tanh(c);
        steps.push({ i, f, g, o, c, tanhC, h: o.mul(tanhC) });
      }
      const over = (name: keyof Step) => tf.stack(steps.map((step) => step[name]));
      const all = over('h');
      const h = steps.map((step) => step.h);
      const saved = [all, u, over('i'), over('f'), over('g'), over('o'), over('c'), over('tanhC')];
      return { value: given(states, h, all), saved };
    },
    (dy, saved) => backward(states, dy, saved, onGradient),
  );
}

type Step = Record<'i' | 'f' | 'g' | 'o' | 'c' | 'tanhC' | 'h', tf.Tensor>;

/** What doesn't depend on later times is computed for all times at once. */
function backward(states: States, dy: tf.Tensor, saved: tf.Tensor[], onGradient: Backward): tf.Tensor[] {
  const [all = dy, u = dy, i = dy, f = dy, g = dy, o = dy, c = dy, tanhC = dy] = saved;
  const [time = 0, batch = 0, width = 0] = all.shape;
  const slope = (gate: tf.Tensor) => gate.sub(gate.square());
  const before = tf.concat([tf.zeros([1, batch, width]), c.slice([0, 0, 0], [time - 1, -1, -1])]);
  // dz = [dc, dc, dc, dh] * these
  const ofC = tf.stack([slope(i).mul(g), slope(f).mul(before), tf.sub(1, g.square()).mul(i)], 2).unstack();
  const ofH = slope(o).mul(tanhC).unstack();
  const through = tf.sub(1, tanhC.square()).mul(o).unstack();
  const forget = f.unstack();
  const fromOutput = outer(states, dy, time);
  const dz: tf.Tensor[] = [];
  const back = u.transpose(); // products with a transposed matrix are several times slower
  let dcLater: tf.Tensor | undefined;
  for (let t = time - 1; t >= 0; t--) {
    const dh = sum(fromOutput[t], dz[0]?.matMul(back));
    const dc: tf.Tensor = sum(dh.mul(through[t] ?? dy), dcLater);
    const gates = dc
      .expandDims(1)
      .mul(ofC[t] ?? dy)
      .reshape([batch, 3 * width]);
    dz.unshift(onGradient(tf.concat([gates, dh.mul(ofH[t] ?? dy)], 1)));
    dcLater = dc.mul(forget[t] ?? dy);
  }
  const dInputs = tf.stack(dz);
  return [dInputs, weightGradient(all, dInputs)];
}
