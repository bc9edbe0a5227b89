/** A small Transformer decoder, pre-norm, as in nanoGPT without dropout: a benchmark work, not a model of clipbench. */
import * as tf from '@tensorflow/tfjs';
import { pick } from '../../src/tensors.ts';
import type { Tensors } from '../../src/types.ts';

const [BATCH, TIME, WIDTH, HEADS, LAYERS, VOCABULARY] = [16, 64, 128, 4, 2, 65];
const HEAD = WIDTH / HEADS;

const layerShapes = (l: number): Record<string, number[]> => ({
  [`ln1_g${l}`]: [WIDTH],
  [`ln1_b${l}`]: [WIDTH],
  [`qkv${l}`]: [WIDTH, 3 * WIDTH],
  [`out${l}`]: [WIDTH, WIDTH],
  [`ln2_g${l}`]: [WIDTH],
  [`ln2_b${l}`]: [WIDTH],
  [`up${l}`]: [WIDTH, 4 * WIDTH],
  [`upb${l}`]: [4 * WIDTH],
  [`down${l}`]: [4 * WIDTH, WIDTH],
  [`downb${l}`]: [WIDTH],
});

export const decoderShapes: Record<string, number[]> = {
  emb: [VOCABULARY, WIDTH],
  pos: [TIME, WIDTH],
  ...layerShapes(0),
  ...layerShapes(1),
  lnf_g: [WIDTH],
  lnf_b: [WIDTH],
  head: [WIDTH, VOCABULARY],
};

/** Logits [batch * time, vocabulary] of tokens [batch, time]. */
export function decoder(p: Tensors, tokens: tf.Tensor): tf.Tensor {
  const oneHot = tf.oneHot(tokens.flatten().toInt(), VOCABULARY).toFloat();
  let h: tf.Tensor = oneHot
    .matMul(pick(p, 'emb'))
    .reshape([BATCH, TIME, WIDTH])
    .add(pick(p, 'pos'))
    .reshape([BATCH * TIME, WIDTH]);
  for (let l = 0; l < LAYERS; l++) {
    const attended = attention(layerNorm(h, pick(p, `ln1_g${l}`), pick(p, `ln1_b${l}`)).matMul(pick(p, `qkv${l}`)));
    h = h.add(attended.matMul(pick(p, `out${l}`)));
    const up = layerNorm(h, pick(p, `ln2_g${l}`), pick(p, `ln2_b${l}`))
      .matMul(pick(p, `up${l}`))
      .add(pick(p, `upb${l}`));
    h = h.add(
      tf
        .relu(up)
        .matMul(pick(p, `down${l}`))
        .add(pick(p, `downb${l}`)),
    );
  }
  return layerNorm(h, pick(p, 'lnf_g'), pick(p, 'lnf_b')).matMul(pick(p, 'head'));
}

function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const centred = x.sub(x.mean(-1, true));
  const variance = centred.square().mean(-1, true);
  return centred.mul(variance.add(1e-5).rsqrt()).mul(gain).add(bias);
}

/** Causal, [batch * time, 3 width] to [batch * time, width]. */
function attention(qkv: tf.Tensor): tf.Tensor {
  const heads = qkv.reshape([BATCH, TIME, 3, HEADS, HEAD]).transpose([2, 0, 3, 1, 4]);
  const [q = heads, k = heads, v = heads] = heads.unstack();
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(HEAD));
  const masked = scores.add(later());
  return tf
    .matMul(tf.softmax(masked), v)
    .transpose([0, 2, 1, 3])
    .reshape([BATCH * TIME, WIDTH]);
}

/** -1e9 where a time would look ahead, [time, time]. */
function later(): tf.Tensor {
  const times = tf.range(0, TIME);
  return times.expandDims(0).greater(times.expandDims(1)).toFloat().mul(-1e9);
}
