/**
 * Brings a fresh clone to where everything runs: the npm packages, then the best backend this machine can have.
 * Plain Node without dependencies, since it runs before they are there. Idempotent; the second call takes moments.
 * Runs behind `npm start`, `npm test` and `clipbench doctor`, or by itself: node scripts/setup.mjs
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killChildren } from './setup/child.mjs';
import { bringNative } from './setup/native.mjs';
import { bringPackages } from './setup/packages.mjs';
import { downloadProgress } from './setup/progress.mjs';
import { TENSORFLOW, wheelHere } from './setup/wheel.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A set-up that can't go on: `message` is the one line to print, then exit with 2. */
export class SetupError extends Error {}

/**
 * @typedef {{backend: 'native' | 'wasm' | 'cpu', asked: 'auto' | 'native' | 'wasm' | 'cpu', tensorflow: string,
 *   reason?: string, line: string}} Setup `reason` says why native isn't used; `line` is for the user
 * @param {{root?: string, env?: NodeJS.ProcessEnv, wheel?: import('./setup/wheel.mjs').Wheel, retry?: boolean,
 *   output?: NodeJS.WriteStream}} options `retry` tries for native again though it failed lately
 * @returns {Promise<Setup>} also written to node_modules/.clipbench/backend.json
 */
export async function setUp({
  root = ROOT,
  env = process.env,
  wheel = wheelHere(),
  retry = false,
  output = process.stderr,
} = {}) {
  const asked = env.CLIPBENCH_BACKEND || 'auto';
  if (!['auto', 'native', 'wasm', 'cpu'].includes(asked)) {
    throw new SetupError(`CLIPBENCH_BACKEND is "${asked}"; allowed: native, wasm, cpu, or unset for the best there is`);
  }
  const tell = (line) => output.write(`${line}\n`);
  const interrupted = () => {
    killChildren();
    process.exit(130);
  };
  for (const signal of SIGNALS) process.on(signal, interrupted);
  try {
    const why = await bringPackages({ root, env, tell });
    if (why) throw new SetupError(`npm ci failed (${why}), see its output above; check the network and run again`);
    const result =
      asked === 'wasm' || asked === 'cpu'
        ? forced(asked)
        : await best(asked, { root, env, wheel, retry, tell, output });
    record(root, result);
    return result;
  } catch (error) {
    // Errors with a code come from the system, such as a node_modules of another user.
    throw error.code ? new SetupError(`set-up failed: ${error.message}`) : error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
}

function forced(backend) {
  const reason = `CLIPBENCH_BACKEND=${backend}`;
  return { backend, asked: backend, tensorflow: '', reason, line: `backend: ${backend} (${reason})` };
}

async function best(asked, { root, env, wheel, retry, tell, output }) {
  const progress = downloadProgress(output, `downloading TensorFlow ${TENSORFLOW}`);
  const native = await bringNative({ root, env, wheel, tell, progress, retry: retry || asked === 'native' });
  if ('tensorflow' in native) {
    const { tensorflow } = native;
    return { backend: 'native', asked, tensorflow, line: `backend: native (TensorFlow ${tensorflow})` };
  }
  const reason = `${native.why}; ${native.remedy}`;
  if (asked === 'native') {
    throw new SetupError(`CLIPBENCH_BACKEND=native can't be had: ${reason}, or unset CLIPBENCH_BACKEND to run on wasm`);
  }
  const line = `backend: wasm (no native TensorFlow: ${reason}; until then runs are about 1-2x slower and give other bits)`;
  return { backend: 'wasm', asked, tensorflow: '', reason, line };
}

function record(root, { line, ...result }) {
  const folder = join(root, 'node_modules', '.clipbench');
  const path = join(folder, 'backend.json');
  const text = `${JSON.stringify(result)}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return; // node_modules may be read-only by now
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log((await setUp()).line);
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 2;
  }
}
