/** Collects again what a folder holds, without running anything; and says when that isn't what was stored. */
import { Finding, UsageError } from '../types.ts';
import { clean, putAside } from './aside.ts';
import { collect } from './collect.ts';
import { type Inventory, inventory } from './inventory.ts';
import { takeLock } from './lock.ts';
import { readManifest, tally, writeManifest } from './manifest-file.ts';
import { planOf, readPlan } from './plan.ts';
import { type Damaged, readText, scan, textPath } from './store.ts';

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
    const { stored, damaged } = scan(folder);
    const found = inventory(folder, plan.cell_ids, stored.get(plan.fingerprint));
    const nothing = { files: {}, altered: found.altered };
    const { files, altered } = found.altered.length > 0 ? nothing : collect(folder, found.results, found.failures);
    const places = [...altered.map((record) => putAside(folder, record)), ...flipped(damaged)];
    if (places.length > 0) {
      clean(folder, damaged);
      throw new Finding(alteredWords(folder, places, plan.file));
    }
    writeManifest(folder, { ...manifest, ...tally(found), files });
    return found;
  } finally {
    release();
  }
}

/** A last line that is cut off is what a kill leaves behind; in other lines someone had a hand. */
export function flipped(damaged: Damaged[]): string[] {
  return damaged.filter(({ torn }) => !torn).map(({ file, line }) => `${file}:${line}`);
}

/**
 * The CSV files may be as they were collected while what they were collected from is not.
 *
 * @throws Finding naming stored runs that were altered; nothing is moved
 */
export function refuseAltered(folder: string): void {
  const plan = readPlan(folder);
  if (plan === undefined) return; // only the CSV files were kept
  const { stored, damaged } = scan(folder);
  const { results, altered } = inventory(folder, plan.cell_ids, stored.get(plan.fingerprint));
  const bad = [...altered, ...results.filter((record) => readText(folder, record) === undefined)];
  const places = bad.map(({ fingerprint, cell_id }) => textPath(folder, fingerprint, cell_id));
  const all = [...places, ...flipped(damaged)];
  if (all.length > 0) throw new Finding(alteredWords(folder, all, plan.file));
}

function alteredWords(folder: string, places: string[], file: string): string {
  const named = places.slice(0, 5).join(', ') + (places.length > 5 ? ', ...' : '');
  const what = places.length === 1 ? '1 stored run was' : `${places.length} stored runs were`;
  return `${folder}: ${what} altered (${named}); \`clipbench run ${file}\` goes on from what is whole`;
}
