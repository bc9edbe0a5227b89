/** What stands in for normalization in norm-free residual networks: activations and weights that keep the variance at 1. */
import * as tf from '@tensorflow/tfjs';
import { type Activation, activations } from './activation.ts';

/**
 * 1 / the standard deviation of activation(z) for standard normal z, by quadrature; of relu it is sqrt(2 / (1 - 1/pi)). The
 * numbers in the authors' code are simulated: 1.7140 for relu.
 */
const gains: Record<Activation, number> = {
  relu: 1.7128585504,
  tanh: 1.5925374197,
  sigmoid: 4.8013133721,
  elu: 1.2708434178,
  silu: 1.7871872221,
  gelu: 1.7009165617,
  identity: 1,
};

/** Of standard normal numbers it has variance 1. */
export const scaledActivation = (activation: Activation, h: tf.Tensor): tf.Tensor =>
  activations[activation](h).mul(gains[activation]);

/** N times a variance counts as this at least, as in the authors' code: a unit of equal weights stays finite. */
const LEAST = 1e-4;

/**
 * Scaled weight standardization: g (w - mean) / sqrt(N variance) of each unit, over its N inputs. Of uncorrelated inputs with
 * variance 1 a unit then has variance g^2.
 *
 * @param w [..., units]
 * @param length the gain g, which is the norm of the weights that come out, [units]
 */
export function standardizedWeights(w: tf.Tensor, length: tf.Tensor): tf.Tensor {
  const inputs = w.shape.map((_, axis) => axis).slice(0, -1);
  const deviation = w.sub(w.mean(inputs, true));
  const spread = deviation.square().sum(inputs, true);
  return deviation.mul(length.div(tf.maximum(spread, LEAST).sqrt()));
}
