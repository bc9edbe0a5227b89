/** A strategy on made-up gradients, by itself. */
import * as tf from '@tensorflow/tfjs';
import { toDevice, toHost } from '../../engine/eager.ts';
import { stream } from '../../engine/random.ts';
import { noiseOf, normalOf } from '../../noise.ts';
import { asScalars, group, join, pick } from '../../tensors.ts';
import { byPlace, membersOf, optionsOf } from '../../train/members.ts';
import type { Clip, Engine, HostTensor, HostTensors, Needs, Step, Transform } from '../../types.ts';
import { footprintOf } from '../footprint.ts';
import type { Subject } from '../subject.ts';
import type { GradientShape } from '../variant.ts';

/** Gradients of one parameter, where a strategy wants those of micro-batches or examples. */
export const PARTS = 2;
/** Calls that an engine is given at once. */
const TOGETHER = 20;
/** So many numbers are drawn, and repeated: their order is of no concern to any strategy. */
const DRAWN = 1 << 16;

export function clip({ strategy, gradient }: { strategy: Clip; gradient: GradientShape }, engine: Engine): Subject {
  const members = membersOf([strategy]);
  const needs = members[0]?.needs ?? 'batch';
  const [transform] = Object.values(byPlace(members));
  if (transform === undefined) throw new Error(`${strategy.name} acts at no place`);
  const step = clippingStep(transform, needs);
  const initial = startOf(transform, needs, gradient);
  const constants = join({ strategy: optionsOf(members), noise: { high: 1, low: 2 } });
  const key = JSON.stringify([strategy, gradient]);
  // Every call has a number of its own, so that none can be taken for another one's result.
  const inputs = Array.from({ length: TOGETHER }, (_, i) => ({ step: scalar(i) }));
  const training = engine.train(key, step, toDevice(initial), constants);
  return {
    call(count) {
      for (let left = count; left > 0; left -= TOGETHER)
        training.call(left >= TOGETHER ? inputs : inputs.slice(0, left));
    },
    footprint: () =>
      footprintOf(
        step,
        toDevice(initial),
        toDevice({
          ...inputs[0],
          ...Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, scalar(value)])),
        }),
      ),
    close: training.dispose,
  };
}

/**
 * The gradient is held and stays as it is; what becomes of it is held beside it, and so has to be computed. So has whether the step is to
 * be left out.
 */
function clippingStep(transform: Transform, needs: Needs): Step {
  return (state, inputs) => {
    const [given, params] = [group(state, 'given'), group(state, 'params')];
    const step = pick(inputs, 'step').asScalar();
    const noise = noiseOf(group(inputs, 'noise'), step);
    const {
      grads,
      state: own,
      skip,
    } = transform.update(given, group(state, 'strategy'), {
      params,
      gradient: needs === 'batch' ? given : params,
      options: asScalars(group(inputs, 'strategy')),
      learning_rate: tf.scalar(0.1),
      loss: step,
      step,
      noise,
      normal: normalOf(noise),
    });
    return {
      state: join({ given, params, strategy: own, clipped: grads }),
      scalars: { seen: skip === undefined ? step : skip.toFloat().asScalar() },
    };
  };
}

function startOf(transform: Transform, needs: Needs, shape: GradientShape): HostTensors {
  const params = normal(shape, 'params');
  const parts = needs === 'micro_batch' || needs === 'example' ? PARTS : 1;
  const given = Object.fromEntries(
    Object.entries(normal(shape, 'gradient')).map(([name, { shape: own, values }]) => [
      name,
      parts === 1
        ? { shape: own, values }
        : { shape: [parts, ...own], values: repeated(values, parts * values.length) },
    ]),
  );
  const clipped = Object.fromEntries(
    Object.entries(params).map(([name, { shape: own, values }]) => [
      name,
      { shape: own, values: new Float32Array(values.length) },
    ]),
  );
  const device = toDevice(params);
  const state = transform.init(device, parts);
  const strategy = toHost(state);
  tf.dispose([device, state]);
  return join<HostTensor>({ given, params, strategy, clipped });
}

/** Standard normal matrices, as wide as they are high at most. */
function normal({ entries, tensors }: GradientShape, name: string): HostTensors {
  const { normal: draw } = stream('bench', name);
  const drawn = Float32Array.from({ length: Math.min(DRAWN, entries) }, draw);
  const each = Math.ceil(entries / tensors);
  return Object.fromEntries(
    Array.from({ length: tensors }, (_, i) => {
      const size = Math.min(each, entries - i * each);
      return [`w${i}`, { shape: matrixOf(size), values: repeated(drawn, size) }];
    }),
  );
}

/** Two factors of a size, the second a power of two of at most its root: a matrix without a remainder. */
function matrixOf(size: number): number[] {
  let columns = 1;
  while (size % (2 * columns) === 0 && 4 * columns * columns <= size) columns *= 2;
  return [size / columns, columns];
}

function repeated(values: Float32Array, length: number): Float32Array {
  const all = new Float32Array(length);
  for (let at = 0; at < length; at += values.length) all.set(values.subarray(0, length - at), at);
  return all;
}

const scalar = (value: number): HostTensor => ({ shape: [], values: Float32Array.of(value) });
