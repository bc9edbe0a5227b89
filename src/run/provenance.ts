/** Where results come from: the code, the machine and the versions. Says which, and never decides what is computed. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { arch, availableParallelism, cpus, hostname, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Fingerprint, vectorFlags } from '../engine/fingerprint.ts';
import type { Code, Manifest } from '../manifest.ts';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

/** @param root folder of the package, which holds src/ and package-lock.json */
export function codeFacts(root: string = packageRoot): Code {
  return {
    source: hashOf(join(root, 'src'), sourceFiles(join(root, 'src'))).slice(0, 16),
    lockfile_sha256: contentHash(join(root, 'package-lock.json')),
    ...checkoutFacts(root),
  };
}

export function machineFacts(): Manifest['machine'] {
  return {
    host: hostname(),
    os: `${platform()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gb: Math.round((10 * totalmem()) / 2 ** 30) / 10,
    vector: vectorFlags(),
  };
}

export function versionFacts({ tfjs, tensorflow }: Fingerprint): Manifest['versions'] {
  const packageFile = z.object({ version: z.string() });
  return {
    clipbench: packageFile.parse(JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))).version,
    node: process.versions.node,
    v8: process.versions.v8,
    ...(tfjs !== undefined && { tfjs: String(tfjs) }),
    ...(tensorflow !== undefined && { tensorflow: String(tensorflow) }),
  };
}

/** Paths in a folder, with `/` everywhere, so that the same code has the same hash on every system. */
function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .flatMap((entry) => {
      if (entry.isDirectory()) return sourceFiles(join(folder, entry.name)).map((path) => `${entry.name}/${path}`);
      return entry.isFile() && /\.(ts|json)$/.test(entry.name) ? [entry.name] : [];
    });
}

/** Nothing where git can't tell: it isn't installed, this isn't a checkout, or only a folder in one of something else. */
function checkoutFacts(root: string): Pick<Code, 'commit' | 'dirty'> {
  try {
    // The first line is the way from the checkout's top to here: empty, or this is a folder inside another project.
    const commit = /^\n([0-9a-f]+)\n$/.exec(git(root, 'rev-parse', '--show-prefix', 'HEAD'))?.[1];
    if (commit === undefined) return {};
    const changed = changedFiles(root);
    return { commit, ...(changed.length > 0 && { dirty: hashOf(root, changed) }) };
  } catch {
    return {};
  }
}

/** What differs from the commit, staged or not, deleted and untracked files included. Results are no code. */
function changedFiles(root: string): string[] {
  const how = ['--porcelain=v1', '-z', '--no-renames', '--untracked-files=all'];
  const lines = git(root, 'status', ...how, '--', '.', ':(exclude)results').split('\0');
  // Two letters for the kind of change, a space, the path.
  return lines.filter((line) => line !== '').map((line) => line.slice(3));
}

/** A hook of git runs with paths set, where git would look instead; and looking must not lock others out. */
const gitEnvironment = {
  GIT_DIR: undefined,
  GIT_WORK_TREE: undefined,
  GIT_INDEX_FILE: undefined,
  GIT_OPTIONAL_LOCKS: '0',
};

function git(root: string, ...words: string[]): string {
  return execFileSync('git', words, {
    cwd: root,
    env: { ...process.env, ...gitEnvironment },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 30_000,
  });
}

/** One hash over names and contents, in any order given. */
function hashOf(folder: string, names: string[]): string {
  const hash = createHash('sha256');
  for (const name of [...new Set(names)].sort()) hash.update(`${name}\0${contentHash(join(folder, name))}\0`);
  return hash.digest('hex');
}

/** Empty where there is no file, or none that can be read: that it is gone is a difference too. */
function contentHash(path: string): string {
  try {
    const found = lstatSync(path);
    if (found.isSymbolicLink()) return createHash('sha256').update(readlinkSync(path)).digest('hex');
    return found.isFile() ? streamedHash(path) : '';
  } catch {
    return '';
  }
}

/** Piece by piece: an untracked file may be larger than memory. */
function streamedHash(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(2 ** 18);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
