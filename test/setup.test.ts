/**
 * scripts/setup.mjs against fakes: a clone whose tfjs-node "loads" when its addon says so, a python3 whose pip
 * "downloads" a small file, a compiler that writes one. Nothing is fetched. Set-up runs as a child, as users run it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const SETUP = new URL('../scripts/setup.mjs', import.meta.url).href;
const scratch = mkdtempSync(join(tmpdir(), 'clipbench-setup-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const WHEEL = 'a small wheel';
const wheel = {
  package: 'tensorflow-cpu',
  platform: 'any',
  sha256: createHash('sha256').update(WHEEL).digest('hex'),
  bytes: WHEEL.length,
  libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
};

const FAKE_TFJS_NODE = `
const { readFileSync } = require('node:fs');
const addon = readFileSync(__dirname + '/lib/napi-v8/tfjs_binding.node', 'utf8');
if (addon !== 'good') throw new Error('the addon is ' + addon);
readFileSync(__dirname + '/deps/lib/libtensorflow_cc.so.2');
exports.tensor1d = exports.scalar = () => ({});
exports.add = () => ({ dataSync: () => [4] });
exports.backend = () => ({ binding: { TF_Version: '2.21.0' } });
`;

/** Notes each call in $LOG, which tests count; \`hang\` stops in the middle of the download. */
const FAKE_PYTHON = `#!${process.execPath}
const { appendFileSync, existsSync, mkdirSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
const log = (what) => appendFileSync(process.env.LOG, what + ' ' + process.pid + '\\n');
if (args[0] === '-c') {
  log('unpack');
  mkdirSync(args[3] + '/tensorflow/include', { recursive: true });
  for (const name of args.slice(4, 6)) writeFileSync(args[3] + '/' + name, name);
} else if (args[2] === 'download') {
  const folder = args[args.indexOf('--dest') + 1];
  writeFileSync(folder + '/half.whl', ${JSON.stringify(WHEEL)}.slice(0, 5));
  log('download');
  if (existsSync(process.env.LOG + '.hang')) setInterval(() => {}, 1000);
  else if (existsSync(process.env.LOG + '.offline')) { console.error('ERROR: no route to host'); process.exit(1); }
  else setTimeout(() => writeFileSync(folder + '/half.whl', ${JSON.stringify(WHEEL)}), 300);
}
`;

const FAKE_COMPILER = `#!${process.execPath}
const { appendFileSync, writeFileSync } = require('node:fs');
appendFileSync(process.env.LOG, 'compile ' + process.pid + '\\n');
writeFileSync(process.argv[process.argv.indexOf('-o') + 1], 'good');
`;

interface Place {
  /** The clone, PATH's only folder, the cache, and where fakes note their calls. */
  root: string;
  bin: string;
  cache: string;
  log: string;
  env: Record<string, string>;
}

function program(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o755 });
}

/** A clone with packages installed, and a machine with \`tools\`. Two clones share a cache when they share \`home\`. */
function clone({ tools = ['python3', 'g++'], home = mkdtempSync(join(scratch, 'home-')) } = {}): Place {
  const root = mkdtempSync(join(scratch, 'clone-'));
  const tfjs = join(root, 'node_modules', '@tensorflow', 'tfjs-node');
  const bin = join(root, 'bin');
  for (const folder of [bin, join(tfjs, 'binding'), join(tfjs, 'scripts')]) mkdirSync(folder, { recursive: true });
  for (const path of ['package.json', 'package-lock.json', join('node_modules', '.package-lock.json')]) {
    writeFileSync(join(root, path), JSON.stringify({ name: 'clone', packages: {} }));
  }
  writeFileSync(join(tfjs, 'package.json'), JSON.stringify({ version: '4.22.0', main: 'index.js' }));
  writeFileSync(join(tfjs, 'index.js'), FAKE_TFJS_NODE);
  writeFileSync(join(tfjs, 'binding', 'a.cc'), '');
  writeFileSync(join(tfjs, 'scripts', 'install.js'), 'process.exit(1)');
  const log = join(root, 'log');
  writeFileSync(log, '');
  for (const tool of tools) addTool(bin, tool);
  return { root, bin, log, cache: join(home, '.cache', 'clipbench'), env: { PATH: bin, HOME: home, LOG: log } };
}

