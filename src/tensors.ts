/** What can be done with named tensors (the pytrees of JAX, one level deep). Order is kept everywhere. */
import * as tf from '@tensorflow/tfjs';
import type { Tensors } from './types.ts';

/** Applies `f` to each tensor. */
export function mapTensors(tensors: Tensors, f: (tensor: tf.Tensor, name: string) => tf.Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]));
}

/** The tensor with this name. @throws Error when there is none: a bug in a part, not a mistake of the user. */
export function pick(tensors: Tensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`no tensor "${name}" among ${Object.keys(tensors).join(', ')}`);
  return tensor;
}

/** Zeros in the shapes of `tensors`. */
export function zerosLike(tensors: Tensors): Tensors {
  return mapTensors(tensors, (tensor) => tf.zerosLike(tensor));
}

export function asScalars(tensors: Tensors): Record<string, tf.Scalar> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.asScalar()]));
}

/** Several groups of tensors as one, named `group.name`. */
export function join<T>(groups: Record<string, Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(groups).flatMap(([group, tensors]) =>
      Object.entries(tensors).map(([name, tensor]) => [`${group}.${name}`, tensor]),
    ),
  );
}

/** The tensors of one group of `join`. */
export function group<T>(tensors: Record<string, T>, name: string): Record<string, T> {
  const prefix = `${name}.`;
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([key, tensor]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [],
    ),
  );
}

/** All tensors as one vector [n]. */
export function flatten(tensors: Tensors): tf.Tensor1D {
  return tf.concat1d(Object.values(tensors).map((tensor) => tensor.flatten()));
}

/** A list of tensors under the names of `like`, in their order. */
export function named(like: Tensors, tensors: tf.Tensor[]): Tensors {
  return Object.fromEntries(Object.keys(like).flatMap((name, i) => tensors.slice(i, i + 1).map((t) => [name, t])));
}
