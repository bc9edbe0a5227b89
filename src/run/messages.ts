/** What the runner and its workers tell each other. */
import { z } from 'zod';
import type { Cell } from '../types.ts';

export interface Assignment {
  cell_id: string;
  cell: Cell;
}

/** A cell comes from our own parent process, which has checked it: only its presence is looked at. */
export const assignmentSchema = z.object({
  cell_id: z.string(),
  cell: z.custom<Cell>((value) => typeof value === 'object'),
});

export const workerMessageSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ready'),
    fingerprint: z.record(z.string(), z.union([z.string(), z.number()])),
    /** Why this isn't the native backend. */
    reason: z.string(),
  }),
  z.object({ kind: z.literal('unusable'), usage: z.boolean(), error: z.string() }),
  z.object({ kind: z.literal('done'), cell_id: z.string(), status: z.enum(['completed', 'diverged']) }),
  z.object({ kind: z.literal('failed'), cell_id: z.string(), error: z.string() }),
]);
export type WorkerMessage = z.infer<typeof workerMessageSchema>;
