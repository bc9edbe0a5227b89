/** Starts measuring processes, one at a time, on a core of its own where the system lets it. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Findings, Order } from './measure.ts';

const child = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Words before a command that keep it on one core: the last one, since systems put what they do themselves on the first. */
export function pinning(): string[] {
  if (process.platform !== 'linux' || !isInstalled('taskset')) return [];
  return ['taskset', '-c', String(availableParallelism() - 1)];
}

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** @throws Error with what the process said, where it didn't come to an end */
export async function measured(order: Order, signal: AbortSignal): Promise<Findings> {
  const [command = process.execPath, ...words] = [
    // Runs of whole experiments spread over cores.
    ...(order.group.variants.some(({ work }) => work.kind === 'run') ? [] : pinning()),
    process.execPath,
    '--import',
    import.meta.resolve('tsx'),
    child,
  ];
  const asked = order.group.backend === 'auto' ? {} : { CLIPBENCH_BACKEND: order.group.backend };
  const running = spawn(command, words, {
    stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: { ...process.env, ...asked },
    signal,
    killSignal: 'SIGKILL',
  });
  let findings: unknown;
  running.on('message', (message) => {
    findings = message;
  });
  const complaints: Buffer[] = [];
  running.stderr?.on('data', (chunk: Buffer) => complaints.push(chunk));
  running.stdin?.on('error', () => {}); // its end says more
  running.stdin?.end(JSON.stringify(order));
  const status = await new Promise<number | string>((resolve, reject) => {
    running.on('error', reject);
    running.on('close', (code, killed) => resolve(code ?? killed ?? 'nothing'));
  });
  if (status === 0) return z.custom<Findings>((found) => found !== undefined).parse(findings);
  const said = Buffer.concat(complaints).toString().trim();
  const error = said.split('\n').findLast((line) => /Error: /.test(line)) ?? said.split('\n').at(-1);
  throw new Error(`a measuring process ended with ${status}: ${error}`);
}
