/** Optimizers that clip, and clipping at other places of a step, against torch, Keras, optax and transcriptions of papers. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { fromCatalogue, type Written } from '../src/catalogue.ts';
import { clipOf } from '../src/clipping/placement.ts';
import { recurrence } from '../src/layers/recurrence.ts';
import { find, parts } from '../src/parts.ts';
import { group, mapTensors, pick } from '../src/tensors.ts';
import type { Choice, HostTensors, Options } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { optionsOf, unchecked } from './support/choices.ts';
import { descend } from './support/fed_gradients.ts';
import {
  type GoldenCase,
  goldenCases,
  goldenNumber,
  goldenNumbers,
  goldenSteps,
  goldenTensors,
} from './support/golden_clip.ts';
import { assertNear, freed, hostTensor, toHost, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

const everywhere: Parameters<typeof onBackends>[0] = ['native', 'wasm', 'cpu'];

for (const strategy of ['S12', 'S13', 'S14', 'S15', 'S29']) {
  for (const example of goldenCases('golden_clip_optimizers', strategy)) {
    const { expected, inputs } = example;
    onBackends(everywhere, example.id, () => {
      const steps = run(example, goldenTensors(inputs.weights), goldenSteps(inputs.gradSteps));
      for (const what of Object.keys(expected)) assert.match(what, /^(weightSteps|gradSteps|rmsSteps)$/);
      assertSteps(
        steps.map(({ params }) => params),
        goldenSteps(expected.weightSteps),
        example,
        'weight',
      );
      if (expected.gradSteps !== undefined)
        assertSteps(seenGradients(example), goldenSteps(expected.gradSteps), example, 'gradient');
      if (expected.rmsSteps !== undefined) compareRms(example);
    });
  }
}

interface Seen {
  params: HostTensors;
  state: HostTensors;
  info: Record<string, number>;
}

const written = ({ strategy, params, semantics, source }: GoldenCase): Written =>
  fromCatalogue(strategy, params, source.system === 'keras' && strategy === 'S26' ? 'keras' : semantics);

/** Step after step with an optimizer alone. */
function run(example: GoldenCase, weights: HostTensors, gradSteps: HostTensors[], others: Options = {}): Seen[] {
  const { kind, name, options, learning_rate } = written(example);
  assert.equal(kind, 'optimizer');
  const { init, update } = transform(find(parts.optimizers, name), unchecked({ ...options, ...others }));
  return freed(() => {
    let params = toTensors(weights);
    let state = init(params);
    return gradSteps.map((grads, step) => {
      const out = update(toTensors(grads), { params, state, step, learning_rate: goldenNumber(learning_rate) });
      params = mapTensors(params, (w, key) => w.add(pick(out.grads, key)));
      state = out.state;
      const infos = Object.entries(out.info ?? {}).map(([key, value]) => [key, Number(value.dataSync()[0])]);
      return { params: toHost(params), state: toHost(state), info: Object.fromEntries(infos) };
    });
  });
}

/** What Adam is given: its running mean where it keeps nothing. What is clipped doesn't depend on that mean. */
function seenGradients(example: GoldenCase): HostTensors[] {
  const { inputs } = example;
  return run(example, goldenTensors(inputs.weights), goldenSteps(inputs.gradSteps), { beta1: 0 }).map(({ state }) =>
    group(state, 'mean'),
  );
}

/** Of each tensor by itself; what is reported is the largest. */
function compareRms(example: GoldenCase): void {
  const { inputs, expected, tol } = example;
  const [weights, steps] = [goldenTensors(inputs.weights), goldenSteps(inputs.gradSteps)];
  const wanted = (Array.isArray(expected.rmsSteps) ? expected.rmsSteps : []).map(goldenNumbers);
  Object.keys(weights).forEach((name, i) => {
    const only = (tensors: HostTensors) => ({ [name]: tensors[name] ?? assert.fail(name) });
    run(example, only(weights), steps.map(only)).forEach(({ info }, t) => {
      const value = wanted[t]?.[i] ?? Number.NaN;
      assertNear(info.largest_rms, value, tol.atol + tol.rtol * value, `rms of ${name} at step ${t}`);
    });
  });
}

for (const example of goldenCases('golden_clip_optimizers', 'S26')) {
  onBackends(everywhere, example.id, () => {
    const { params, inputs, expected } = example;
    const gradSteps = goldenSteps(inputs.gradSteps);
    if (expected.weightSteps !== undefined) {
      const steps = stepping(
        example,
        goldenTensors(inputs.weights),
        gradSteps.map((grads) => [grads]),
      );
      assertSteps(steps, goldenSteps(expected.weightSteps), example, 'weight');
      return;
    }
    // One update of several micro-batches, from 0 at a rate of -1: what it adds is the gradient.
    assert.equal(gradSteps.length, params.microBatches);
    const zeros = Object.fromEntries(
      Object.entries(gradSteps[0] ?? {}).map(([name, { shape, values }]) => [
        name,
        hostTensor(
          shape,
          values.map(() => 0),
        ),
      ]),
    );
    assertSteps(stepping(example, zeros, [gradSteps]), [goldenTensors(expected.grads)], example, 'gradient');
  });
}

function stepping(example: GoldenCase, weights: HostTensors, steps: HostTensors[][]): HostTensors[] {
  const { kind, name, options, learning_rate = -1 } = written(example);
  const clip = kind === 'optimizer' ? [] : [clipOf(name, clipOptions(name, options))];
  const { weightDecay } = example.params;
  const optimizer = kind === 'optimizer' ? choiceOf(name, options) : optimizerOf(example);
  const isDecoupled = optimizer.name === 'sgd' && weightDecay !== undefined && weightDecay !== 0;
  return descend(
    {
      strategy: clip,
      optimizer,
      learning_rate: goldenNumber(learning_rate),
      ...(isDecoupled && { weight_decay: goldenNumber(weightDecay) }),
      weights,
    },
    steps,
  );
}

