/** Recurrent layers as anyone would write them on tfjs, with automatic differentiation. */
import * as tf from '@tensorflow/tfjs';

type Inputs = tf.Tensor;

/** @param inputs [time, batch, width] */
export function recurrencePlainly(inputs: Inputs, u: tf.Tensor): tf.Tensor {
  let h: tf.Tensor = tf.zeros([inputs.shape[1] ?? 0, u.shape[0] ?? 0]);
  for (const input of inputs.unstack()) h = tf.tanh(input.add(h.matMul(u)));
  return h;
}

/** @param inputs [time, batch, 4 width] */
export function lstmPlainly(inputs: Inputs, u: tf.Tensor): tf.Tensor {
  const start: tf.Tensor = tf.zeros([inputs.shape[1] ?? 0, u.shape[0] ?? 0]);
  let [h, c] = [start, start];
  for (const input of inputs.unstack()) {
    const [i = h, f = h, g = h, o = h] = tf.split(input.add(h.matMul(u)), 4, 1);
    c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    h = o.sigmoid().mul(c.tanh());
  }
  return h;
}

/** @param inputs [time, batch, 3 width] */
export function gruPlainly(inputs: Inputs, u: tf.Tensor, b: tf.Tensor): tf.Tensor {
  let h: tf.Tensor = tf.zeros([inputs.shape[1] ?? 0, u.shape[0] ?? 0]);
  for (const input of inputs.unstack()) {
    const [aR = h, aZ = h, aN = h] = tf.split(input, 3, 1);
    const [mR = h, mZ = h, mN = h] = tf.split(h.matMul(u).add(b), 3, 1);
    const [r, z] = [aR.add(mR).sigmoid(), aZ.add(mZ).sigmoid()];
    const n = aN.add(r.mul(mN)).tanh();
    h = tf.sub(1, z).mul(n).add(z.mul(h));
  }
  return h;
}
