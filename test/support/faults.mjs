/**
 * Loaded before the parent and its workers by NODE_OPTIONS (see faults.ts). Either a worker that is sent a cell with a
 * given seed meets a fault, so many times in all; or the process is stopped at one of its writes to the results folder.
 */
import fs, { appendFileSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const faults = {
  exception: (message) => {
    message.cell.model.name = 'broken';
  },
  exit: () => process.exit(7),
  abort: () => process.abort(),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  hang: () => {
    for (;;);
  },
  memory: () => {
    for (const held = []; ; ) held.push(new Array(100_000).fill(held.length));
  },
};

const { kind, seed, times, marks, who, what, folder } = JSON.parse(process.env.CLIPBENCH_TEST_FAULT ?? '{}');
const role = process.argv[1]?.endsWith('worker.ts') ? 'worker' : 'parent';

// All but the first worker never come up.
if (kind === 'stillborn' && role === 'worker' && !process.argv[2]?.includes('"w1"')) process.exit(9);

if (kind in faults && role === 'worker') {
  process.on('message', (message) => {
    if (message.cell.seed !== seed || readFileSync(marks, 'utf8').length >= times) return;
    appendFileSync(marks, '.');
    process.stderr.write(`the fault "${kind}" is on its way\n`);
    faults[kind](message);
  });
}

// The nth process of its kind is stopped at its nth write. A write of bytes gets half way.
if (kind === 'write' && role === who) {
  const mark = fs.appendFileSync;
  const limit = readFileSync(marks, 'utf8').length + 1;
  let count = 0;
  const stop = (name, path, half) => {
    if (name === 'mkdirSync' && fs.existsSync(path)) return; // does nothing
    count += 1;
    if (count < limit) return;
    if (count === limit) {
      mark(marks, '.');
      if (half) half();
    }
    if (what === 'kill') {
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    }
    if (name === 'rmSync' || name === 'ftruncateSync') return; // a full disk lets go
    const syscall = name.replace('Sync', '');
    // As Node says it: a write has no path.
    const place = typeof path === 'string' && !/^write|^append/.test(name) ? { path } : {};
    const words = `ENOSPC: no space left on device, ${syscall}`;
    throw Object.assign(new Error(words), { code: 'ENOSPC', errno: -28, syscall, ...place });
  };
  const own = new Set();
  for (const name of ['mkdirSync', 'openSync', 'writeFileSync', 'appendFileSync', 'renameSync', 'linkSync', 'rmSync']) {
    const call = fs[name];
    fs[name] = (path, ...rest) => {
      const writes = String(path).startsWith(folder) && !(name === 'openSync' && (rest[0] ?? 'r') === 'r');
      const bytes = name === 'writeFileSync' || name === 'appendFileSync';
      if (writes) stop(name, path, bytes && (() => call(path, rest[0].slice(0, rest[0].length / 2))));
      const result = call(path, ...rest);
      if (name === 'openSync' && writes) own.add(result);
      else if (name === 'openSync') own.delete(result);
      return result;
    };
  }
  for (const name of ['writeSync', 'ftruncateSync']) {
    const call = fs[name];
    fs[name] = (file, ...rest) => {
      const [body, start = 0] = rest;
      if (own.has(file))
        stop(
          name,
          file,
          name === 'writeSync' && (() => call(file, body, start, Math.floor((body.length - start) / 2))),
        );
      return call(file, ...rest);
    };
  }
  syncBuiltinESMExports();
}
