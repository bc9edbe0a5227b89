/** Does stored runs again, in a folder of its own, and compares bit for bit. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseCanonical } from '../canonical.ts';
import { type Fingerprint, fingerprintId } from '../engine/fingerprint.ts';
import { idOf, NUMERICS_VERSION } from '../matrix/identity.ts';
import { type Cell, UsageError } from '../types.ts';
import { putAside } from './aside.ts';
import { firstDifference } from './difference.ts';
import { inventory } from './inventory.ts';
import { readManifest } from './manifest-file.ts';
import { cellSchema } from './messages.ts';
import { planOf } from './plan.ts';
import { type Outcome, runPool } from './pool.ts';
import { codeFacts } from './provenance.ts';
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
  onCell(cell_id: string, difference: string | undefined): void;
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
  const { results } = inventory(folder, plan.cell_ids, scan(folder).stored.get(plan.fingerprint));
  const { whole, altered } = sift(folder, results);
  const chosen = sample(whole, options.share);
  const cells = new Map(chosen.map((record) => [record.cell_id, cellOf(folder, record)]));
  const records = new Map(chosen.map((record) => [record.cell_id, record]));
  const report: VerifyReport = { stored: results.length, equal: 0, different: [], failed: [], altered };

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
        options.onStart({ recorded, environment, same, chosen: cells.size, stored: results.length });
        return own;
      };
      await runPool(begin, {
        ...options,
        folder: scratch,
        numerics,
        code: codeFacts().source,
        // The backend that computed them, whatever is best here.
        env: { CLIPBENCH_BACKEND: String(manifest.fingerprint.backend) },
        retries: 1,
        onOutcome(outcome) {
          const record = records.get(outcome.cell_id);
          if (record === undefined || 'error' in outcome) {
            report.failed.push(outcome);
            return;
          }
          const where = compare(folder, record, scratch, here);
          if (where === undefined) report.equal += 1;
          else report.different.push({ cell_id: outcome.cell_id, where });
          options.onCell(outcome.cell_id, where);
        },
      });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return report;
}

/** Parts the records whose text, and whose cell in it, is what was stored from those where something was altered. */
function sift(folder: string, results: ResultRecord[]): { whole: ResultRecord[]; altered: string[] } {
  const altered: string[] = [];
  const whole = results.filter((record) => {
    const text = readText(folder, record);
    if (text !== undefined && idOf(text.cell.toString().trimEnd()) === record.cell_id) return true;
    altered.push(putAside(folder, record));
    return false;
  });
  return { whole, altered };
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

/** What the new text is compared with is the old one's bytes; where they part is looked for only if they do. */
function compare(folder: string, record: ResultRecord, scratch: string, fingerprint: string): string | undefined {
  const { cell_id } = record;
  const path = textPath(scratch, fingerprint, cell_id);
  const equal = readFileSync(path).equals(readFileSync(textPath(folder, record.fingerprint, cell_id)));
  const stored = equal ? undefined : readText(folder, record);
  const again = equal ? undefined : scan(scratch).stored.get(fingerprint)?.results.get(cell_id);
  const text = again && readText(scratch, again);
  const where = stored && text ? firstDifference(stored, text) : equal ? undefined : 'the stored text is gone';
  rmSync(path);
  return where;
}
