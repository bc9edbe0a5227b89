/** The native backend: an addon that loads, the cached build, a new build, tfjs-node's own installer; in this order. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADDON } from './addon.mjs';
import { build, toolsHere } from './build.mjs';
import { buildKey, cacheFolder, checkBuild, linkBuild } from './cache.mjs';
import { lastLine, runChild } from './child.mjs';
import { Hindrance } from './hindrance.mjs';
import { withLock } from './lock.mjs';

const DAY = 86_400_000;

/**
 * @typedef {{tensorflow: string} | {why: string, remedy: string}} Native the version of libtensorflow, or why not
 * @typedef {{root: string, env: NodeJS.ProcessEnv, wheel?: import('./wheel.mjs').Wheel, retry: boolean,
 *   tell: (line: string) => void, progress: import('./progress.mjs').Progress}} Job
 */

/**
 * Makes the native backend load, or tells why it can't. The outcome is stamped: what stands is not loaded again just
 * to see, and a failure is tried again after a day, when the machine's tools change, or at once with `retry`.
 * @param {Job} job
 * @returns {Promise<Native>}
 */
export async function bringNative(job) {
  const package_ = join(job.root, 'node_modules', '@tensorflow', 'tfjs-node');
  const { version } = JSON.parse(readFileSync(join(package_, 'package.json'), 'utf8'));
  const key = buildKey(version);
  const stampPath = join(job.root, 'node_modules', '.clipbench', 'native.json');
  const stands = { key, node: process.version, files: installedFiles(package_) };
  const tools = toolsHere(job.env);
  const stamp = readStamp(stampPath);
  if (stamp && JSON.stringify(stamp.stands) === JSON.stringify(stands)) {
    if ('tensorflow' in stamp.outcome) return stamp.outcome;
    const sameTools = JSON.stringify(stamp.tools) === JSON.stringify(tools);
    if (!job.retry && sameTools && Date.now() - stamp.time < DAY) return stamp.outcome;
  }
  const outcome = await bring(job, package_, key);
  writeStamp(stampPath, { stands: { ...stands, files: installedFiles(package_) }, tools, time: Date.now(), outcome });
  return outcome;
}

function readStamp(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // none yet
  }
}

function writeStamp(path, stamp) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(stamp));
  renameSync(`${path}.${process.pid}`, path);
}

/** The addon's hash, and size and time of each library: cheap, and changed by whatever replaces them. */
function installedFiles(package_) {
  try {
    const libraries = join(package_, 'deps', 'lib');
    const addon = createHash('sha256')
      .update(readFileSync(join(package_, ADDON)))
      .digest('hex');
    const files = readdirSync(libraries).sort();
    return [
      addon,
      ...files
        .map((name) => [name, statSync(join(libraries, name))])
        .map(([name, { size, mtimeMs }]) => `${name} ${size} ${mtimeMs}`),
    ];
  } catch {
    return []; // not all there
  }
}

/** @returns {Promise<Native>} */
async function bring(job, package_, key) {
  if (installedFiles(package_).length > 0) {
    const present = await probe(job);
    if ('tensorflow' in present) return present;
  }
  try {
    await useBuild(job, package_, key);
    const loaded = await probe(job);
    if ('tensorflow' in loaded) return loaded;
    throw new Hindrance(`the addon was built but does not load: ${loaded.why}`, 'see `npx clipbench doctor`');
  } catch (error) {
    // Errors with a code come from the system: a full disk, a folder that can't be written.
    if (!(error instanceof Hindrance || error.code)) throw error;
    const remedy = error.remedy ?? 'put that right and run `npx clipbench doctor`';
    return (await fromInstaller(job, package_)) ?? { why: error.message, remedy };
  }
}

/** Runs an op in a child process, since a library for another processor ends the process that loads it. */
async function probe({ root, env }) {
  const script = fileURLToPath(new URL('probe.mjs', import.meta.url));
  const quiet = { ...env, TF_CPP_MIN_LOG_LEVEL: '3', TF_ENABLE_ONEDNN_OPTS: '0' };
  const ran = await runChild(process.execPath, [script, root], { env: quiet, seconds: 120 });
  const tensorflow = /^tensorflow (\S+)$/m.exec(ran.stdout)?.[1];
  if (ran.ok && tensorflow) return { tensorflow };
  const error = ran.stderr.split('\n').find((line) => /^\w*Error:/.test(line));
  return { why: ran.why.startsWith('killed') ? ran.why : (error ?? (lastLine(ran.stderr) || ran.why)) };
}

/** Links the per-user cache's build, made first if need be. */
async function useBuild(job, package_, key) {
  const cache = cacheFolder(job.root, job.env);
  const place = join(cache, key);
  const waiting = (pid) => job.tell(`waiting for another set-up (pid ${pid}) that builds the native backend`);
  await withLock(`${place}.lock`, waiting, async () => {
    if (!(await checkBuild(place))) await build(job, cache, place);
  });
  linkBuild(place, package_);
}

/** tfjs-node's own installer downloads a prebuilt addon and an older TensorFlow; undefined when that fails too. */
async function fromInstaller(job, package_) {
  const { root, env, tell } = job;
  const manifest = join(package_, 'package.json');
  const before = readFileSync(manifest);
  const path = [join(root, 'node_modules', '.bin'), dirname(process.execPath), env.PATH ?? ''].join(delimiter);
  const slow = setTimeout(() => tell("trying tfjs-node's own installer"), 3000);
  rmSync(join(package_, dirname(ADDON)), { recursive: true, force: true });
  const child = { env: { ...env, PATH: path }, cwd: package_, seconds: 300 };
  const ran = await runChild(process.execPath, [join('scripts', 'install.js')], child);
  clearTimeout(slow);
  writeFileSync(manifest, before); // the installer edits it, and leaves it so when it fails
  const loaded = ran.ok ? await probe(job) : {};
  return 'tensorflow' in loaded ? loaded : undefined;
}
