/** The part of tfjs-node's native addon that recording and replaying use. */
import * as tf from '@tensorflow/tfjs';
import type { TFJSBinding } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';
import { z } from 'zod';

export type Binding = TFJSBinding;
export type { TensorMetadata, TFEOpAttr as Attribute } from '@tensorflow/tfjs-node/dist/tfjs_binding.js';

interface NativeBackend {
  binding: Binding;
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
