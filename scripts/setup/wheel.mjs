/** libtensorflow out of the official TensorFlow wheel: pinned, fetched by pip, checked, unpacked. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lastLine, runChild } from './child.mjs';
import { Hindrance, NETWORK } from './hindrance.mjs';

export const TENSORFLOW = '2.21.0';

/**
 * One wheel for each kind of machine. Python 3.12 is the wheel's, not the user's: any python3 with pip fetches it.
 * @typedef {{package: string, platform: string, sha256: string, bytes: number, libraries: string[]}} Wheel
 * @type {Record<string, Wheel>}
 */
const WHEELS = {
  'linux-x64': {
    package: 'tensorflow-cpu',
    platform: 'manylinux_2_27_x86_64',
    sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
    bytes: 274_000_871,
    libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  },
  'linux-arm64': {
    package: 'tensorflow',
    platform: 'manylinux_2_27_aarch64',
    sha256: 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
    bytes: 281_946_471,
    libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  },
  // The wheel's contents and hash are checked, but its set-up has not been tried on a Mac.
  'darwin-arm64': {
    package: 'tensorflow',
    platform: 'macosx_12_0_arm64',
    sha256: '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
    bytes: 223_488_205,
    libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
  },
};

/** The wheel for this machine, or undefined where TensorFlow publishes none that serves. */
export function wheelHere() {
  return WHEELS[`${process.platform}-${process.arch}`];
}

/** Bytes that a build needs at its peak: the wheel, and about three times as much unpacked. */
export function bytesNeeded(wheel) {
  return 4.5 * wheel.bytes;
}

/** What the addon's sources include, and nothing else of the wheel's 14,000 files. */
const HEADERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/'];

const UNPACK = `
import sys, zipfile
wheel, folder, *wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    names = [n for n in z.namelist() if n.startswith(tuple(wanted))]
    z.extractall(folder, names)
`;

/** @param {string} path */
export async function sha256(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * Path of the checked wheel in `folder`; one that an interrupted set-up left there is used again.
 * @param {{wheel: Wheel, python: string, folder: string, env: NodeJS.ProcessEnv, progress: import('./progress.mjs').Progress}} o
 * @returns {Promise<string>}
 */
export async function fetchWheel({ wheel, python, folder, env, progress }) {
  const kept = join(folder, `${wheel.package}-${TENSORFLOW}-${wheel.platform}.whl`);
  if (existsSync(kept)) {
    if ((await sha256(kept)) === wheel.sha256) return kept;
    rmSync(kept);
  }
  const temporary = join(folder, `download-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  try {
    const got = await pipDownload({ wheel, python, temporary, env, progress });
    if (!got.ok) {
      const silent = /WARNING: Retrying/.test(got.stderr); // pip's own last line speaks of versions then
      const said = silent ? 'its package index does not answer' : lastLine(got.stderr);
      const detail = got.why.startsWith('exit') ? said : got.why;
      throw new Hindrance(`pip could not download TensorFlow ${TENSORFLOW} (${detail})`, NETWORK);
    }
    const file = readdirSync(temporary).find((name) => name.endsWith('.whl')) ?? '';
    const sum = file && (await sha256(join(temporary, file)));
    if (sum !== wheel.sha256) {
      throw new Hindrance(
        `pip downloaded "${file}" with sha256 ${sum}, not ${wheel.sha256}`,
        "check pip's package index",
      );
    }
    renameSync(join(temporary, file), kept);
    return kept;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** pip writes below `temporary` only, so the largest file there tells how far it is. */
async function pipDownload({ wheel, python, temporary, env, progress }) {
  const args = ['-m', 'pip', 'download', `${wheel.package}==${TENSORFLOW}`, '--no-deps', '--only-binary=:all:'];
  args.push('--python-version', '3.12', '--platform', wheel.platform, '--dest', temporary);
  args.push('--no-cache-dir', '--disable-pip-version-check', '--no-input', '--retries', '2', '--timeout', '20');
  const stalled = new AbortController();
  let seen = 0;
  let moved = Date.now();
  progress.start(wheel.bytes);
  const watch = setInterval(() => {
    const bytes = largestFile(temporary);
    if (bytes > seen) moved = Date.now();
    seen = Math.max(seen, bytes);
    progress.at(seen);
    if (Date.now() - moved > 120_000) stalled.abort('no byte for 120 s');
  }, 250);
  try {
    const childEnv = { ...env, TMPDIR: temporary, PIP_REQUIRE_VIRTUALENV: '0' };
    return await runChild(python, args, { env: childEnv, seconds: 7200, stop: stalled.signal });
  } finally {
    clearInterval(watch);
    progress.end();
  }
}

function largestFile(folder) {
  let largest = 0;
  try {
    for (const entry of readdirSync(folder, { recursive: true })) {
      largest = Math.max(largest, statSync(join(folder, entry), { throwIfNoEntry: false })?.size ?? 0);
    }
  } catch {
    // pip moved a file while we looked
  }
  return largest;
}

/**
 * Unpacks the libraries and headers: `folder`/tensorflow/{libtensorflow_*, include/...}.
 * @param {{wheel: Wheel, path: string, python: string, folder: string, env: NodeJS.ProcessEnv}} o
 */
export async function unpackWheel({ wheel, path, python, folder, env }) {
  const wanted = [...wheel.libraries, ...HEADERS.map((name) => `include/${name}`)].map((name) => `tensorflow/${name}`);
  const done = await runChild(python, ['-c', UNPACK, path, folder, ...wanted], { env });
  if (done.ok) return;
  const why = lastLine(done.stderr) || done.why;
  throw new Hindrance(`the TensorFlow wheel could not be unpacked (${why})`, 'run `npx clipbench doctor` again');
}
