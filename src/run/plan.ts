/** cells/plan.json: which cells the last run in a folder was for, so that others can look on without the matrix. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Experiment } from '../matrix/experiment.ts';
import { type Cell, UsageError } from '../types.ts';
import { readJson, writeDurably } from './files.ts';
import { plannedCount } from './stages.ts';

const planSchema = z.object({
  file: z.string(),
  fingerprint: z.string(),
  /** In matrix order. */
  cell_ids: z.array(z.string()),
  /** Those that the run was for, where it was not for all. */
  selected: z.array(z.string()).optional(),
  /** Runs that aren't known before the trials are done. */
  waiting: z.int().optional(),
});
export type Plan = z.infer<typeof planSchema>;

export function writePlan(
  folder: string,
  experiment: Experiment,
  selected: Map<string, Cell>,
  fingerprint: string,
): void {
  const { file, cells } = experiment;
  const some = selected.size < cells.size;
  const waiting = plannedCount(experiment) - cells.size;
  const plan: Plan = {
    file,
    fingerprint,
    cell_ids: [...cells.keys()],
    ...(some && { selected: [...selected.keys()] }),
    ...(waiting > 0 && { waiting }),
  };
  writeDurably(planPath(folder), Buffer.from(`${JSON.stringify(plan)}\n`));
}

/** Undefined where nothing has run in this folder. */
export function readPlan(folder: string): Plan | undefined {
  return planSchema.safeParse(readJson(planPath(folder))).data;
}

/** @throws UsageError where nothing has run in this folder */
export function planOf(folder: string): Plan {
  const plan = readPlan(folder);
  if (plan !== undefined) return plan;
  throw new UsageError(`${folder}: holds no stored runs; give the results folder of a \`clipbench run\``);
}

function planPath(folder: string): string {
  return join(folder, 'cells', 'plan.json');
}
