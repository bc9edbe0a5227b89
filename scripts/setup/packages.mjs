/** The npm packages: `npm ci` when node_modules is missing or was made from another package-lock.json. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runChild } from './child.mjs';
import { withLock } from './lock.mjs';

const hashOf = (text) => createHash('sha256').update(text).digest('hex');

/**
 * @param {{root: string, env: NodeJS.ProcessEnv, tell: (line: string) => void}} o
 * @returns {Promise<string>} why `npm ci` failed, or empty
 */
export async function bringPackages({ root, env, tell }) {
  if (isInstalled(root)) return '';
  // `npm ci` empties node_modules, so its lock must lie elsewhere.
  const lock = join(tmpdir(), `clipbench-npm-${process.getuid?.() ?? ''}-${hashOf(root).slice(0, 16)}.lock`);
  return withLock(
    lock,
    (pid) => tell(`waiting for another set-up of this folder (pid ${pid})`),
    async () => {
      if (isInstalled(root)) return '';
      tell('installing the npm packages (npm ci)');
      const npm = npmCommand(env);
      const args = [...npm.args, 'ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
      const done = await runChild(npm.command, args, { env, cwd: root, seconds: 1800, show: true });
      if (!done.ok) return done.why;
      stamp(root);
      return '';
    },
  );
}

/** Under `npm start` the npm that runs us; else the one on PATH. */
function npmCommand(env) {
  const path = env.npm_execpath ?? '';
  return basename(path) === 'npm-cli.js' ? { command: process.execPath, args: [path] } : { command: 'npm', args: [] };
}

const stampPath = (root) => join(root, 'node_modules', '.clipbench', 'package-lock.sha256');

function isInstalled(root) {
  const hidden = join(root, 'node_modules', '.package-lock.json'); // npm writes it last
  if (!existsSync(hidden)) return false;
  const wanted = readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (existsSync(stampPath(root)) && readFileSync(stampPath(root), 'utf8') === hashOf(wanted)) return true;
  if (!holds(JSON.parse(readFileSync(hidden, 'utf8')), JSON.parse(wanted))) return false;
  stamp(root); // the user ran npm ci
  return true;
}

/** Whether npm's record of node_modules has every package of the lockfile; optional ones are of other platforms. */
function holds(installed, wanted) {
  return Object.entries(wanted.packages).every(([path, { version, integrity, optional, devOptional, link }]) => {
    const got = installed.packages?.[path];
    if (path === '' || link || (!got && (optional || devOptional))) return true;
    return got?.version === version && got?.integrity === integrity;
  });
}

function stamp(root) {
  mkdirSync(join(root, 'node_modules', '.clipbench'), { recursive: true });
  writeFileSync(stampPath(root), hashOf(readFileSync(join(root, 'package-lock.json'), 'utf8')));
}
