/** Does stored runs again, in a folder of its own, and compares bit for bit. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseCanonical } from '../canonical.ts';
import { type Fingerprint, fingerprintId } from '../engine/fingerprint.ts';
import { idOf, NUMERICS_VERSION } from '../matrix/identity.ts';
import { type Cell, engineNames, UsageError } from '../types.ts';
import { putAside } from './aside.ts';
import { firstDifference } from './difference.ts';
import { type Inventory, inventory } from './inventory.ts';
import { takeLock } from './lock.ts';
import { readManifest } from './manifest-file.ts';
import { cellSchema } from './messages.ts';
import { planOf } from './plan.ts';
import { type Outcome, runPool } from './pool.ts';
import { codeFacts } from './provenance.ts';
import { flipped } from './recollect.ts';
import { type ResultRecord, readText, scan, textPath } from './store.ts';
import type { Environment } from './worker-process.ts';

export interface VerifyOptions {
  folder: string;
  /** Share of the runs that is done again, 0 to 1; at least a few are. */
  share: number;
  jobs: number;
  /** Limit of one attempt at a cell, in ms. */
  timeout: number;
  signal: AbortSignal;
  /** Called before the first cell is done. */
  onStart(facts: {
    recorded: Fingerprint;
    environment: Environment;
    same: boolean;
    chosen: number;
    stored: number;
  }): void;
  /** `note` says what is wrong, where something is. */
  onCell(cell_id: string, note: string | undefined): void;
}

export interface VerifyReport {
  stored: number;
  /** Done again and found equal, bit for bit. */
  equal: number;
  different: { cell_id: string; where: string }[];
  /** Could not be done again. */
  failed: Outcome[];
  /** Stored texts that aren't what their records say, and where they are now. */
  altered: string[];
}

/** However small the share. */
const FEWEST = 3;

/** @throws UsageError where nothing is stored, or another version of the arithmetic computed it */
export async function verifyResults(options: VerifyOptions): Promise<VerifyReport> {
  const { folder } = options;
  const plan = planOf(folder);
  const manifest = readManifest(folder);
  if (manifest === undefined) throw new UsageError(`${folder}: holds no manifest.json of this version; run it again`);
  const { stored, damaged } = scan(folder);
  const found = inventory(folder, plan.cell_ids, stored.get(plan.fingerprint));
  if (found.results.length + found.altered.length === 0) {
    throw new UsageError(
      `${folder}: holds no stored run that this version can read; \`clipbench run ${plan.file}\` makes them`,
    );
  }
  const { whole, bad } = sift(folder, found);
  const altered = [...setAside(folder, bad), ...flipped(damaged)];
  const chosen = sample(whole, options.share);
  const cells = new Map(chosen.map((record) => [record.cell_id, cellOf(folder, record)]));
  const records = new Map(chosen.map((record) => [record.cell_id, record]));
  const count = found.results.length + found.altered.length;
  const report: VerifyReport = { stored: count, equal: 0, different: [], failed: [], altered };

  let told = false;
  const scratch = mkdtempSync(join(tmpdir(), 'clipbench-verify-'));
  try {
    for (const numerics of ['repro', 'fast'] as const) {
      const own = new Map([...cells].filter(([, cell]) => cell.numerics === numerics));
      if (own.size === 0 || options.signal.aborted) continue;
      let here = '';
      const begin = (environment: Environment) => {
        here = fingerprintId(environment.fingerprint);
        const recorded = manifest.fingerprint;
        const same = here === plan.fingerprint;
        if (!told) options.onStart({ recorded, environment, same, chosen: cells.size, stored: count });
        told = true;
        return own;
      };
      await runPool(begin, {
        ...options,
        folder: scratch,
        numerics,
        code: codeFacts().source,
        // The backend that computed them, whatever is best here.
        engine: engineNames.find((name) => name === manifest.fingerprint.engine),
        env: { CLIPBENCH_BACKEND: String(manifest.fingerprint.backend) },
        retries: 1,
        onOutcome(outcome) {
          const record = records.get(outcome.cell_id);
          if (record === undefined || 'error' in outcome) {
            report.failed.push(outcome);
            options.onCell(outcome.cell_id, `could not be run again: ${outcome.error?.split('\n', 1)[0]}`);
            return;
          }
          const where = compare(folder, record, {
            scratch,
            fingerprint: here,
            explain: report.different.length < EXPLAINED,
          });
          if (where === undefined) report.equal += 1;
          else report.different.push({ cell_id: outcome.cell_id, where });
          options.onCell(outcome.cell_id, where && `first differs at ${where}`);
        },
      });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return report;
}

/** Parts the records whose text, and whose cell in it, is what was stored from those where something was altered. */
function sift(folder: string, { results, altered }: Inventory): { whole: ResultRecord[]; bad: ResultRecord[] } {
  const isWhole = (record: ResultRecord) => {
    const text = readText(folder, record);
    return text !== undefined && idOf(text.cell.toString().trimEnd()) === record.cell_id;
  };
  const whole = new Set(results.filter(isWhole));
  return { whole: [...whole], bad: [...altered, ...results.filter((record) => !whole.has(record))] };
}

/** Where each is now: still in its place while another process writes in the folder. */
function setAside(folder: string, altered: ResultRecord[]): string[] {
  if (altered.length === 0) return [];
  const place = ({ fingerprint, cell_id }: ResultRecord) => textPath(folder, fingerprint, cell_id);
  let release: () => void;
  try {
    release = takeLock(folder, 'clipbench verify');
  } catch {
    return altered.map(place);
  }
  try {
    return altered.map((record) => putAside(folder, record));
  } finally {
    release();
  }
}

/** Ids are hashes, so those that come first by name are a fair sample, and the same one every time. */
function sample(records: ResultRecord[], share: number): ResultRecord[] {
  const count = Math.min(records.length, Math.max(FEWEST, Math.ceil(share * records.length)));
  const first = new Set([...records].sort((a, b) => (a.cell_id < b.cell_id ? -1 : 1)).slice(0, count));
  return records.filter((record) => first.has(record));
}

function cellOf(folder: string, record: ResultRecord): Cell {
  const stored = z
    .object({ cell: cellSchema, numerics_version: z.int() })
    .parse(parseCanonical(String(readText(folder, record)?.cell)));
  if (stored.numerics_version === NUMERICS_VERSION) return stored.cell;
  throw new UsageError(
    `${folder}: was computed by numerics_version ${stored.numerics_version}, this clipbench has ${NUMERICS_VERSION}, whose arithmetic ` +
      'differs; verify it with the code that manifest.json names, or run it again',
  );
}

/** Differences that are looked into; more are counted. */
const EXPLAINED = 20;

interface Again {
  scratch: string;
  fingerprint: string;
  explain: boolean;
}

/** Undefined where the new text has the old one's bytes, else where they part. */
function compare(folder: string, record: ResultRecord, { scratch, fingerprint, explain }: Again): string | undefined {
  const { cell_id } = record;
  const path = textPath(scratch, fingerprint, cell_id);
  const isEqual = readFileSync(path).equals(readFileSync(textPath(folder, record.fingerprint, cell_id)));
  const where = isEqual || !explain ? undefined : difference(folder, record, scratch, fingerprint);
  rmSync(path);
  return isEqual ? undefined : (where ?? 'not looked into');
}

function difference(folder: string, record: ResultRecord, scratch: string, fingerprint: string): string | undefined {
  const again = scan(scratch).stored.get(fingerprint)?.results.get(record.cell_id);
  const [there, here] = [readText(folder, record), again && readText(scratch, again)];
  return there && here && firstDifference(there, here);
}
