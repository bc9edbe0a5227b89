/** Loss and gradient of a batch, whole or part by part. */
import * as tf from '@tensorflow/tfjs';
import { meanOf as meanOfEach } from '../clipping/examples.ts';
import { type ForEach, vmap } from '../engine/vmap.ts';
import { mapTensors, named, pick } from '../tensors.ts';
import type { ExampleNoise, Model, ModelContext, Task, Tensors } from '../types.ts';
import type { ControlScalars } from './controls.ts';

export interface Learnt {
  task: Task;
  model: Model;
  params: Tensors;
  control: ControlScalars;
  /** The model's. */
  options: Record<string, tf.Scalar>;
  noise: ExampleNoise;
  backward?: ModelContext['backward'];
}

export interface Examples {
  x: tf.Tensor;
  y: tf.Tensor;
}

export interface Learning {
  /** Mean over the examples. */
  loss: tf.Scalar;
  /** Its gradient by parameter. */
  raw: Tensors;
  modelState: Tensors;
}

/** Of `count` equal parts of the batch, one after the other; the model's state goes from each to the next. */
export function microBatches(learnt: Learnt, state: Tensors, { x, y }: Examples, count: number): Learning[] {
  if (count === 1) return [lossAndGradient(learnt, state, { x, y })];
  const [xs, ys] = [tf.split(x, count), tf.split(y, count)];
  const results: Learning[] = [];
  for (const [i, part] of xs.entries()) {
    const noise: ExampleNoise = (site, shape, axis) => learnt.noise(`${site}/${i}`, shape, axis);
    const before = results[i - 1]?.modelState ?? state;
    results.push(lossAndGradient({ ...learnt, noise }, before, { x: part, y: ys[i] ?? y }));
  }
  return results;
}

/**
 * Losses [examples] and gradients [examples, ...shape] of every example of a batch, whose means are those of the batch: each
 * example meets its own part of the batch's noise. For models without batch norm, which mixes examples.
 */
export function byExample(
  learnt: Learnt,
  state: Tensors,
  { x, y }: Examples,
  forEach: ForEach = vmap,
): { losses: tf.Tensor; grads: Tensors } {
  const [count = 0] = x.shape;
  const [losses = y, ...grads] = forEach(count, (oneOf) => {
    const noise: ExampleNoise = (site, shape, axis) => {
      const whole = learnt.noise(site, shape.with(axis, count), axis);
      return oneOf(whole, axis).expandDims(axis);
    };
    const [own, target] = [x, y].map((whole) => oneOf(whole).expandDims(0));
    const { loss, raw } = lossAndGradient({ ...learnt, noise }, state, { x: own ?? x, y: target ?? y });
    return [loss, ...Object.values(raw)];
  });
  return { losses, grads: named(learnt.params, grads) };
}

/** Of the whole batch. */
export const together = ({ losses, grads }: { losses: tf.Tensor; grads: Tensors }): Omit<Learning, 'modelState'> => ({
  loss: losses.mean().asScalar(),
  raw: meanOfEach(grads),
});

/** Mean loss over the batch and its gradient by parameter. */
function lossAndGradient(learnt: Learnt, modelState: Tensors, { x, y }: Examples): Learning {
  const { task, model, params, control, options, noise, backward } = learnt;
  const names = Object.keys(params);
  const context: ModelContext = { training: true, shape: task.shape, noise, options, ...(backward && { backward }) };
  let after = modelState;
  const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
    const named = Object.fromEntries(values.map((value, i) => [names[i] ?? '', value]));
    const [output, nextState] = model.apply(named, modelState, x, context);
    // What is made in here is freed when the gradient is done, unless kept.
    after = mapTensors(nextState, (t) => tf.keep(t.clone()));
    return task.loss(output, y.as2D(output.shape[0], -1), control).mean().asScalar();
  };
  const { value: loss, grads } = tf.valueAndGrads(lossOf)(Object.values(params));
  const kept = after;
  const released = mapTensors(kept, (t) => t.clone());
  tf.dispose(kept);
  const raw: Tensors = Object.fromEntries(grads.map((g, i) => [names[i] ?? '', g]));
  return { loss: loss.asScalar(), raw, modelState: released };
}

/** Mean of the same scalar over several parts of a batch. */
export const meanOf = (tensors: tf.Tensor[]): tf.Tensor =>
  tensors.length === 1 && tensors[0] !== undefined ? tensors[0] : tf.addN(tensors).div(tensors.length);

/** Means by name. */
export const meansOf = (each: Tensors[]): Tensors =>
  mapTensors(each[0] ?? {}, (_, name) => meanOf(each.map((tensors) => pick(tensors, name))));
