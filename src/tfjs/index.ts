/** Clipping for any program of TensorFlow.js, in Node and in browsers: `clipbench/tfjs`. */
export type { Spec } from '../apply/spec.ts';
export { type Clipped, type ClipState, clipGradients } from './clip_gradients.ts';
export { clipped } from './clipped.ts';
