/** Made-up measurements before and after a change, as a noisy machine would give them. */
import { calibrationOf } from '../../src/bench/estimate.ts';
import type { Group, Turn } from '../../src/bench/variant.ts';
import { stream } from '../../src/engine/random.ts';
import type { Measurement } from '../../src/report/bench/read.ts';
import { measured } from './measurement.ts';

export interface Machine {
  processes: number;
  /** Of the logarithm of a time: what a process has to itself, and each of its samples. */
  spread: { process: number; sample: number };
  /** Chance that something interferes, and what that takes. */
  outliers: { chance: number; factor: number };
}

export const calm: Machine = {
  processes: 6,
  spread: { process: 0.01, sample: 0.01 },
  outliers: { chance: 0.02, factor: 1.5 },
};
/** As virtual machines beside others are. */
export const rough: Machine = {
  processes: 6,
  spread: { process: 0.025, sample: 0.05 },
  outliers: { chance: 0.1, factor: 1.5 },
};

/** ms of a call by variant; `copy` and `arithmetic` are references, the first variant has a twin. */
export function timed(ms: Record<string, number>, machine: Machine, seed: string): Measurement {
  const [first = ''] = Object.keys(ms);
  const twin = `${first} again`;
  const roles = { copy: 'reference', arithmetic: 'reference', [twin]: 'again', [first]: 'baseline' } as const;
  const all = Object.entries({ ...ms, [twin]: ms[first] ?? 1 });
  const group: Group = {
    name: 'mnist · mlp',
    backend: 'native',
    engine: 'compiled',
    numerics: 'repro',
    baseline: first,
    again: { variant: first, twin },
    variants: all.map(([name]) => ({
      name,
      role: Object.entries(roles).find(([own]) => own === name)?.[1] ?? 'variant',
      work: { kind: 'sleep', ms: 1 },
      facts: {},
    })),
    alone: false,
  };
  const turns = Array.from({ length: machine.processes }, (_, process) => process).flatMap((process) => {
    const random = stream('timings', seed, process);
    return all.flatMap(([variant, typical]) => {
      const own = machine.spread.process * random.normal();
      return [0, 1, 2, 3].map((pass): Turn => {
        const samples = [0, 1].map(() => {
          const disturbed = random.uniform() < machine.outliers.chance ? machine.outliers.factor : 1;
          return typical * Math.exp(own + machine.spread.sample * random.normal()) * disturbed;
        });
        return { group: group.name, variant, process, pass, calls: 10, ms: samples };
      });
    });
  });
  const { record } = measured({ processes: machine.processes });
  return {
    record: { ...record, calibrations: [calibrationOf(group, turns)] },
    rows: group.variants.map(({ name, role }) => ({ group: group.name, variant: name, role })),
    samples: turns.flatMap(({ ms: samples, ...turn }) => samples.map((own) => ({ ...turn, ms: own }))),
  };
}
