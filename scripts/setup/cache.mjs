/** The per-user cache of built native backends: complete and checked, or not there. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { ADDON, NAPI } from './addon.mjs';
import { Hindrance } from './hindrance.mjs';
import { sha256, TENSORFLOW } from './wheel.mjs';

/**
 * The cache folder, made if needed (0700: its addon is code that we load). Without a home that can be written,
 * it lies in node_modules, where the next `npm ci` removes it.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export function cacheFolder(root, env) {
  const home = homeFolder(env);
  const user = process.platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
  const base = isAbsolute(env.XDG_CACHE_HOME ?? '') ? env.XDG_CACHE_HOME : home && user;
  for (const folder of [base && join(base, 'clipbench'), join(root, 'node_modules', '.clipbench', 'cache')]) {
    if (!folder) continue;
    try {
      makeFolder(folder);
      if (process.getuid && statSync(folder).uid !== process.getuid()) continue; // what others write we don't load
      chmodSync(folder, 0o700);
      rmSync(mkdtempSync(join(folder, 'try-')), { recursive: true, force: true });
      return folder;
    } catch {
      // not ours to write: the next one
    }
  }
  throw new Hindrance('no folder for the native backend can be written', 'set XDG_CACHE_HOME to one that can');
}

/** Not mkdir's own `recursive`, which never returns below a folder like /proc. */
function makeFolder(path) {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error; // another set-up was quicker
  }
}

function homeFolder(env) {
  try {
    const home = env.HOME ?? homedir();
    return isAbsolute(home) ? home : '';
  } catch {
    return ''; // a user without an entry in the password file
  }
}

/** What makes two builds interchangeable. */
export function buildKey(tfjsNode) {
  return `tfjs-node-${tfjsNode}-tensorflow-${TENSORFLOW}-napi${NAPI}-${process.platform}-${process.arch}`;
}

/** Writes the list by which `checkBuild` knows a whole build; the last step before it is put in place. */
export async function sealBuild(folder, libraries) {
  const files = [ADDON, ...libraries.map((name) => join('deps', 'lib', name))];
  const list = [];
  for (const path of files) {
    list.push({ path, bytes: statSync(join(folder, path)).size, sha256: await sha256(join(folder, path)) });
  }
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify({ files: list }, null, 2)}\n`);
}

/** Reads every byte of a build (0.85 GB, about a second); true when all is as it was sealed. */
export async function checkBuild(folder) {
  try {
    const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    for (const file of files) {
      if (statSync(join(folder, file.path)).size !== file.bytes) return false;
      if ((await sha256(join(folder, file.path))) !== file.sha256) return false;
    }
    return files.length >= 3;
  } catch {
    return false;
  }
}

/** Puts `draft` at `place` in one step, out of the way of what may be there. */
export function placeBuild(draft, place) {
  const old = `${draft}.old`;
  if (existsSync(place)) renameSync(place, old);
  renameSync(draft, place);
  rmSync(old, { recursive: true, force: true });
}

/** Removes what killed set-ups left; call it while holding the cache's lock. */
export function sweep(cache) {
  for (const name of readdirSync(cache)) {
    if (/^(draft|download|try)-/.test(name)) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

/** Links a build into tfjs-node's folder, so that `npm ci` removes the links and not the build. */
export function linkBuild(build, tfjsNode) {
  for (const path of [join('deps', 'lib'), dirname(ADDON)]) {
    const link = join(tfjsNode, path);
    mkdirSync(dirname(link), { recursive: true });
    const fresh = `${link}.${process.pid}`;
    rmSync(fresh, { force: true }); // of a killed set-up with our pid
    symlinkSync(join(build, path), fresh);
    if (lstatSync(link, { throwIfNoEntry: false })?.isDirectory()) rmSync(link, { recursive: true });
    renameSync(fresh, link);
  }
}
