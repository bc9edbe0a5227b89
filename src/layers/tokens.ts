/** Tokens as vectors. */
import * as tf from '@tensorflow/tfjs';
import type { InitStreams } from '../types.ts';
import { weights } from './init.ts';

/**
 * A vector for each token of the vocabulary, [vocabulary, width]; its entries start standard normal, as in torch.nn.Embedding:
 * a token picks one row, so that no sum grows with the vocabulary.
 */
export function newEmbedding(streams: InitStreams, name: string, vocabulary: number, width: number): tf.Tensor {
  const start = { init: 'lecun', distribution: 'normal', gain: Math.sqrt(vocabulary) } as const;
  return weights(start, streams, name, [vocabulary, width]);
}

/**
 * The vector of each token, [tokens, width]. As a product with one-hot rows: its gradient is one too, summed in one order
 * everywhere, where that of a gather adds up in any order.
 *
 * @param tokens whole numbers from 0, [tokens]
 */
export function embed(tokens: tf.Tensor, embedding: tf.Tensor): tf.Tensor {
  return tf
    .oneHot(tokens.toInt(), embedding.shape[0] ?? 0)
    .toFloat()
    .matMul(embedding);
}
