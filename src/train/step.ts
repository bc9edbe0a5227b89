/** One training step as a pure function: the heart of clipbench. */
import * as tf from '@tensorflow/tfjs';
import { noiseOf } from '../noise.ts';
import { asScalars, group, join, mapTensors, pick } from '../tensors.ts';
import type { Cell, Model, ModelContext, Noise, Step, Task, Tensors, Transform } from '../types.ts';
import { bounded, type ControlScalars, noisy, penalized } from './controls.ts';
import { measure } from './telemetry.ts';

export interface StepParts {
  task: Task;
  model: Model;
  strategy: Transform;
  optimizer: Transform;
  telemetry: Cell['telemetry'];
  accumulate: number;
  decay: Cell['decay'];
}

/**
 * loss and gradient -> strategy -> optimizer -> parameters.
 *
 * State groups: `params`, `model` (running statistics), `strategy`, `optimizer`.
 * Inputs: `x` [batch, ...], `y` [batch, target], scalars `learning_rate`, `step` and, where the gradient is to be scaled or
 * noisy, `gradient_scale` and `gradient_noise`; groups `model`, `strategy` and `optimizer` with their numeric options,
 * `control` with the controls that are on, `dropout` and `noise` with the keys of the run's random numbers.
 * Nothing is read and nothing depends on a value, so the step can be recorded.
 */
export function makeStep({ task, model, strategy, optimizer, telemetry, accumulate, decay }: StepParts): Step {
  return (state, inputs) => {
    const params = group(state, 'params');
    const step = pick(inputs, 'step').asScalar();
    const learning_rate = pick(inputs, 'learning_rate').asScalar();
    const noiseFor = (purpose: string) => noiseOf(group(inputs, purpose), step);
    const options = (part: string) => asScalars(group(inputs, part));
    const control: ControlScalars = options('control');

    const examples = { x: pick(inputs, 'x'), y: pick(inputs, 'y') };
    const learnt = { task, model, params, control, options: options('model'), noise: noiseFor('dropout') };
    const { loss, raw, modelState } = overMicroBatches(learnt, group(state, 'model'), examples, accumulate);
    const gradient = withControls(raw, params, control, inputs, noiseFor('noise'));

    const context = { params, gradient, learning_rate, loss, step, noise: noiseFor('noise') };
    const clipped = strategy.update(gradient, group(state, 'strategy'), { ...context, options: options('strategy') });
    const { weight_decay } = control;
    const decayed = (tensors: Tensors, share: tf.Scalar) =>
      mapTensors(tensors, (tensor, name) => tensor.add(pick(params, name).mul(share)));
    const coupled = weight_decay !== undefined && decay === 'coupled';
    const applied = optimizer.update(
      coupled ? decayed(clipped.grads, weight_decay) : clipped.grads,
      group(state, 'optimizer'),
      { ...context, options: options('optimizer') },
    );
    const update =
      weight_decay === undefined || coupled
        ? applied.grads
        : decayed(applied.grads, learning_rate.mul(weight_decay).neg().asScalar());
    const moved = mapTensors(params, (w, name) => w.add(pick(update, name)));
    const { max_weight_norm } = control;
    const after = {
      params: max_weight_norm === undefined ? moved : bounded(moved, max_weight_norm),
      model: modelState,
      optimizer: applied.state,
    };
    const { skip } = clipped;
    const next =
      skip === undefined ? join(after) : mapTensors(join(after), (t, name) => tf.where(skip, pick(state, name), t));
    const paramsAfter = group(next, 'params');
    // A bound cuts the update short, and a skipped step leaves nothing of it.
    const isWhole = max_weight_norm === undefined && skip === undefined;
    const measured = {
      gradient,
      clipped: clipped.grads,
      update: isWhole ? update : mapTensors(params, (w, name) => pick(paramsAfter, name).sub(w)),
      params: paramsAfter,
    };
    return {
      state: { ...next, ...join({ strategy: clipped.state }) },
      scalars: {
        loss,
        ...measure(telemetry, measured),
        ...join({ info: telemetry === 'off' ? {} : (clipped.info ?? {}) }),
      },
    };
  };
}

interface Learnt {
  task: Task;
  model: Model;
  params: Tensors;
  control: ControlScalars;
  /** The model's. */
  options: Record<string, tf.Scalar>;
  noise: Noise;
}

interface Examples {
  x: tf.Tensor;
  y: tf.Tensor;
}

interface Learning {
  /** Mean over the examples. */
  loss: tf.Scalar;
  /** Its gradient by parameter. */
  raw: Tensors;
  modelState: Tensors;
}

/** Means over `count` equal parts of the batch, one after the other; the model's state goes from each to the next. */
function overMicroBatches(learnt: Learnt, state: Tensors, { x, y }: Examples, count: number): Learning {
  if (count === 1) return lossAndGradient(learnt, state, { x, y });
  const [xs, ys] = [tf.split(x, count), tf.split(y, count)];
  const results: Learning[] = [];
  for (const [i, part] of xs.entries()) {
    const noise: Noise = (site, shape) => learnt.noise(`${site}/${i}`, shape);
    const before = results[i - 1]?.modelState ?? state;
    results.push(lossAndGradient({ ...learnt, noise }, before, { x: part, y: ys[i] ?? y }));
  }
  const mean = (tensors: tf.Tensor[]) => tf.addN(tensors).div(count);
  return {
    loss: mean(results.map(({ loss }) => loss)).asScalar(),
    raw: mapTensors(learnt.params, (_, name) => mean(results.map(({ raw }) => pick(raw, name)))),
    modelState: results.at(-1)?.modelState ?? state,
  };
}

/** Mean loss over the batch and its gradient by parameter. */
function lossAndGradient(learnt: Learnt, modelState: Tensors, { x, y }: Examples): Learning {
  const { task, model, params, control, options, noise } = learnt;
  const names = Object.keys(params);
  const context: ModelContext = { training: true, shape: task.shape, noise, options };
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

/** The gradient as strategies see it: with penalties, scaled, then noisy. */
function withControls(raw: Tensors, params: Tensors, control: ControlScalars, inputs: Tensors, noise: Noise): Tensors {
  const { gradient_scale, gradient_noise } = inputs;
  const full = penalized(raw, params, control);
  const scaled = gradient_scale === undefined ? full : mapTensors(full, (g) => g.mul(gradient_scale));
  return gradient_noise === undefined ? scaled : noisy(scaled, gradient_noise, noise);
}
