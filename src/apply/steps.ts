/** Strategies and optimizers on given gradients, step by step: an oracle for other implementations. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { canonical } from '../canonical.ts';
import { noiseOf, normalOf } from '../noise.ts';
import { build, constants, find, parts, structureOf } from '../parts.ts';
import { asScalars, group, join, mapTensors, pick } from '../tensors.ts';
import { membersOf, oneAfterTheOther, optionsOf } from '../train/members.ts';
import { onEach } from '../train/step.ts';
import { type Engine, Finding, type HostTensor, type Needs, type Step, type Transform, UsageError } from '../types.ts';
import { beside } from './beside.ts';
import { assertAlike, givenSteps, scalar, stepSchema, zeros } from './given.ts';
import { type Chosen, chosenBy, specSchema } from './spec.ts';
import { fromJson, numberToJson, type TensorsJson, tensorsSchema, toJson } from './tensor.ts';

export const applySchema = z
  .strictObject({
    strategy: specSchema.describe(
      'a name, {name, option: value} or {chain: [...]}, as in a matrix, or by a number of the catalogue',
    ),
    params: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('options, where strategy is no more than a name or number'),
    semantics: z.string().optional().describe('whose rule, likewise'),
    weights: tensorsSchema.optional().describe('the parameters; default: zeros'),
    learning_rate: z.number().optional().describe('default 0.01'),
    seed: z.int().min(0).optional().describe('of the noise; default 0'),
    steps: z.array(stepSchema).min(1),
  })
  .describe('What `clipbench apply` reads');
export type ApplyInput = z.infer<typeof applySchema>;

export interface ApplyOutput {
  steps: { grads: TensorsJson; weights?: TensorsJson; info: Record<string, number | string | boolean> }[];
}

/** @throws UsageError for what can't be done; Finding where `non_finite: raise` met what isn't finite */
export function applySteps(input: ApplyInput, engine: Engine): ApplyOutput {
  const chosen = chosenBy(specOf(input));
  const { transform, numbers, needs, key } = ready(chosen);
  const steps = givenSteps(input.steps, needs, chosen.count);
  const [first] = steps;
  if (first === undefined) throw new UsageError('steps is empty; give at least one');
  const weights = input.weights === undefined ? zeros(first.params) : fromJson(input.weights, 'weights');
  const names = Object.keys(first.params);
  const own = Object.fromEntries(
    names.flatMap((name): [string, HostTensor][] => {
      const tensor = weights[name];
      return tensor === undefined ? [] : [[name, tensor]];
    }),
  );
  // Weights of parameters without a gradient may be there too.
  assertAlike(own, first.params, 'weights', 'steps[0]');
  // A strategy of nothing: null stays null.
  if (names.length === 0) return { steps: steps.map(({ like }) => ({ grads: like, info: {} })) };
  const isOptimizer = chosen.optimizer !== undefined;
  const [workers = 1, ...others] = input.steps.map((step) => step.workers?.length ?? 1);
  const other = others.findIndex((count) => count !== workers);
  if (other >= 0) {
    throw new UsageError(`steps[${other + 1}] has ${others[other]} workers and steps[0] ${workers}; give each as many`);
  }
  const learning_rate = chosen.learning_rate ?? input.learning_rate ?? 0.01;
  const initial = tf.tidy(() => {
    const params = Object.fromEntries(
      Object.entries(own).map(([name, { shape, values }]) => [name, tf.tensor(values.slice(), shape)]),
    );
    return join({
      params,
      own: transform.init(params, workers),
      out: mapTensors(params, (w) => tf.zerosLike(w)),
      weights: params,
    });
  });
  const fixed = { learning_rate, ...join({ options: numbers, key: { high: input.seed ?? 0, low: 0 } }) };
  const run = engine.train(
    canonical([key, steps.map(({ inputs }) => Object.keys(inputs))[0]]),
    stepOf(transform, isOptimizer),
    initial,
    fixed,
  );
  try {
    return {
      steps: steps.map(({ inputs, like }, t) => {
        const [info = {}] = run.call([{ ...inputs, step: scalar(t) }]);
        if (Number(info.raised) > 0) {
          throw new Finding(`steps[${t}]: the gradient is not finite, and non_finite is "raise"`);
        }
        return {
          grads: toJson(run.read('out'), like),
          ...(isOptimizer && { weights: toJson(run.read('weights'), input.weights ?? like) }),
          info: infoOf(info),
        };
      }),
    };
  } finally {
    run.dispose();
  }
}

