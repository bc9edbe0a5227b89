/** What the steps of `clipbench apply` are given: read, and checked against each other. */
import { z } from 'zod';
import { join } from '../tensors.ts';
import { type HostTensors, type Needs, UsageError } from '../types.ts';
import { fromJson, numberSchema, type TensorsJson, tensorsSchema } from './tensor.ts';

export const stepSchema = z.strictObject({
  grads: tensorsSchema.optional().describe('the mean gradient over the batch'),
  perExample: tensorsSchema
    .optional()
    .describe('gradients of the examples, [examples, ...shape], where the strategy needs them'),
  workers: z
    .array(tensorsSchema)
    .min(1)
    .optional()
    .describe('gradients of workers or micro-batches, where the strategy needs them'),
  updates: tensorsSchema.optional().describe('what the optimizer would do, for a strategy that works on it'),
  noise: tensorsSchema
    .optional()
    .describe('standard normal numbers in the shapes of the weights; default: from the seed'),
  loss: numberSchema.optional().describe('mean loss of the batch; default 0'),
});
type StepInput = z.infer<typeof stepSchema>;

export interface GivenStep {
  inputs: HostTensors;
  /** In the shapes of the weights. */
  params: HostTensors;
  /** As it was written: a list or by name, with its nulls. */
  like: TensorsJson;
}

/** @throws UsageError where something is missing, or steps differ in their tensors */
export function givenSteps(steps: StepInput[], needs: Needs, wanted?: { said: string; count: unknown }): GivenStep[] {
  const given = steps.map((step, t) => givenIn(step, needs, `steps[${t}]`));
  const [first] = given;
  if (wanted !== undefined && needs !== 'batch') {
    for (const [t, { inputs }] of given.entries()) assertCount(inputs, wanted, `steps[${t}]`);
  }
  given.forEach(({ params, inputs }, t) => {
    assertAlike(params, first?.params ?? {}, `steps[${t}]`, 'steps[0]');
    assertAlike(partOf(inputs, 'noise.'), params, `steps[${t}].noise`, `steps[${t}]`, false);
  });
  return given;
}

function assertCount(inputs: HostTensors, { said, count }: { said: string; count: unknown }, where: string): void {
  const [there] = Object.values(partOf(inputs, 'grads.'))[0]?.shape ?? [];
  if (there !== count) throw new UsageError(`${where} has ${there} gradients and ${said} is ${count}; give as many`);
}

/**
 * @param isWhole whether `tensors` has to hold all that `like` holds
 * @throws UsageError where names or shapes differ
 */
export function assertAlike(
  tensors: HostTensors,
  like: HostTensors,
  where: string,
  other: string,
  isWhole = true,
): void {
  for (const name of Object.keys(like)) {
    if (isWhole && tensors[name] === undefined)
      throw new UsageError(`${where} has no ${name}, which ${other} has; give it too`);
  }
  for (const [name, { shape }] of Object.entries(tensors)) {
    const wanted = like[name]?.shape;
    if (wanted === undefined) throw new UsageError(`${where} has ${name}, which ${other} has not; leave it out`);
    if (shape.join() !== wanted.join()) {
      throw new UsageError(
        `${where}: ${name} is [${shape.join(', ')}] and in ${other} [${wanted.join(', ')}]; give both one shape`,
      );
    }
  }
}

const partOf = (tensors: HostTensors, prefix: string): HostTensors =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
    ),
  );

function givenIn(step: StepInput, needs: Needs, where: string): GivenStep {
  const { grads, perExample, workers, updates, noise, loss = 0 } = step;
  const others = {
    loss: scalar(Number(loss)),
    ...join({ noise: noise === undefined ? {} : fromJson(noise, `${where}.noise`) }),
  };
  if (needs === 'example' || needs === 'micro_batch') {
    const each = workers ?? (grads === undefined ? undefined : [grads]);
    const like = needs === 'example' ? perExample : each?.[0];
    if (like === undefined) {
      throw new UsageError(`${where}: this strategy needs ${needs === 'example' ? 'perExample' : 'workers'}`);
    }
    const many =
      needs === 'example'
        ? fromJson(like, `${where}.perExample`)
        : stacked(
            (each ?? []).map((worker, i) => fromJson(worker, `${where}.workers[${i}]`)),
            where,
          );
    const mean = Object.fromEntries(Object.entries(many).map(([name, tensor]) => [name, meanOf(tensor)]));
    return { inputs: { ...join({ grads: many, raw: mean }), ...others }, params: mean, like };
  }
  if (updates === undefined && grads === undefined && workers !== undefined) {
    // What acts on their mean is given their mean.
    const { params, like } = givenIn(step, 'micro_batch', where);
    return { inputs: { ...join({ grads: params, raw: params }), ...others }, params, like };
  }
  const like = updates ?? grads;
  if (like === undefined) throw new UsageError(`${where}: grads is missing`);
  const own = fromJson(like, `${where}.grads`);
  const raw = grads === undefined ? own : fromJson(grads, `${where}.grads`);
  assertAlike(own, raw, `${where}.updates`, `${where}.grads`);
  return { inputs: { ...join({ grads: own, raw }), ...others }, params: own, like };
}

export const scalar = (value: number) => ({ shape: [], values: Float32Array.of(value) });

export const zeros = (like: HostTensors): HostTensors =>
  Object.fromEntries(
    Object.entries(like).map(([name, { shape, values }]) => [name, { shape, values: new Float32Array(values.length) }]),
  );

/** Tensors of several workers as one by name, [workers, ...shape]. */
function stacked(each: HostTensors[], where: string): HostTensors {
  for (const [i, worker] of each.entries()) assertAlike(worker, each[0] ?? {}, `${where}.workers[${i}]`, 'workers[0]');
  return Object.fromEntries(
    Object.entries(each[0] ?? {}).map(([name, { shape }]) => {
      const values = each.flatMap((worker) => [...(worker[name]?.values ?? [])]);
      return [name, { shape: [each.length, ...shape], values: Float32Array.from(values) }];
    }),
  );
}

/** Over the first axis. */
function meanOf({ shape: [count = 0, ...shape], values }: HostTensors[string]): HostTensors[string] {
  const size = shape.reduce((product, n) => product * n, 1);
  const mean = new Float32Array(size);
  for (let i = 0; i < values.length; i++) mean[i % size] = (mean[i % size] ?? 0) + (values[i] ?? 0) / count;
  return { shape, values: mean };
}