const choiceOf = (name: string, options: Record<string, unknown> = {}): Choice => ({
  name,
  options: optionsOf(find(parts.optimizers, name), options),
});

/** With where it acts. */
function clipOptions(name: string, { place, ...own }: Record<string, unknown>): Options {
  return { ...optionsOf(find(parts.strategies, name), own), ...unchecked(place === undefined ? {} : { place }) };
}

/** The optimizer beside a clip, from the rest of the parameters. */
function optimizerOf({ params: { order, betas, eps, decay, momentum, nesterov, weightDecay } }: GoldenCase): Choice {
  const [beta1, beta2] = Array.isArray(betas) ? betas : [0.9, 0.999];
  const adam = { beta1, beta2, epsilon: eps ?? 1e-8 };
  if (betas !== undefined) {
    return weightDecay === undefined
      ? choiceOf('adam', adam)
      : choiceOf('adamw', { ...adam, weight_decay: weightDecay });
  }
  if (String(order).startsWith('adam>')) return choiceOf('adam', adam);
  // Momentum as a running mean, of which all is taken.
  if (order === 'clip>ema') return choiceOf('mixed_clip', { nu: 1, gamma: Number.MAX_VALUE, beta: decay });
  return choiceOf('sgd', { momentum: momentum ?? decay ?? 0, nesterov: nesterov ?? false });
}

for (const example of goldenCases('golden_clip_optimizers', 'S28')) {
  onBackends(everywhere, example.id, () => {
    const { params, inputs, expected } = example;
    const { name, options } = written(example);
    const { init, update, readout } = transform(find(parts.optimizers, name), unchecked(options));
    const noises = lists(inputs.noiseSteps);
    const steps = freed(() => {
      const curvature = tf.tensor1d(goldenNumbers(params.diagA));
      let weights = toTensors(goldenTensors([inputs.x0]));
      let state = init(weights);
      return goldenSteps(noises).map((noise, step): HostTensors => {
        const shift = toTensors(noise);
        const gradient = mapTensors(weights, (x, key) => x.mul(curvature).add(pick(shift, key)));
        const out = update(gradient, { params: weights, state, step, learning_rate: 1 / goldenNumber(params.L) });
        weights = mapTensors(weights, (w, key) => w.add(pick(out.grads, key)));
        state = out.state;
        return toHost(readout?.(weights, state) ?? {});
      });
    });
    assertSteps(steps, goldenSteps(lists(expected.ySteps)), example, 'y');
  });
}

for (const example of goldenCases('golden_clip_optimizers', 'S33')) {
  onBackends(everywhere, example.id, () => {
    const { params, inputs, expected, tol } = example;
    const { name, options } = written(example);
    assert.equal(name, 'backward_value');
    const { update } = transform(find(parts.strategies, name), unchecked(params.c === null ? {} : options));
    const onGradient = (dz: tf.Tensor) => pick(update({ dz }).grads, 'dz');
    const [h0, scale, target] = [params.h0, params.lossScale, params.target].map(goldenNumber);
    const { loss, grads } = freed(() => {
      const x = tf.tensor2d(goldenNumbers(inputs.x), [goldenNumbers(inputs.x).length, 1]);
      // h_0 isn't 0 there: the first input has what comes of it.
      const first = tf.tensor2d([[Number(h0)], ...Array<number[]>(x.shape[0] - 1).fill([0])]);
      const lossOf = (w: tf.Tensor, u: tf.Tensor): tf.Scalar => {
        const inputsOf = x.mul(u).add(first.mul(w)).reshape([-1, 1, 1]);
        const recurrent =
          params.c === null ? { activation: 'tanh' as const } : { activation: 'tanh' as const, onGradient };
        const h = recurrence(inputsOf, w.reshape([1, 1]), 'last', recurrent);
        return h.sub(Number(target)).square().mul(Number(scale)).asScalar();
      };
      const { value, grads: byNumber } = tf.valueAndGrads(lossOf)(
        [params.w, params.u].map((n) => tf.scalar(goldenNumber(n))),
      );
      return { loss: value.dataSync()[0], grads: toHost(Object.fromEntries(byNumber.map((g, i) => [`g${i}`, g]))) };
    });
    const wanted = goldenNumber(expected.loss);
    assertNear(loss, wanted, tol.atol + tol.rtol * wanted, 'loss');
    assertSteps([grads], [goldenTensors(expected.grads)], example, 'gradient');
  });
}

/** Of one tensor each. */
const lists = (steps: unknown): unknown[][] => (Array.isArray(steps) ? steps.map((tensor) => [tensor]) : []);

function assertSteps(got: HostTensors[], wanted: HostTensors[], { tol }: GoldenCase, what: string): void {
  assert.equal(got.length, wanted.length, what);
  wanted.forEach((tensors, t) => {
    assert.deepEqual(Object.keys(got[t] ?? {}), Object.keys(tensors));
    for (const [name, { shape, values }] of Object.entries(tensors)) {
      assert.deepEqual(got[t]?.[name]?.shape, shape);
      values.forEach((value, i) => {
        const bound = tol.atol + tol.rtol * Math.abs(value);
        assertNear(got[t]?.[name]?.values[i], value, bound, `${what} ${name}[${i}] at step ${t}`);
      });
    }
  });
}
