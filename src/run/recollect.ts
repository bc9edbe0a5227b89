/** Collects again what a folder holds, without running anything. */
import { Finding, UsageError } from '../types.ts';
import { putAside } from './aside.ts';
import { collect } from './collect.ts';
import { type Inventory, inventory } from './inventory.ts';
import { takeLock } from './lock.ts';
import { readManifest, tally, writeManifest } from './manifest-file.ts';
import { planOf, readPlan } from './plan.ts';
import { readText, scan, textPath } from './store.ts';

/**
 * @throws UsageError where nothing has run; Finding naming what was altered: it is put aside, so that the next run does it
 * again, and the CSV files stay as they were
 */
export function recollect(folder: string, command: string): Inventory {
  const plan = planOf(folder);
  const manifest = readManifest(folder);
  if (manifest === undefined) {
    throw new UsageError(`${folder}: holds no manifest.json of this version; \`clipbench run ${plan.file}\` writes it`);
  }
  const release = takeLock(folder, command);
  try {
    const found = inventory(folder, plan.cell_ids, scan(folder).stored.get(plan.fingerprint));
    const { files, altered } = collect(folder, found.results, found.failures);
    if (altered.length > 0) {
      const places = altered.map((record) => putAside(folder, record));
      throw new Finding(alteredWords(folder, places, plan.file));
    }
    writeManifest(folder, { ...manifest, ...tally(found), files });
    return found;
  } finally {
    release();
  }
}

/**
 * The CSV files may be as they were collected while what they were collected from is not.
 *
 * @throws Finding naming stored runs that were altered; nothing is moved
 */
export function refuseAltered(folder: string): void {
  const plan = readPlan(folder);
  if (plan === undefined) return; // only the CSV files were kept
  const { results } = inventory(folder, plan.cell_ids, scan(folder).stored.get(plan.fingerprint));
  const altered = results.filter((record) => readText(folder, record) === undefined);
  const places = altered.map(({ fingerprint, cell_id }) => textPath(folder, fingerprint, cell_id));
  if (places.length > 0) throw new Finding(alteredWords(folder, places, plan.file));
}

function alteredWords(folder: string, places: string[], file: string): string {
  const named = places.slice(0, 5).join(', ') + (places.length > 5 ? ', ...' : '');
  const what = places.length === 1 ? '1 stored run was' : `${places.length} stored runs were`;
  return `${folder}: ${what} altered (${named}); \`clipbench run ${file}\` goes on from what is whole`;
}
