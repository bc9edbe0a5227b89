/** Builds the native backend: libtensorflow from its wheel, and the addon of tfjs-node compiled against it. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { compileAddon } from './addon.mjs';
import { placeBuild, sealBuild, sweep } from './cache.mjs';
import { runChild, which } from './child.mjs';
import { Hindrance } from './hindrance.mjs';
import { bytesNeeded, fetchWheel, unpackWheel } from './wheel.mjs';

const PYTHON = ['python3'];
const COMPILERS = ['g++', 'c++', 'clang++'];

/** The tools that a build depends on, as found on PATH: when they change, a failed build is worth another try. */
export function toolsHere(env) {
  return [PYTHON, ['pip3', 'pip'], COMPILERS].map((names) => which(names, env) ?? '');
}

/**
 * Builds at `place` in `cache`, or throws a Hindrance. Call it while holding the cache's lock. All is made in a draft
 * and put in place by one rename, so a set-up killed at any moment leaves no half of a build.
 * @param {{root: string, env: NodeJS.ProcessEnv, wheel?: import('./wheel.mjs').Wheel, tell: (line: string) => void,
 *   progress: import('./progress.mjs').Progress}} job
 * @param {string} cache
 * @param {string} place
 */
export async function build({ root, env, wheel, tell, progress }, cache, place) {
  if (!wheel || isMusl()) {
    const here = `${process.platform}-${process.arch}${isMusl() ? ' with musl' : ''}`;
    throw new Hindrance(
      `TensorFlow publishes no library for ${here}`,
      'use Linux (x64, arm64; glibc) or macOS (arm64)',
    );
  }
  const { python, compiler } = await findTools(env);
  const { bavail, bsize } = statfsSync(cache);
  if (bavail * bsize < bytesNeeded(wheel)) {
    const needed = `${(bytesNeeded(wheel) / 1e9).toFixed(1)} GB`;
    throw new Hindrance(`${cache} has less than ${needed} free`, `free ${needed} there or set XDG_CACHE_HOME`);
  }
  sweep(cache);
  const path = await fetchWheel({ wheel, python, folder: cache, env, progress });
  tell('unpacking TensorFlow and compiling the addon (about 15 s)');
  const draft = mkdtempSync(join(cache, 'draft-'));
  try {
    const unpacked = join(draft, 'wheel');
    await unpackWheel({ wheel, path, python, folder: unpacked, env });
    const folder = join(draft, 'build');
    const libraries = join(folder, 'deps', 'lib');
    mkdirSync(libraries, { recursive: true });
    for (const name of wheel.libraries) renameSync(join(unpacked, 'tensorflow', name), join(libraries, name));
    const headers = join(unpacked, 'tensorflow', 'include');
    await compileAddon({ compiler, root, headers, folder, libraries: wheel.libraries, env });
    await sealBuild(folder, wheel.libraries);
    placeBuild(folder, place);
    rmSync(path, { force: true });
  } finally {
    sweep(cache); // our draft, and what children of a killed set-up went on writing
  }
}

function isMusl() {
  return process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
}

async function findTools(env) {
  const python = which(PYTHON, env);
  const compiler = which(COMPILERS, env);
  const hasPip = python !== undefined && (await runChild(python, ['-m', 'pip', '--version'], { env, seconds: 60 })).ok;
  if (hasPip && compiler) return { python, compiler };
  const wants = [];
  if (!python) wants.push(['python3 with pip', 'python3 python3-pip']);
  else if (!hasPip) wants.push(['pip for python3', 'python3-pip']);
  if (!compiler) wants.push(['a C++ compiler', 'g++']);
  const why = `${wants.map(([what]) => what).join(' and ')} ${wants.length > 1 ? 'are' : 'is'} missing`;
  const mac = `xcode-select --install${hasPip ? '' : ', brew install python'}`;
  const debian = `on Debian: apt-get install ${wants.map(([, packages]) => packages).join(' ')}`;
  throw new Hindrance(why, `${process.platform === 'darwin' ? mac : debian}; then npx clipbench doctor`);
}
