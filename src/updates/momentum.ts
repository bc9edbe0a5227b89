/** The heavy ball: a sum of what came before that decays. */
import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { mapTensors, pick } from '../tensors.ts';
import type { Tensors } from '../types.ts';

/** Option: the share of the last update that is kept. `make` is told whether it differs from 0. */
export const momentumOption = (fallback: number, description: string) =>
  z.number().min(0).lt(1).default(fallback).meta({ description, role: 'numeric', absent: 0 });

/** momentum buffer + fresh: the next buffer. */
export const withMomentum = (buffer: Tensors, momentum: tf.Scalar, fresh: Tensors): Tensors =>
  mapTensors(fresh, (x, name) => pick(buffer, name).mul(momentum).add(x));
