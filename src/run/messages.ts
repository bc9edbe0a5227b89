/** What the runner and its workers tell each other. */
import { z } from 'zod';
import { type Cell, engineNames } from '../types.ts';

/** What a worker is started with, as JSON in its arguments. */
export const setupSchema = z.object({
  folder: z.string(),
  /** In timing.csv, and in the name of its segment. */
  name: z.string(),
  numerics: z.enum(['repro', 'fast']),
  /** The best there is on the backend, where none is asked for. */
  engine: z.enum(engineNames).optional(),
  /** Goes with every record. */
  code: z.string(),
  parent: z.int(),
});
export type Setup = z.infer<typeof setupSchema>;

export interface Assignment {
  cell_id: string;
  cell: Cell;
}

/** A cell comes from our own parent process, which has checked it: only its presence is looked at. */
export const cellSchema = z.custom<Cell>((value) => typeof value === 'object' && value !== null);
export const assignmentSchema = z.object({ cell_id: z.string(), cell: cellSchema });

export const workerMessageSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ready'),
    fingerprint: z.record(z.string(), z.union([z.string(), z.number()])),
    /** Why this isn't the native backend. */
    reason: z.string(),
  }),
  z.object({ kind: z.literal('unusable'), usage: z.boolean(), error: z.string() }),
  z.object({
    kind: z.literal('done'),
    status: z.enum(['completed', 'diverged']),
    seconds: z.number(),
    /** Why something in it ran op by op, though it was to be compiled. */
    fallbacks: z.array(z.string()),
  }),
  z.object({ kind: z.literal('failed'), error: z.string() }),
  /** The result can't be stored: no fault of the cell, and the next one would fare no better. */
  z.object({ kind: z.literal('unwritable'), code: z.string() }),
]);
export type WorkerMessage = z.infer<typeof workerMessageSchema>;
