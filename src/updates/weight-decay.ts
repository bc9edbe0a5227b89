/** Weight decay inside an optimizer's update; every parameter decays, biases and gains too. */
import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { mapTensors, pick } from '../tensors.ts';
import type { Tensors } from '../types.ts';

/** Option: `make` is told whether it differs from 0. */
export const weightDecayOption = (fallback: number, description: string) =>
  z.number().min(0).default(fallback).meta({ description, role: 'numeric', absent: 0 });

/** update + factor w, or the update itself where there is no decay. */
export const withDecay = (update: Tensors, params: Tensors, factor: tf.Tensor, hasDecay: boolean): Tensors =>
  hasDecay ? mapTensors(update, (u, name) => u.add(pick(params, name).mul(factor))) : update;
