/** Many processes that go for one lock at the same moment, again and again. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const script = `
import fs, { mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const pause = new Int32Array(new SharedArrayBuffer(4));
// Between any two steps the others get their turn.
for (const name of ['readFileSync', 'linkSync', 'renameSync', 'rmSync']) {
  const call = fs[name];
  fs[name] = (...args) => {
    if (String(args[0]).includes('lock.json')) Atomics.wait(pause, 0, 0, Math.random() * 4);
    return call(...args);
  };
}
syncBuiltinESMExports();
const { takeLock } = await import(process.env.LOCK);
const { FOLDER: folder, ROUNDS: rounds } = process.env;
const path = folder + '/cells/lock.json';
const host = (await import('node:os')).hostname();
let taken = 0;
process.send('ready');
process.once('message', async (start) => {
  for (let round = 0; round < Number(rounds); round++) {
    const moment = start + round * 50;
    Atomics.wait(pause, 0, 0, Math.max(0, moment - 2 - Date.now()));
    while (Date.now() < moment);
    let release;
    try {
      release = takeLock(folder, '');
      taken += 1;
    } catch (error) {
      if (!error.message.includes('is being written by process')) process.send(round + ': ' + error.message);
      continue;
    }
    try {
      mkdirSync(folder + '/held'); // the second one to get it can't
      Atomics.wait(pause, 0, 0, 5);
      rmdirSync(folder + '/held');
      if (Math.random() < 0.5) release();
      else {
        // As one that was killed leaves it.
        const started = process.pid + ' ' + round;
        writeFileSync(path + '.next', JSON.stringify({ pid: 4194303, host, started, process_start: '', command: '' }));
        renameSync(path + '.next', path);
      }
    } catch (error) {
      process.send(round + ': two hold the lock: ' + error.message);
    }
  }
  process.send(taken, () => process.disconnect());
});
`;

export interface Race {
  /** Two that held the lock at once, and anything but a refusal, by round. */
  faults: string[];
  /** How often the lock was taken. */
  taken: number;
}

export async function lockRace(
  folder: string,
  { processes, rounds }: { processes: number; rounds: number },
): Promise<Race> {
  mkdirSync(join(folder, 'cells'));
  const race: Race = { faults: [], taken: 0 };
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
    child.on('message', (said) => {
      if (typeof said === 'number') race.taken += said;
      else race.faults.push(String(said));
    });
    child.send(Date.now() + 100);
  }
  await Promise.all(ends);
  return race;
}
