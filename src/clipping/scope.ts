/** Whose norm is taken: of every tensor by itself, or of the whole gradient. */
import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { Tensors } from '../types.ts';

export const scopeOption = z.enum(['global', 'tensor']).default('global').meta({
  description: 'whose norm is taken: of all tensors together (global), or of every tensor by itself',
  role: 'structural',
});
export type Scope = 'global' | 'tensor';

/** The tensors in groups that have one norm each. */
export function groupsIn(grads: Tensors, scope: Scope): tf.Tensor[][] {
  const list = Object.values(grads);
  return scope === 'global' ? [list] : list.map((g) => [g]);
}