function addTool(bin: string, tool: string): void {
  program(join(bin, tool), tool === 'python3' ? FAKE_PYTHON : FAKE_COMPILER);
}

function start(place: Place, env: Record<string, string> = {}, options = {}): ChildProcess {
  const job = JSON.stringify({ root: place.root, wheel, ...options });
  const code = `
    const { setUp, SetupError } = await import(${JSON.stringify(SETUP)});
    try { console.log(JSON.stringify(await setUp(${job}))); }
    catch (error) { console.log(JSON.stringify({ error: error.message, expected: error instanceof SetupError })); process.exitCode = 2; }`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], { env: { ...place.env, ...env }, stdio: 'pipe' });
}

interface Outcome {
  code: number | null;
  /** What set-up returned, or the error it threw. */
  result: { backend?: string; tensorflow?: string; reason?: string; line?: string; error?: string; expected?: boolean };
  /** What it printed on the way. */
  lines: string[];
}

async function finish(child: ChildProcess): Promise<Outcome> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode, result: JSON.parse(out || '{}'), lines: err.split('\n').filter(Boolean) };
}

const setUp = (place: Place, env: Record<string, string> = {}, options = {}) => finish(start(place, env, options));

/** How often a fake ran. */
function count(place: Place, what: string): number {
  return readFileSync(place.log, 'utf8').split(what).length - 1;
}

function build(place: Place): string {
  const name = readdirSync(place.cache).find((entry) => statSync(join(place.cache, entry)).isDirectory());
  assert.ok(name, 'no build in the cache');
  return join(place.cache, name);
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    assert.ok(Date.now() < end, 'waited 10 s in vain');
    await sleep(20);
  }
}

test('a machine with python3, pip and a compiler gets native, from a cache of its user alone', async () => {
  const place = clone();
  const { result, code, lines } = await setUp(place);
  assert.deepEqual(result, {
    backend: 'native',
    asked: 'auto',
    tensorflow: '2.21.0',
    line: 'backend: native (TensorFlow 2.21.0)',
  });
  assert.equal(code, 0);
  assert.match(lines.join('\n'), /^downloading TensorFlow 2\.21\.0/);
  assert.equal(statSync(place.cache).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(place.cache).length, 1, 'the wheel, drafts and locks are gone');
  const recorded = JSON.parse(readFileSync(join(place.root, 'node_modules', '.clipbench', 'backend.json'), 'utf8'));
  assert.deepEqual(recorded, { backend: 'native', asked: 'auto', tensorflow: '2.21.0' });
});

test('a second set-up starts nothing and prints nothing on the way', async () => {
  const place = clone();
  await setUp(place);
  writeFileSync(place.log, '');
  rmSync(join(place.root, 'node_modules', '@tensorflow', 'tfjs-node', 'index.js')); // would fail if it were loaded
  const { result, lines } = await setUp(place);
  assert.equal(result.backend, 'native');
  assert.deepEqual(lines, []);
  assert.equal(readFileSync(place.log, 'utf8'), '');
});

test('npm ci loses the links only: the next set-up links the cached build again', async () => {
  const place = clone();
  await setUp(place);
  for (const path of ['.clipbench', '@tensorflow/tfjs-node/lib', '@tensorflow/tfjs-node/deps']) {
    rmSync(join(place.root, 'node_modules', path), { recursive: true });
  }
  assert.equal((await setUp(place)).result.backend, 'native');
  assert.equal(count(place, 'download'), 1);
});

test('without python3 and a compiler one line tells what is missing, and wasm serves', async () => {
  const place = clone({ tools: [] });
  const { result, code, lines } = await setUp(place);
  assert.equal(result.backend, 'wasm');
  assert.equal(code, 0);
  assert.deepEqual(lines, []);
  assert.match(
    result.line ?? '',
    /^backend: wasm \(no native TensorFlow: python3 with pip and a C\+\+ compiler are missing; .*slower and give other bits\)$/,
  );
  assert.equal((await setUp(place)).result.reason, result.reason);
});

