/** Random gradients for properties. */
import fc from 'fast-check';
import type { HostTensors } from '../../src/types.ts';
import { hostTensor } from './host.ts';

/** The same cases on every run: a property with a tolerance must not fail once in ten thousand runs. */
export const pinned = { seed: 20_261_122 };

const sizeOf = (shape: number[]) => shape.reduce((product, n) => product * n, 1);

const shape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
const entry = fc.oneof(
  { weight: 8, arbitrary: fc.float({ min: -1, max: 1, noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0) },
);
const tensor = shape.chain((dims) =>
  fc.array(entry, { minLength: sizeOf(dims), maxLength: sizeOf(dims) }).map((entries) => ({ dims, entries })),
);

/**
 * One to four tensors of up to three axes. Entries span six orders of magnitude below a scale that goes from 1e-6 to
 * 1e6, and zeros of both signs: far from where squares or products leave float32.
 */
export const gradients: fc.Arbitrary<HostTensors> = fc
  .tuple(fc.array(tensor, { minLength: 1, maxLength: 4 }), fc.constantFrom(1e-6, 1e-3, 1, 1e3, 1e6))
  .map(([tensors, scale]) =>
    Object.fromEntries(
      tensors.map(({ dims, entries }, i) => {
        const values = entries.map((value) => (Math.abs(value) < 1e-6 ? 0 * value : value * scale));
        return [`g${i}`, hostTensor(dims, values)];
      }),
    ),
  );

export const thresholds = fc.constantFrom(1e-4, 0.01, 0.3, 1, 7, 1e3);

/** The values of every tensor, changed by `f`. */
export function changed(grads: HostTensors, f: (value: number) => number): HostTensors {
  return Object.fromEntries(
    Object.entries(grads).map(([name, { shape: dims, values }]) => [name, hostTensor(dims, Array.from(values, f))]),
  );
}
