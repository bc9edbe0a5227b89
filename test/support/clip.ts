/** One call of a strategy by its name, and short ways to say what goes in and what comes out. */
import fc from 'fast-check';
import { find, parts } from '../../src/parts.ts';
import type { HostTensors, Options } from '../../src/types.ts';
import { gradients, pinned, thresholds } from './gradients.ts';
import { freed, hostTensor, toHost, toTensors } from './host.ts';
import { transform } from './transforms.ts';

export interface Given {
  params?: HostTensors;
  gradient?: HostTensors;
  learning_rate?: number;
}

/** What comes out, and the share that was touched. */
export function clip(
  name: string,
  options: Options,
  grads: HostTensors,
  { params, gradient, learning_rate }: Given = {},
) {
  return freed(() => {
    const given = {
      ...(params && { params: toTensors(params) }),
      ...(gradient && { gradient: toTensors(gradient) }),
      ...(learning_rate !== undefined && { learning_rate }),
    };
    const { grads: out, info } = transform(find(parts.strategies, name), options).update(toTensors(grads), given);
    return { out: toHost(out), fraction: info?.clipped_fraction?.dataSync()[0] };
  });
}

/** As many float32 roundings as a norm and a product may make. */
export const FINE = 1 + 4e-7;

export const list = (grads: HostTensors) => Object.values(grads);
export const entries = (grads: HostTensors) => list(grads).flatMap(({ values }) => [...values]);
/** A gradient that is one vector. */
export const one = (...values: number[]): HostTensors => ({ g: hostTensor([values.length], values) });

/** For random gradients and thresholds. */
export const forAll = (check: (grads: HostTensors, threshold: number) => void, numRuns = 60) =>
  fc.assert(fc.property(gradients, thresholds, check), { ...pinned, numRuns });
