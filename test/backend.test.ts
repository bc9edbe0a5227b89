/** Backends are chosen once per process, so each case runs in a child of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Run {
  code: number | null;
  out: string;
  err: string;
}

/** Runs module code with `loadBackend` of the checkout at `root`, and `tf`, in scope. */
async function run(code: string, env: Record<string, string> = {}, root = ROOT): Promise<Run> {
  const backend = pathToFileURL(join(root, 'src', 'engine', 'backend.ts')).href;
  const header = `import { loadBackend } from ${JSON.stringify(backend)}; import * as tf from '@tensorflow/tfjs';`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', `${header}${code}`];
  const { CLIPBENCH_BACKEND: _, ...inherited } = process.env;
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...inherited, ...env }, stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

const SHOW = 'console.log(JSON.stringify(await loadBackend()));';
const FAIL = 'await loadBackend().catch((error) => console.log(error.constructor.name, error.message));';
/** Makes the import of one module fail, as on a machine without it. */
const without = (name: string) => {
  const hook = `export const resolve = (name, context, next) => { if (name === '${name}') throw new Error('no ${name} here'); return next(name, context); }`;
  return `(await import('node:module')).register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));`;
};

const setUpFound: { backend: string } = JSON.parse(
  readFileSync(new URL('../node_modules/.clipbench/backend.json', import.meta.url), 'utf8'),
);
const native = { skip: setUpFound.backend === 'native' ? false : 'set-up found no native backend on this machine' };

for (const name of ['native', 'wasm', 'cpu']) {
  test(`${name} loads on demand, computes and prints nothing of its own`, name === 'native' ? native : {}, async () => {
    const compute = 'console.log(tf.getBackend(), (await tf.matMul([[1, 2]], [[3], [4]]).data())[0]);';
    const { out, err, code } = await run(SHOW + compute, { CLIPBENCH_BACKEND: name });
    const [first = '', second] = out.split('\n');
    const backend = JSON.parse(first);
    assert.deepEqual([backend.name, backend.asked, backend.tfjs], [name, name, '4.22.0']);
    assert.match(backend.tensorflow, name === 'native' ? /^\d+\.\d+\.\d+/ : /^$/);
    assert.equal(backend.reason, name === 'native' ? undefined : `CLIPBENCH_BACKEND=${name}`);
    assert.equal(second, `${name === 'native' ? 'tensorflow' : name} 11`);
    assert.equal(err, '');
    assert.equal(code, 0);
  });
}

test('native is chosen first', native, async () => {
  const { out } = await run(SHOW);
  assert.match(out, /"name":"native","asked":"auto"/);
  assert.doesNotMatch(out, /reason/);
});

test('threads and oneDNN are pinned, whatever the process was started with', async () => {
  const env = {
    CLIPBENCH_BACKEND: 'cpu',
    TF_NUM_INTRAOP_THREADS: '4',
    TF_NUM_INTEROP_THREADS: '4',
    TF_ENABLE_ONEDNN_OPTS: '7',
  };
  const show =
    'console.log(["INTRAOP_THREADS", "INTEROP_THREADS"].map((n) => process.env["TF_NUM_" + n]).join(), process.env.TF_ENABLE_ONEDNN_OPTS);';
  assert.equal((await run(`await loadBackend(); ${show}`, env)).out, '1,1 0\n');
  assert.equal((await run(`await loadBackend('fast'); ${show}`, env)).out, '1,-1 1\n');
});

test('one process serves one numerics', async () => {
  const code =
    "await loadBackend('repro'); await loadBackend('repro'); await loadBackend('fast').catch((e) => console.log(e.message));";
  const { out } = await run(code, { CLIPBENCH_BACKEND: 'cpu' });
  assert.match(out, /numerics "repro"; use another process for "fast"/);
});

test('without native, wasm serves and the reason is told', async () => {
  const { out } = await run(without('@tensorflow/tfjs-node') + SHOW);
  const backend = JSON.parse(out);
  assert.deepEqual([backend.name, backend.asked], ['wasm', 'auto']);
  assert.ok(backend.reason);
});

test('a forced backend that cannot be had is a usage error with a remedy', async () => {
  const { out } = await run(without('@tensorflow/tfjs-node') + FAIL, { CLIPBENCH_BACKEND: 'native' });
  assert.match(
    out,
    /^UsageError CLIPBENCH_BACKEND=native can't be had \(native: no @tensorflow\/tfjs-node here\); run `npx clipbench doctor`/,
  );
});

test('another value of CLIPBENCH_BACKEND is a usage error that lists the allowed ones', async () => {
  const { out } = await run(FAIL, { CLIPBENCH_BACKEND: 'gpu' });
  assert.match(out, /^UsageError CLIPBENCH_BACKEND is "gpu"; allowed: native, wasm, cpu, or unset/);
});

test('native is not tried where set-up saw it fail, since loading it could end the process', async () => {
  const clone = mkdtempSync(join(tmpdir(), 'clipbench-backend-test-'));
  try {
    const folder = join(clone, 'node_modules', '.clipbench');
    mkdirSync(folder, { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', '@tensorflow'), join(clone, 'node_modules', '@tensorflow'));
    symlinkSync(join(ROOT, 'node_modules', 'zod'), join(clone, 'node_modules', 'zod'));
    writeFileSync(join(clone, 'package.json'), '{"type": "module"}');
    cpSync(join(ROOT, 'src'), join(clone, 'src'), { recursive: true });
    const found = { backend: 'wasm', asked: 'auto', tensorflow: '', reason: 'killed by SIGILL' };
    writeFileSync(join(folder, 'backend.json'), JSON.stringify(found));
    const { out } = await run(`process.dlopen = () => process.abort(); ${SHOW}`, {}, clone);
    assert.match(out, /"name":"wasm","asked":"auto".*"reason":"killed by SIGILL"/);
  } finally {
    rmSync(clone, { recursive: true });
  }
});