test('a tool that appears is tried at once', async () => {
  const place = clone({ tools: ['python3'] });
  assert.match((await setUp(place)).result.reason ?? '', /^a C\+\+ compiler is missing/);
  addTool(place.bin, 'g++');
  assert.equal((await setUp(place)).result.backend, 'native');
});

test('a download that failed is tried again on demand, not at every start', async () => {
  const place = clone();
  writeFileSync(`${place.log}.offline`, '');
  const failed = await setUp(place);
  assert.equal(failed.result.backend, 'wasm');
  assert.match(
    failed.result.reason ?? '',
    /^pip could not download TensorFlow 2\.21\.0 \(no route to host\); check the network/,
  );
  await setUp(place);
  assert.equal(count(place, 'download'), 1);
  rmSync(`${place.log}.offline`);
  assert.equal((await setUp(place, {}, { retry: true })).result.backend, 'native');
});

test('a wheel with another hash is refused', async () => {
  const place = clone();
  const { result } = await setUp(place, {}, { wheel: { ...wheel, sha256: '0'.repeat(64) } });
  assert.equal(result.backend, 'wasm');
  assert.match(result.reason ?? '', /with sha256 [0-9a-f]{64}, not 0{64}/);
});

test('without a home that can be written the build lies in node_modules', async () => {
  for (const HOME of ['/dev/null', '/proc', '']) {
    const place = clone();
    assert.equal((await setUp(place, { HOME })).result.backend, 'native');
    assert.ok(existsSync(join(place.root, 'node_modules', '.clipbench', 'cache')));
  }
});

test('CLIPBENCH_BACKEND=wasm and =cpu build nothing', async () => {
  const place = clone();
  for (const backend of ['wasm', 'cpu']) {
    const { result } = await setUp(place, { CLIPBENCH_BACKEND: backend });
    assert.deepEqual([result.backend, result.reason], [backend, `CLIPBENCH_BACKEND=${backend}`]);
  }
  assert.equal(readFileSync(place.log, 'utf8'), '');
});

