/** The works as steps of clipbench, from the parts that its own training loop uses. */
import * as tf from '@tensorflow/tfjs';
import { scalars, toDevice } from '../../src/engine/eager.ts';
import { normOf, shortened } from '../../src/norms.ts';
import { build, constants, find, parts } from '../../src/parts.ts';
import { asScalars, group, join, mapTensors, named, pick } from '../../src/tensors.ts';
import type { Choice, HostTensor, HostTensors, Step, Tensors } from '../../src/types.ts';
import { batchesOf, MAX_NORM, paramsOf, thresholdsOf } from './inputs.ts';
import { type Clipping, meanLoss, modelOf, type Training } from './works.ts';

export interface Steps {
  step: Step;
  state: Tensors;
  /** Of each step, in turn. */
  inputs: HostTensors[];
}

export function stepsOf(work: Training | Clipping): Steps {
  return 'clip' in work
    ? clippingSteps(work)
    : trainingSteps(work, { name: 'global_norm', options: { max_norm: MAX_NORM, semantics: 'safe' } });
}

const scalar = (value: number): HostTensor => ({ shape: [], values: Float32Array.of(value) });

const optimizers: Record<Training['optimizer'], Choice> = {
  sgd: { name: 'sgd', options: { momentum: 0 } },
  adam: { name: 'adam', options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } },
};

/** Loss and gradient, strategy, optimizer; the loss and the norm before the strategy are read. */
export function trainingSteps(work: Training, strategy: Choice): Steps {
  const part = find(parts.optimizers, work.optimizer);
  const optimizer = optimizers[work.optimizer];
  const clip = build(find(parts.strategies, strategy.name), strategy);
  const optimize = build(part, optimizer);

  const step: Step = (state, inputs) => {
    const params = group(state, 'params');
    const { loss, gradient } = lossAndGradient(work, params, inputs);
    const learning_rate = pick(inputs, 'learning_rate').asScalar();
    const noise = () => loss; // there is none in these works
    const context = { params, gradient, learning_rate, loss, step: learning_rate, noise, normal: noise };
    const numbers = (of: string) => asScalars(group(state, of));
    const clipped = clip.update(gradient, {}, { ...context, options: numbers('numbers.strategy') });
    const updated = optimize.update(clipped.grads, group(state, 'optimizer'), {
      ...context,
      options: numbers('numbers.optimizer'),
    });
    return {
      state: join({
        params: mapTensors(params, (w, name) => w.add(pick(updated.grads, name))),
        optimizer: updated.state,
        numbers: group(state, 'numbers'),
      }),
      scalars: { loss, grad_norm: normOf(Object.values(gradient)) },
    };
  };

  const params = toDevice(paramsOf(work));
  const numbers = join({ strategy: { max_norm: MAX_NORM }, optimizer: constants(part, optimizer) });
  return {
    step,
    state: join<tf.Tensor>({ params, optimizer: optimize.init(params), numbers: scalars(numbers) }),
    inputs: batchesOf(work).map((batch) => ({ ...batch, learning_rate: scalar(work.learning_rate) })),
  };
}

function lossAndGradient(work: Training, params: Tensors, inputs: Tensors): { loss: tf.Scalar; gradient: Tensors } {
  const model = modelOf(work);
  const lossOf = (...values: tf.Tensor[]) => {
    const [logits] = model.apply(named(params, values), {}, pick(inputs, 'x'), { training: true, shape: work.task });
    return meanLoss(work, logits, pick(inputs, 'y'));
  };
  const { value, grads } = tf.valueAndGrads(lossOf)(Object.values(params));
  return { loss: value.asScalar(), gradient: named(params, grads) };
}

/** The state is the gradients: what was clipped is clipped again, with a smaller threshold. */
function clippingSteps(work: Clipping): Steps {
  const step: Step = (state, { threshold = tf.scalar(0) }) => {
    const grads = Object.values(state);
    const limit = threshold.asScalar();
    if (work.clip === 'value') {
      const clipped = grads.map((g) => tf.minimum(tf.maximum(g, limit.neg()), limit));
      return { state: named(state, clipped), scalars: { seen: lastEntry(clipped) } };
    }
    const { groups, norms } = shortened(work.clip === 'norm' ? grads.map((g) => [g]) : [grads], limit);
    const seen = work.clip === 'norm' ? lastEntry(groups.flat()) : norms.asScalar();
    return { state: named(state, groups.flat()), scalars: { seen } };
  };
  const thresholds = thresholdsOf(work);
  return { step, state: toDevice(paramsOf(work)), inputs: thresholds.map((value) => ({ threshold: scalar(value) })) };
}

/** A number that shows that it was done. */
function lastEntry(tensors: tf.Tensor[]): tf.Scalar {
  const last = tensors[tensors.length - 1] ?? tf.scalar(0);
  return last
    .flatten()
    .slice(last.size - 1, 1)
    .asScalar();
}