/** One call of a transform as a step: what it returns is kept in the state, where it can be read. */
function stepOf(transform: Transform, isOptimizer: boolean): Step {
  return (state, inputs) => {
    const params = group(state, 'params');
    const step = pick(inputs, 'step').asScalar();
    const given = group(inputs, 'noise');
    const noise = noiseOf(group(inputs, 'key'), step);
    const drawn = normalOf(noise);
    const context = {
      params,
      gradient: group(inputs, 'raw'),
      options: asScalars(group(inputs, 'options')),
      learning_rate: pick(inputs, 'learning_rate').asScalar(),
      loss: pick(inputs, 'loss').asScalar(),
      step,
      noise,
      // Strategies ask by the name of the parameter.
      normal: (site: string, shape: number[]) => given[site] ?? drawn(site, shape),
    };
    const before = group(state, 'own');
    const { grads, state: own, skip, info = {} } = transform.update(group(inputs, 'grads'), before, context);
    const kept = (tensor: tf.Tensor, old: tf.Tensor) => (skip === undefined ? tensor : tf.where(skip, old, tensor));
    const moved = isOptimizer ? mapTensors(params, (w, name) => kept(w.add(pick(grads, name)), w)) : params;
    const after = isOptimizer ? mapTensors(own, (tensor, name) => kept(tensor, pick(before, name))) : own;
    return {
      state: join({
        ...{ params: moved, own: after, out: grads },
        weights: transform.readout?.(moved, after) ?? moved,
      }),
      scalars: { ...info, ...(skip !== undefined && { skipped: skip.toFloat().asScalar() }), done: step },
    };
  };
}

/** The transform, its numeric options, the gradients it takes, and what it is told apart by. */
function ready({ clips, optimizer, decay }: Chosen): {
  transform: Transform;
  numbers: Record<string, number>;
  needs: Needs;
  key: unknown;
} {
  const members = membersOf(clips);
  const isOnEach = members.some(({ place }) => place === 'micro_batch');
  const needs = isOnEach ? 'micro_batch' : (members.find((member) => member.needs !== 'batch')?.needs ?? 'batch');
  if (optimizer !== undefined) {
    const part = find(parts.optimizers, optimizer.name);
    const own = {
      transform: build(part, optimizer),
      numbers: constants(part, optimizer),
      key: structureOf(part, optimizer),
    };
    const [member] = members;
    if (member === undefined) return { ...own, needs };
    return {
      transform: beside(isOnEach ? onParts(member.transform) : member.transform, member.place, own.transform, decay),
      numbers: join({ clip: optionsOf(members), optimizer: own.numbers }),
      needs,
      key: [member.structure, own.key, { ...decay }],
    };
  }
  return {
    transform: isOnEach ? onParts(oneAfterTheOther(members)) : oneAfterTheOther(members),
    numbers: optionsOf(members),
    needs,
    key: members.map(({ structure }) => structure),
  };
}

/** On gradients [parts, ...shape]: on each, and the mean of what is left. */
function onParts(transform: Transform): Transform {
  return {
    init: (params) => transform.init(params),
    update(grads, state, context) {
      const [count = 0] = Object.values(grads)[0]?.shape ?? [];
      const part = (i: number) => mapTensors(grads, (g) => g.slice([i], [1]).squeeze([0]));
      return onEach(
        transform,
        Array.from({ length: count }, (_, i) => part(i)),
        state,
        context,
      );
    },
  };
}

function specOf({ strategy, params, semantics }: ApplyInput) {
  if (params === undefined && semantics === undefined) return strategy;
  if (typeof strategy !== 'string') {
    throw new UsageError('params and semantics go with a strategy that is a name; write them into {name: ...}');
  }
  return { name: strategy, ...params, ...(semantics !== undefined && { semantics }) };
}

function infoOf({ done: _, raised: __, skipped, ...info }: Record<string, number>) {
  return {
    ...Object.fromEntries(Object.entries(info).map(([name, value]) => [name, numberToJson(value)])),
    ...(skipped !== undefined && { skipped: skipped > 0 }),
  };
}