test('CLIPBENCH_BACKEND=native that cannot be had is an error with a remedy', async () => {
  const { result, code } = await setUp(clone({ tools: [] }), { CLIPBENCH_BACKEND: 'native' });
  assert.equal(code, 2);
  assert.equal(result.expected, true);
  assert.match(result.error ?? '', /^CLIPBENCH_BACKEND=native can't be had: .* missing; .*unset CLIPBENCH_BACKEND/);
});

test('CLIPBENCH_BACKEND with another value is an error that lists the allowed ones', async () => {
  const { result, code } = await setUp(clone(), { CLIPBENCH_BACKEND: 'gpu' });
  assert.equal(code, 2);
  assert.match(result.error ?? '', /"gpu"; allowed: native, wasm, cpu/);
});

test('a changed addon is noticed at once, a changed library when it is linked; both are built anew', async () => {
  const place = clone();
  await setUp(place);
  appendFileSync(join(build(place), 'lib', 'napi-v8', 'tfjs_binding.node'), '!');
  assert.equal((await setUp(place)).result.backend, 'native');
  assert.equal(count(place, 'compile'), 2);
  writeFileSync(join(build(place), 'deps', 'lib', 'libtensorflow_cc.so.2'), 'tensorflow/libtensorflow_cc.so.X');
  rmSync(join(place.root, 'node_modules', '.clipbench'), { recursive: true });
  rmSync(join(place.root, 'node_modules', '@tensorflow', 'tfjs-node', 'deps'), { recursive: true });
  assert.equal((await setUp(place)).result.backend, 'native');
  assert.equal(count(place, 'compile'), 3);
});

test('set-up killed in the middle of the download ends pip and leaves nothing half-made', async () => {
  const place = clone();
  writeFileSync(`${place.log}.hang`, '');
  const child = start(place);
  await until(() => count(place, 'download') === 1);
  child.kill('SIGKILL');
  await once(child, 'close');
  const [, pip] = readFileSync(place.log, 'utf8').trim().split(' ');
  await until(() => !isAlive(Number(pip)));
  assert.ok(readdirSync(place.cache).some((name) => name.startsWith('download-')));
  rmSync(`${place.log}.hang`);
  assert.equal((await setUp(place)).result.backend, 'native');
  assert.equal(readdirSync(place.cache).length, 1);
});

test('Ctrl-C during the download ends pip too and frees the lock', async () => {
  const place = clone();
  writeFileSync(`${place.log}.hang`, '');
  const child = start(place);
  await until(() => count(place, 'download') === 1);
  child.kill('SIGINT');
  await once(child, 'close');
  assert.equal(child.exitCode, 130);
  const [, pip] = readFileSync(place.log, 'utf8').trim().split(' ');
  await until(() => !isAlive(Number(pip)));
  assert.ok(!readdirSync(place.cache).some((name) => name.endsWith('.lock')));
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

test('leftovers of a killed set-up, its lock included, are cleared; its checked wheel is used', async () => {
  const place = clone();
  await setUp(place);
  const key = build(place).split('/').at(-1);
  rmSync(build(place), { recursive: true });
  mkdirSync(join(place.cache, 'draft-killed', 'wheel'), { recursive: true });
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'close');
  writeFileSync(join(place.cache, `${key}.lock`), JSON.stringify({ pid: gone.pid, host: hostname() }));
  writeFileSync(join(place.cache, 'tensorflow-cpu-2.21.0-any.whl'), WHEEL);
  assert.equal((await setUp(place)).result.backend, 'native');
  assert.equal(count(place, 'download'), 1);
  assert.deepEqual(readdirSync(place.cache), [key]);
});

test('two clones set up at once share one download and one build', async () => {
  const first = clone();
  const second = clone({ home: first.env.HOME });
  const outcomes = await Promise.all([setUp(first), setUp(second), setUp(first)]);
  assert.deepEqual(
    outcomes.map(({ result }) => result.backend),
    ['native', 'native', 'native'],
  );
  assert.equal(count(first, 'download') + count(second, 'download'), 1);
  assert.match(outcomes.flatMap(({ lines }) => lines).join('\n'), /waiting for another set-up \(pid \d+\)/);
  assert.equal(readdirSync(first.cache).length, 1);
});

test('npm ci runs when the lockfile changed or node_modules is gone, once for two set-ups', async () => {
  const place = clone();
  const npm = `#!/bin/sh\necho npm $1 >> $LOG\nsleep 0.3 2>/dev/null || /bin/sleep 0.3\n/bin/cp "$PWD/package-lock.json" "$PWD/node_modules/.package-lock.json"\n`;
  program(join(place.bin, 'npm'), npm);
  const changed = {
    name: 'clone',
    packages: { 'node_modules/x': { version: '1.0.0' }, 'node_modules/y': { version: '1.0.0', optional: true } },
  };
  writeFileSync(join(place.root, 'package-lock.json'), JSON.stringify(changed));
  const outcomes = await Promise.all([setUp(place), setUp(place)]);
  assert.deepEqual(
    outcomes.map(({ result }) => result.backend),
    ['native', 'native'],
  );
  assert.equal(count(place, 'npm ci'), 1);
  rmSync(join(place.root, 'node_modules', '.package-lock.json'));
  await setUp(place);
  assert.equal(count(place, 'npm ci'), 2);
});

test('npm ci that fails is an error with a remedy', async () => {
  const place = clone();
  program(join(place.bin, 'npm'), '#!/bin/sh\nexit 7\n');
  rmSync(join(place.root, 'node_modules', '.package-lock.json'));
  const { result, code } = await setUp(place);
  assert.equal(code, 2);
  assert.equal(result.expected, true);
  assert.match(result.error ?? '', /^npm ci failed \(exit code 7\), see its output above; check the network/);
});
