/** A lock file that survives `kill -9` of its holder: it names the holder, and a dead holder's lock is taken over. */
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** The holder touches its lock every `BEAT` ms; one not touched for `STALE` ms is dead (another machine, a reused pid). */
const BEAT = 5_000;
const STALE = 60_000;

/**
 * Runs `work` while holding the lock at `path`, waiting for another holder to end first. The lock only saves work and
 * output: what is made under it is put in place by a rename, so even a lock lost to a long sleep breaks nothing.
 * @template T
 * @param {string} path
 * @param {(pid: number) => void} waiting called once when another process holds it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, waiting, work) {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), started: Date.now() });
  for (let told = false; !take(path, mine); ) {
    const holder = readHolder(path);
    if (holder && isDead(path, holder)) removeDead(path, holder);
    else if (holder) {
      if (!told) waiting(holder.pid);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const release = () => {
    if (readHolder(path)?.text === mine) rmSync(path, { force: true });
  };
  const beat = setInterval(() => touch(path), BEAT);
  process.on('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.off('exit', release);
    release();
  }
}

function take(path, text) {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when nobody holds the lock; pid 0 while its holder has not written its name yet. */
function readHolder(path) {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
    return { text, ...JSON.parse(text) };
  } catch (error) {
    return error.code === 'ENOENT' ? undefined : { text, pid: 0, host: '' };
  }
}

function isDead(path, holder) {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE) return true;
    if (holder.host === hostname()) process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Of several processes that see the same dead lock one removes it; a fresh lock caught by mistake is put back. */
function removeDead(path, holder) {
  const grave = `${path}.${hostname()}-${process.pid}`;
  try {
    renameSync(path, grave);
    const caught = readFileSync(grave, 'utf8');
    if (caught !== holder.text) take(path, caught);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  rmSync(grave, { force: true });
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // the folder was removed: nothing to keep
  }
}
