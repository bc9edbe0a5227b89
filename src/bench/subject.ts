/** A variant made ready to be measured. */
import type { Engine } from '../types.ts';
import type { Footprint, Work } from './variant.ts';
import { clip } from './works/clip.ts';
import { arithmetic, copy, sleep } from './works/reference.ts';
import { run } from './works/run.ts';
import { step } from './works/step.ts';
import { training } from './works/training.ts';

export interface Subject {
  /** So many calls in a row. */
  call(count: number): void;
  /** Every call is a process of its own: nothing of it can be warm. */
  fresh?: true;
  /** What it asks of the backend, without a clock. */
  footprint?(): Promise<Footprint>;
  /** Why its times may not be those of what it stands for. Asked when all is measured. */
  doubt?(): string | undefined;
  close(): void;
}

export function open(work: Work, engine: Engine): Subject {
  switch (work.kind) {
    case 'clip':
      return clip(work, engine);
    case 'step':
      return step(work.cell, engine);
    case 'training':
      return training(work.cell, engine);
    case 'run':
      return run(work);
    case 'copy':
      return copy(work.entries, work.times);
    case 'arithmetic':
      return arithmetic(work.sums);
    case 'sleep':
      return sleep(work.ms);
  }
}
