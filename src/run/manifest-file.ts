/** manifest.json, and what it says of the results themselves. */
import { join } from 'node:path';
import { type Manifest, manifestSchema } from '../manifest.ts';
import { readJson, writeDurably } from './files.ts';
import type { Inventory } from './inventory.ts';

/** Undefined where there is none, or none that this version can read. */
export function readManifest(folder: string): Manifest | undefined {
  return manifestSchema.safeParse(readJson(manifestPath(folder))).data;
}

export function writeManifest(folder: string, manifest: Manifest): void {
  writeDurably(manifestPath(folder), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
}

function manifestPath(folder: string): string {
  return join(folder, 'manifest.json');
}

/** What is said of the results themselves. */
export function tally({ results, failures }: Omit<Inventory, 'altered'>) {
  return {
    completed: results.filter(({ status }) => status === 'completed').length,
    diverged: results.filter(({ status }) => status === 'diverged').length,
    failed: failures.length,
    data: Object.fromEntries(results.flatMap(({ data }) => Object.entries(data))),
    computed_by: counts(results.map(({ code }) => code)),
  };
}

function counts(names: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) found[name] = (found[name] ?? 0) + 1;
  return found;
}
