/** What a model is on a task, before anything runs. */
import * as tf from '@tensorflow/tfjs';
import { build, find, parts } from './parts.ts';
import type { Choice, InitStreams, TaskShape } from './types.ts';

export interface Size {
  shape: TaskShape;
  /** Numbers that are learned. */
  parameters: number;
  /** Of the parameters. */
  names: string[];
}

/** It is the shapes that count; a large orthogonal start takes seconds. */
const noStreams: InitStreams = () => undefined;

export function sizeOf(task: Choice, model: Choice): Size {
  tf.enableProdMode(); // no banner
  const { shape } = build(find(parts.tasks, task.name), task);
  const sizes = tf.tidy(() => {
    const { params } = build(find(parts.models, model.name), model).init(noStreams, shape);
    return Object.entries(params).map(([name, { size }]) => ({ name, size }));
  });
  return { shape, parameters: sizes.reduce((sum, { size }) => sum + size, 0), names: sizes.map(({ name }) => name) };
}
