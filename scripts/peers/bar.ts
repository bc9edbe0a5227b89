/** What clipbench sets out to be: times as fast as another system, at least. K-step systems are compared with each other. */
export interface Bar {
  work: string;
  peer: string;
  factor: number;
}

const small = ['tiny_mlp', 'mlp', 'mlp_adam', 'rnn'];
const bars = (works: string[], peer: string, factor: number): Bar[] => works.map((work) => ({ work, peer, factor }));

export const bar: Bar[] = [
  ...bars(small, 'jax-jit', 1),
  ...bars(small, 'torch-eager', 1.5),
  ...bars(small, 'jax-scan', 1),
  ...bars(['cnn'], 'jax-jit', 2),
  ...bars(['cnn'], 'torch-eager', 1.8),
  ...bars(['transformer'], 'jax-jit', 1.2),
  ...bars(['transformer'], 'torch-eager', 1.2),
  ...bars(['lstm', 'gru'], 'jax-jit', 1.2),
  ...bars(['lstm', 'gru'], 'torch-eager', 1),
  ...bars(['tiny_mlp', 'rnn'], 'tfjs-eager', 10),
  ...bars(['mlp', 'mlp_adam'], 'tfjs-eager', 4),
  ...bars(['cnn'], 'tfjs-eager', 3),
  ...bars(['transformer'], 'tfjs-eager', 1.8),
  ...bars(['lstm', 'gru'], 'tfjs-eager', 6),
  ...bars(['clip_value', 'clip_norm', 'clip_global_norm'], 'torch-eager', 1),
];
