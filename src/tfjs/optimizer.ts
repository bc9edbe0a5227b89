/** What tf.Optimizer and its variables don't tell by themselves. */
import * as tf from '@tensorflow/tfjs';
import { type Tensors, UsageError } from '../types.ts';

/** Where tf.Optimizer keeps variables. */
export function variable(name: string): tf.Variable {
  const found = tf.engine().registeredVariables[name];
  if (found === undefined) throw new UsageError(`there is a gradient for ${name}, and no variable`);
  return found;
}

export function rateOf(optimizer: tf.Optimizer): number | undefined {
  const { learningRate } = optimizer.getConfig();
  return typeof learningRate === 'number' ? learningRate : undefined;
}

/** The optimizers have a field for it, and those of SGD a method, since they keep it as a tensor too. */
export function setRate(optimizer: tf.Optimizer, rate: number): void {
  const set: unknown = Reflect.get(optimizer, 'setLearningRate');
  if (typeof set === 'function') Reflect.apply(set, optimizer, [rate]);
  else Reflect.set(optimizer, 'learningRate', rate);
}

/** Scalars that an optimizer changes and doesn't save; it would compute them anew, with other last bits. */
export function privates(optimizer: tf.Optimizer): [string, tf.Variable][] {
  return Object.entries(optimizer).flatMap(([name, value]: [string, unknown]): [string, tf.Variable][] =>
    value instanceof tf.Variable ? [[name, value]] : [],
  );
}

/**
 * Names as strategies see them, by those of the variables: tfjs adds `_1`, `_2`, ... to the name of a layer's weights where a model with that name
 * was made before, so that `dense/kernel` is `dense/kernel_1` in the model that is loaded. Where two would be one, or a pattern
 * names the longer one, it stays.
 */
export function plainNames(names: readonly string[], patterns: readonly string[]): Map<string, string> {
  const short = (name: string) =>
    /\/.*_\d+$/.test(name) && !patterns.includes(name) ? name.replace(/_\d+$/, '') : name;
  const taken = (name: string) => names.filter((other) => short(other) === short(name)).length > 1;
  return new Map(names.map((name) => [name, taken(name) ? name : short(name)]));
}

/** The same tensors under other names. */
export const renamed = (tensors: Tensors, names: Map<string, string>): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [names.get(name) ?? name, tensor]));
