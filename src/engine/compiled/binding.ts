/** The part of tfjs-node's native addon that recording and replaying use. */
import * as tf from '@tensorflow/tfjs';
import type { TFEOpAttr as Attribute, TFJSBinding } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';
import { z } from 'zod';

export type Binding = TFJSBinding;
export type { TensorMetadata, TFEOpAttr as Attribute } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';

interface NativeBackend {
  binding: Binding;
  /** Runs an operation of TensorFlow. */
  executeSingleOutput(op: string, attributes: Attribute[], inputs: tf.Tensor[]): tf.Tensor;
  /** Handles of tensors in the addon; uploads those that are still on the host. */
  getInputTensorIds(tensors: tf.Tensor[]): number[];
}

const nativeBackend = z.custom<NativeBackend>(
  (value) => typeof value === 'object' && value !== null && 'binding' in value && 'getInputTensorIds' in value,
);

/** @throws Error on the other backends, which have no graphs */
export function native(): NativeBackend {
  const { data } = nativeBackend.safeParse(tf.backend());
  if (data === undefined) throw new Error(`backend "${tf.getBackend()}" can't compile a step; only native can`);
  return data;
}

export function idOf(tensor: tf.Tensor): number {
  return native().getInputTensorIds([tensor])[0] ?? -1;
}

/** TensorFlow's numbers for types (types.proto); the addon's own constants are these. */
export const FLOAT = 1;
export const INT32 = 3;
export const BOOL = 10;
export const RESOURCE = 20;
export const VARIANT = 21;

/** @throws Error for the types that steps don't use */
export function typeOf({ dtype }: tf.Tensor): number {
  const number = { float32: FLOAT, int32: INT32, bool: BOOL }[String(dtype)];
  if (number !== undefined) return number;
  throw new Error(`a tensor of type ${dtype} can't be used in a step; float32, int32 and bool can`);
}

export function typeAttribute(name: string, value: number): Attribute {
  return { name, type: native().binding.TF_ATTR_TYPE, value };
}

/** The same numbers under another handle. */
export function identity(tensor: tf.Tensor): tf.Tensor {
  return native().executeSingleOutput('Identity', [typeAttribute('T', typeOf(tensor))], [tensor]);
}
