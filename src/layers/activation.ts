/** What a layer does to each number. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';

export const activations = {
  relu: (h: tf.Tensor): tf.Tensor => tf.relu(h),
  tanh: (h: tf.Tensor): tf.Tensor => tf.tanh(h),
  sigmoid: (h: tf.Tensor): tf.Tensor => tf.sigmoid(h),
  elu: (h: tf.Tensor): tf.Tensor => tf.elu(h),
  /** h sigmoid(h) (Elfwing, Uchibe & Doya 2018; also "swish"). */
  silu: (h: tf.Tensor): tf.Tensor => h.mul(tf.sigmoid(h)),
  /** The tanh form of Hendrycks & Gimpel 2016, as in GPT-2. */
  gelu: (h: tf.Tensor): tf.Tensor =>
    h.mul(0.5).mul(
      h
        .add(h.mul(h).mul(h).mul(0.044715))
        .mul(Math.sqrt(2 / Math.PI))
        .tanh()
        .add(1),
    ),
  identity: (h: tf.Tensor): tf.Tensor => h,
};
export type Activation = keyof typeof activations;

/** The option of a model that has one activation. */
export const activationOption = (fallback: Activation) =>
  z
    .enum(['relu', 'tanh', 'sigmoid', 'elu', 'silu', 'gelu', 'identity'])
    .default(fallback)
    .meta({ description: 'of hidden layers', role: 'structural' });
