import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { Command } from 'commander';
import { loadBackend } from '../engine/backend.ts';
import { fingerprintId, fingerprintOf } from '../engine/fingerprint.ts';
import { table } from './table.ts';

export function doctor(): Command {
  return new Command('doctor')
    .description('set up what is missing, then show what this machine computes with')
    .option('--json', 'print as JSON')
    .action(async (options: { json?: boolean }) => {
      const backend = await loadBackend();
      const fingerprint = fingerprintOf(backend);
      const facts: Record<string, string | number> = {
        ...fingerprint,
        fingerprint_id: fingerprintId(fingerprint),
        ...(backend.reason && { reason: backend.reason }),
        TF_NUM_INTRAOP_THREADS: process.env.TF_NUM_INTRAOP_THREADS ?? '',
        TF_ENABLE_ONEDNN_OPTS: process.env.TF_ENABLE_ONEDNN_OPTS ?? '',
        node: process.versions.node,
        processor: cpus()[0]?.model ?? 'unknown',
        cores: availableParallelism(),
        memory: `${gigabytes(freemem())} of ${gigabytes(totalmem())} GB free`,
      };
      if (options.json) console.log(JSON.stringify(facts, null, 2));
      else
        console.log(
          table(
            ['what', 'this machine'],
            Object.entries(facts).map(([name, value]) => [name, String(value)]),
          ),
        );
    });
}

function gigabytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
