import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import type { Backend } from '../engine/backend.ts';
import { type Fingerprint, fingerprintId, fingerprintOf } from '../engine/fingerprint.ts';
import { codeFacts, machineFacts, versionFacts } from '../run/provenance.ts';
import { table } from './table.ts';

type Facts = Record<string, string | number>;

export function doctor(): Command {
  return new Command('doctor')
    .description('set up what is missing, then show what this machine computes with')
    .option('--json', 'print as JSON')
    .action(async (options: { json?: boolean }) => {
      const { loadBackend } = await import('../engine/backend.ts');
      const { engineNameFor } = await import('../engine/engine.ts');
      const backend = await loadBackend();
      const fingerprint = fingerprintOf(backend, engineNameFor(backend.name, undefined));
      const provenance = { code: codeFacts(), machine: machineFacts(), versions: versionFacts(fingerprint) };
      if (options.json) {
        console.log(JSON.stringify({ ...engineFacts(backend, fingerprint), ...hereFacts(), ...provenance }, null, 2));
        return;
      }
      const groups = {
        fingerprint: engineFacts(backend, fingerprint),
        ...provenance,
        now: { memory: hereFacts().memory },
      };
      console.log(table(['what', 'this machine'], Object.entries(groups).flatMap(rowsOf)));
    });
}

/** The fingerprint, its id, and the settings it was taken under. */
function engineFacts(backend: Backend, fingerprint: Fingerprint): Facts {
  return {
    ...fingerprint,
    fingerprint_id: fingerprintId(fingerprint),
    ...(backend.reason && { reason: backend.reason }),
    TF_NUM_INTRAOP_THREADS: process.env.TF_NUM_INTRAOP_THREADS ?? '',
    TF_ENABLE_ONEDNN_OPTS: process.env.TF_ENABLE_ONEDNN_OPTS ?? '',
  };
}

/** Top-level keys of --json from before it had `machine` and `versions`: scripts read them. */
function hereFacts() {
  return {
    node: process.versions.node,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory: `${gigabytes(freemem())} of ${gigabytes(totalmem())} GB free`,
  };
}

function rowsOf([group, facts]: [string, object]): string[][] {
  const rows = Object.entries(facts).map(([name, value]) => [`  ${name}`, String(value)]);
  return [[group, ''], ...rows];
}

function gigabytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
