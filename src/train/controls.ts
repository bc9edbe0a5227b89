/** What else than clipping may do its job, or call for it, as operations of a step. Read `Controls` in `types.ts` first. */
import * as tf from '@tensorflow/tfjs';
import { mapTensors, pick } from '../tensors.ts';
import type { Cell, Noise, Tensors } from '../types.ts';
import { lengthOf, unitAxes } from '../units.ts';

/** Names of the controls that are one number, the same for the whole run, and off at 0. */
const numbers = ['weight_decay', 'l1', 'l2', 'label_smoothing', 'huber', 'max_weight_norm'] as const;

/** As the step reads them. What is off isn't there, and nothing is computed for it. */
export type ControlScalars = Partial<Record<(typeof numbers)[number], tf.Scalar>>;

/** The strengths that are on. */
export function controlConstants(cell: Cell): Record<string, number> {
  return Object.fromEntries(numbers.filter((name) => cell[name] !== 0).map((name) => [name, cell[name]]));
}

/** What shapes the computation: which controls are on, not how strong they are. */
export function controlStructure(cell: Cell) {
  const { accumulate, decay, weight_decay, gradient_noise } = cell;
  return {
    on: Object.keys(controlConstants(cell)),
    accumulate,
    ...(weight_decay !== 0 && { decay }),
    scaled: isScaled(cell),
    noisy: gradient_noise !== 0,
  };
}

/** What is fed with each step: a factor on the gradient, and the deviation of the noise on it. */
export function controlInputs(cell: Cell, step: number): Record<string, number> {
  const { gradient_scale, spike_every, spike_factor, gradient_noise } = cell;
  const isSpike = spike_every > 0 && (step + 1) % spike_every === 0;
  return {
    ...(isScaled(cell) && { gradient_scale: isSpike ? gradient_scale * spike_factor : gradient_scale }),
    // (1 + t)^-0.55, halved in the exponent for the root.
    ...(gradient_noise > 0 && {
      gradient_noise: Math.sqrt(gradient_noise) * Math.exp(-0.275 * Math.log(1 + step)),
    }),
  };
}

function isScaled({ gradient_scale, spike_every }: Cell): boolean {
  return gradient_scale !== 1 || spike_every > 0;
}

/** The gradient with those of the penalties l1 * sum |w| and l2 * sum w^2. */
export function penalized(gradient: Tensors, params: Tensors, { l1, l2 }: ControlScalars): Tensors {
  return mapTensors(gradient, (g, name) => {
    const w = pick(params, name);
    const withL2 = l2 === undefined ? g : g.add(w.mul(l2.mul(2)));
    return l1 === undefined ? withL2 : withL2.add(w.sign().mul(l1));
  });
}

/** The gradient with normal noise of this deviation; gradients of single examples, [examples, ...shape], have the same noise. */
export function noisy(gradient: Tensors, params: Tensors, deviation: tf.Tensor, normal: Noise): Tensors {
  return mapTensors(gradient, (g, name) =>
    g.add(normal(`gradient_noise/${name}`, pick(params, name).shape).mul(deviation)),
  );
}

/**
 * Parameters whose units have weights of norm `bound` at most: of matrices and kernels those into each unit, of embeddings each
 * vector; where weights are kept as directions and lengths, the lengths are bounded, and directions stay. So do other vectors
 * and scalars.
 */
export function bounded(params: Tensors, bound: tf.Scalar): Tensors {
  const lengths = new Set(Object.keys(params).map(lengthOf));
  return mapTensors(params, (w, name) => {
    // A length is the one weight of its unit.
    if (lengths.has(name)) return within(w.reshape([1, -1]), [0], bound).reshape(w.shape);
    return w.rank < 2 || lengthOf(name) in params ? w : within(w, unitAxes(name, w.rank), bound);
  });
}

/** Norms over these axes, at most `bound`. */
function within(w: tf.Tensor, axes: number[], bound: tf.Scalar): tf.Tensor {
  const largest = w.abs().max(axes, true);
  const isUsable = tf.logicalAnd(largest.greater(0), largest.less(Number.POSITIVE_INFINITY));
  // Norms as scale * rest: squares of large weights would overflow, and the unit end at 0 as if nothing were wrong.
  const scale = tf.where(isUsable, largest, tf.onesLike(largest));
  const rest = w.div(scale).square().sum(axes, true).sqrt();
  const isLong = rest.mul(scale).greater(bound);
  return tf.where(isLong, w.div(scale).mul(bound.div(rest)), w);
}
