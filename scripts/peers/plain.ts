/** Clipbench's models as anyone would write them on tfjs, with automatic differentiation: logits of a batch. */
import * as tf from '@tensorflow/tfjs';
import { pick } from '../../src/tensors.ts';
import type { Tensors } from '../../src/types.ts';

const dense = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => x.matMul(w).add(b);

export function mlpPlainly(p: Tensors, x: tf.Tensor): tf.Tensor {
  const last = Object.keys(p).length / 2 - 1;
  let h = x;
  for (let i = 0; i < last; i++) h = tf.relu(dense(h, pick(p, `w${i}`), pick(p, `b${i}`)));
  return dense(h, pick(p, `w${last}`), pick(p, `b${last}`));
}

export function cnnPlainly(p: Tensors, x: tf.Tensor): tf.Tensor {
  let h: tf.Tensor = x;
  for (const i of [0, 1]) {
    const kernel: tf.Tensor4D = pick(p, `k${i}`).reshape(pick(p, `k${i}`).shape);
    const images: tf.Tensor4D = h.reshape(h.shape);
    const convolved: tf.Tensor4D = tf.conv2d(images, kernel, 1, 'same').add(pick(p, `b${i}`));
    // In this order, as in PyTorch's MNIST example: the same values, and a quarter of them to compare with 0.
    h = tf.relu(tf.maxPool(convolved, 2, 2, 'valid'));
  }
  return dense(h.reshape([x.shape[0] ?? 0, -1]), pick(p, 'v'), pick(p, 'c'));
}

/** What the inputs [batch, time, features] contribute, by time, and the first state. */
function begun(p: Tensors, x: tf.Tensor): { inputs: tf.Tensor[]; start: tf.Tensor } {
  const [batch = 0, time = 0, features = 0] = x.shape;
  const flat = x.transpose([1, 0, 2]).reshape([time * batch, features]);
  const inputs = dense(flat, pick(p, 'w0'), pick(p, 'b0')).reshape([time, batch, -1]);
  return { inputs: inputs.unstack(), start: tf.zeros([batch, pick(p, 'u0').shape[0] ?? 0]) };
}

const classes = (p: Tensors, h: tf.Tensor) => dense(h, pick(p, 'v'), pick(p, 'c'));

export function rnnPlainly(p: Tensors, x: tf.Tensor): tf.Tensor {
  const { inputs, start } = begun(p, x);
  let h = start;
  for (const input of inputs) h = tf.tanh(input.add(h.matMul(pick(p, 'u0'))));
  return classes(p, h);
}

export function lstmPlainly(p: Tensors, x: tf.Tensor): tf.Tensor {
  const { inputs, start } = begun(p, x);
  let [h, c] = [start, start];
  for (const input of inputs) {
    const [i = h, f = h, g = h, o = h] = tf.split(input.add(h.matMul(pick(p, 'u0'))), 4, 1);
    c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    h = o.sigmoid().mul(c.tanh());
  }
  return classes(p, h);
}

export function gruPlainly(p: Tensors, x: tf.Tensor): tf.Tensor {
  const { inputs, start } = begun(p, x);
  let h = start;
  for (const input of inputs) {
    const [aR = h, aZ = h, aN = h] = tf.split(input, 3, 1);
    const [mR = h, mZ = h, mN = h] = tf.split(dense(h, pick(p, 'u0'), pick(p, 'bu0')), 3, 1);
    const [r, z] = [aR.add(mR).sigmoid(), aZ.add(mZ).sigmoid()];
    const n = aN.add(r.mul(mN)).tanh();
    h = tf.sub(1, z).mul(n).add(z.mul(h));
  }
  return classes(p, h);
}

const HEADS = 4;

/** A small GPT-2: for tokens [batch, time] logits [batch * time, vocabulary]. */
export function decoderPlainly(p: Tensors, tokens: tf.Tensor): tf.Tensor {
  const [batch = 0, time = 0] = tokens.shape;
  const [vocabulary = 0, width = 0] = pick(p, 'embedding').shape;
  const oneHot = tf.oneHot(tokens.flatten().toInt(), vocabulary).toFloat();
  const layer = (name: string, h: tf.Tensor) => dense(h, pick(p, `${name}/w`), pick(p, `${name}/b`));
  const norm = (name: string, h: tf.Tensor) => layerNorm(h, pick(p, `${name}/gain`), pick(p, `${name}/bias`));
  let h: tf.Tensor = oneHot
    .matMul(pick(p, 'embedding'))
    .reshape([batch, time, width])
    .add(pick(p, 'position_embedding'))
    .reshape([batch * time, width]);
  for (const block of ['block0', 'block1']) {
    h = h.add(layer(`${block}/joined`, attention(layer(`${block}/qkv`, norm(`${block}/norm0`, h)), batch)));
    h = h.add(layer(`${block}/down`, gelu(layer(`${block}/up`, norm(`${block}/norm1`, h)))));
  }
  return layer('output', norm('norm', h));
}

function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const centred = x.sub(x.mean(-1, true));
  const variance = centred.square().mean(-1, true);
  return centred.mul(variance.add(1e-5).rsqrt()).mul(gain).add(bias);
}

function gelu(x: tf.Tensor): tf.Tensor {
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(0.5).mul(inner.tanh().add(1));
}

/** Causal, [batch * time, 3 width] to [batch * time, width]. */
function attention(qkv: tf.Tensor, batch: number): tf.Tensor {
  const [rows = 0, columns = 0] = qkv.shape;
  const [time, size] = [rows / batch, columns / 3 / HEADS];
  const heads = qkv.reshape([batch, time, 3, HEADS, size]).transpose([2, 0, 3, 1, 4]);
  const [q = heads, k = heads, v = heads] = heads.unstack();
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(size));
  return tf
    .matMul(tf.softmax(scores.add(later(time))), v)
    .transpose([0, 2, 1, 3])
    .reshape([rows, columns / 3]);
}

/** -1e9 where a time would look ahead, [time, time]. */
function later(time: number): tf.Tensor {
  const times = tf.range(0, time);
  return times.expandDims(0).greater(times.expandDims(1)).toFloat().mul(-1e9);
}
