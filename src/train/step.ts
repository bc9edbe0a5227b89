/** One training step as a pure function: the heart of clipbench. */
import * as tf from '@tensorflow/tfjs';
import { noiseOf } from '../noise.ts';
import { asScalars, group, join, mapTensors, pick } from '../tensors.ts';
import type { Cell, Model, Noise, Step, Task, Tensors, Transform } from '../types.ts';
import { measure } from './telemetry.ts';

export interface StepParts {
  task: Task;
  model: Model;
  strategy: Transform;
  optimizer: Transform;
  telemetry: Cell['telemetry'];
}

/**
 * loss and gradient -> strategy -> optimizer -> parameters.
 *
 * State groups: `params`, `model` (running statistics), `strategy`, `optimizer`.
 * Inputs: `x` [batch, ...], `y` [batch, output], scalars `learning_rate`, `step` and, when gradients are to be scaled,
 * `gradient_scale`; groups `strategy` and `optimizer` with their numeric options, `dropout` and `noise` with the keys of the
 * run's random numbers.
 * Nothing is read and nothing depends on a value, so the step can be recorded.
 */
export function makeStep({ task, model, strategy, optimizer, telemetry }: StepParts): Step {
  return (state, inputs) => {
    const params = group(state, 'params');
    const step = pick(inputs, 'step').asScalar();
    const noiseFor = (purpose: string) => noiseOf(group(inputs, purpose), step);
    const { loss, gradient, modelState } = lossAndGradient(
      task,
      model,
      params,
      group(state, 'model'),
      inputs,
      noiseFor('dropout'),
    );
    const context = {
      params,
      gradient,
      learning_rate: pick(inputs, 'learning_rate').asScalar(),
      loss,
      step,
      noise: noiseFor('noise'),
    };
    const options = (part: string) => asScalars(group(inputs, part));
    const clipped = strategy.update(gradient, group(state, 'strategy'), { ...context, options: options('strategy') });
    const applied = optimizer.update(clipped.grads, group(state, 'optimizer'), {
      ...context,
      options: options('optimizer'),
    });
    const after = {
      params: mapTensors(params, (w, name) => w.add(pick(applied.grads, name))),
      model: modelState,
      optimizer: applied.state,
    };
    const { skip } = clipped;
    const next =
      skip === undefined ? join(after) : mapTensors(join(after), (t, name) => tf.where(skip, pick(state, name), t));
    const measured = { gradient, clipped: clipped.grads, update: applied.grads, params: group(next, 'params') };
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

/** Mean loss over the batch and its gradient by parameter, times `gradient_scale` where that is given. */
function lossAndGradient(
  task: Task,
  model: Model,
  params: Tensors,
  modelState: Tensors,
  inputs: Tensors,
  noise: Noise,
) {
  const names = Object.keys(params);
  let after = modelState;
  const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
    const named = Object.fromEntries(values.map((value, i) => [names[i] ?? '', value]));
    const [y, nextState] = model.apply(named, modelState, pick(inputs, 'x'), { training: true, noise });
    // What is made in here is freed when the gradient is done, unless kept.
    after = mapTensors(nextState, (t) => tf.keep(t.clone()));
    return task.loss(y, pick(inputs, 'y').as2D(y.shape[0], -1)).mean().asScalar();
  };
  const { value: loss, grads } = tf.valueAndGrads(lossOf)(Object.values(params));
  const scale = inputs.gradient_scale;
  const gradient: Tensors = Object.fromEntries(
    grads.map((g, i) => [names[i] ?? '', scale === undefined ? g : g.mul(scale)]),
  );
  const kept = after;
  const released = mapTensors(kept, (t) => t.clone());
  tf.dispose(kept);
  return { loss: loss.asScalar(), gradient, modelState: released };
}
