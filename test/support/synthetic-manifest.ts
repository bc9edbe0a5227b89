/** The manifest of a made-up results folder; counts are filled in when its runs are made. */
import { createHash } from 'node:crypto';
import type { Manifest } from '../../src/manifest.ts';
import type { Wanted } from './synthetic.ts';

const parts = {
  strategies: {
    none: { scope: 'global' },
    value: { scope: 'element', threshold: 'clip_value' },
    norm: { scope: 'tensor', threshold: 'max_norm' },
    global_norm: { scope: 'global', threshold: 'max_norm' },
  },
  tasks: {
    row_mnist: { metrics: { '{}': { name: 'accuracy', better: 'higher' as const } } },
    adding: { metrics: { '{}': { name: 'mse', better: 'lower' as const } } },
  },
  optimizers: { sgd: {} },
  models: { rnn: {}, mlp: {} },
};

export function syntheticManifest(wanted: Wanted): Manifest {
  const text = `question: ${wanted.question ?? 'q'}\nsteps: ${wanted.steps ?? 300}\n`;
  const described = (name: string) => ({ summary: `what ${name} does`, equation: 'g', reference: 'none' });
  return {
    question:
      wanted.question ?? 'Does norm clipping let a vanilla RNN read digits row by row where it otherwise fails?',
    experiment: {
      file: wanted.file ?? 'experiments/rnn.yaml',
      text,
      sha256: sha(text),
      set: {},
      smoke: wanted.smoke ?? false,
    },
    ...('compare' in wanted
      ? wanted.compare && { compare: wanted.compare }
      : { compare: { baseline: 'none', metric: 'val_accuracy', at: 'final' as const } }),
    cells: 0,
    completed: 0,
    diverged: 0,
    failed: 0,
    fingerprint: {
      backend: 'native',
      engine: 'compiled',
      tensorflow: '2.21.0',
      tfjs: '4.22.0',
      intra_op_threads: 1,
      cpu: 'x64 avx2',
    },
    fingerprint_id: '0f1e2d3c4b5a6978',
    parts: Object.fromEntries(
      Object.entries(parts).map(([kind, named]) => [
        kind,
        Object.fromEntries(Object.entries(named).map(([name, extra]) => [name, { ...described(name), ...extra }])),
      ]),
    ),
    data: { mnist: sha('mnist') },
    code: { source: sha('src').slice(0, 16), lockfile_sha256: sha('lockfile'), commit: sha('commit').slice(0, 40) },
    computed_by: {},
    versions: { clipbench: '0.1.0', node: '20.20.2', v8: '11.3.244.8', tfjs: '4.22.0', tensorflow: '2.21.0' },
    machine: { host: 'bench', os: 'linux 6.1.0 x64', processor: 'Some CPU', cores: 2, memory_gb: 16, vector: 'avx2' },
    command: 'clipbench run experiments/rnn.yaml --jobs 2',
    jobs: 2,
    started: '2025-01-02T03:04:05.000Z',
    finished: '2025-01-02T03:14:05.000Z',
    files: {},
  };
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
