/** Many processes that go for one lock at the same moment, again and again. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const script = `
import { mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
const { takeLock } = await import(process.env.LOCK);
const { FOLDER: folder, ROUNDS: rounds } = process.env;
const path = folder + '/cells/lock.json';
const stale = JSON.stringify({ pid: 4194303, host: (await import('node:os')).hostname(), started: '', process_start: '', command: '' });
process.send('ready');
process.once('message', async (start) => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let round = 0; round < Number(rounds); round++) {
    const moment = start + round * 30;
    Atomics.wait(pause, 0, 0, Math.max(0, moment - 2 - Date.now()));
    while (Date.now() < moment);
    try {
      takeLock(folder, '');
    } catch (error) {
      if (!error.message.includes('is being written by process')) process.send(round + ': ' + error.message);
      continue;
    }
    try {
      mkdirSync(folder + '/held'); // the second one to get it can't
      Atomics.wait(pause, 0, 0, 5);
      rmdirSync(folder + '/held');
      writeFileSync(path + '.next', stale);
      renameSync(path + '.next', path);
    } catch (error) {
      process.send(round + ': two hold the lock: ' + error.message);
    }
  }
  process.disconnect();
});
`;

/** What went wrong, by round: two that got the lock, or anything but a refusal. */
export async function lockRace(
  folder: string,
  { processes, rounds }: { processes: number; rounds: number },
): Promise<string[]> {
  mkdirSync(join(folder, 'cells'));
  const faults: string[] = [];
  const env = {
    ...process.env,
    FOLDER: folder,
    ROUNDS: String(rounds),
    LOCK: new URL('../../src/run/lock.ts', import.meta.url).href,
  };
  const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', script];
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, words, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const ends = children.map((child) => new Promise((resolve) => child.once('close', resolve)));
  await Promise.all(children.map((child) => new Promise((resolve) => child.once('message', resolve))));
  for (const child of children) {
    child.on('message', (words) => faults.push(String(words)));
    child.send(Date.now() + 100);
  }
  await Promise.all(ends);
  return faults;
}
