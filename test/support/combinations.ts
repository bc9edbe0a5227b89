/** Cells of random parts, drawn from a name: strategies and optimizers in every company, on gradients of every size. */
import assert from 'node:assert/strict';
import seedrandom from 'seedrandom';
import { find, parts } from '../../src/parts.ts';
import type { Cell } from '../../src/types.ts';
import { addingCell, digitsCell, optimizer, strategy } from './cells.ts';
import { variants } from './choices.ts';

/** Each with its defaults, and a threshold from the middle of where one would look. */
export const strategies = parts.strategies.map((part) => strategy(part.name, variants(part)[0]));

export function randomCells(name: string, count: number): Cell[] {
  const random = seedrandom.alea(name);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] ?? assert.fail('an empty list');
  // Gradients of examples or micro-batches are there for the first of a chain only.
  const whole = strategies.filter(({ name }) => find(parts.strategies, name).needs === undefined);
  return Array.from({ length: count }, () =>
    pick([addingCell, digitsCell])({
      seed: Math.floor(random() * 1000),
      steps: 3,
      eval_every: 3,
      batch_size: pick([1, 3, 8]),
      learning_rate: pick([0.001, 0.1, 10]),
      optimizer: optimizer(pick(parts.optimizers).name),
      strategy: pick([[pick(strategies)], [pick(strategies), pick(whole)]]),
      telemetry: pick(['off', 'basic', 'full']),
      gradient_scale: pick([1, 1, 1e10, 1e-10]),
    }),
  );
}
