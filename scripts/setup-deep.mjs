/**
 * Brings what only the deep tests need: a Chromium for the browser test. Where none can be had it says so and exits
 * with 0, since those tests are then reported as skipped. Run: node scripts/setup-deep.mjs
 */

import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { lastLine, runChild, which } from './setup/child.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * @param {{env?: NodeJS.ProcessEnv, isRoot?: boolean}} options
 * @returns {Promise<{path: string} | {why: string}>} a browser to start
 */
export async function findChromium({ env = process.env, isRoot = process.getuid?.() === 0 } = {}) {
  const asked = env.CHROMIUM && which([env.CHROMIUM], env);
  if (env.CHROMIUM) return asked ? { path: asked } : { why: `CHROMIUM is "${env.CHROMIUM}", which can't be run` };
  const present = which(NAMES, env);
  if (present) return { path: present };
  const apt = which(['apt-get'], env);
  if (!apt) return { why: 'no chromium on PATH; install one or name it in CHROMIUM' };
  if (!isRoot) return { why: 'no chromium on PATH; run: sudo apt-get install chromium' };
  console.error('installing chromium (apt-get)');
  const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, seconds: 900 };
  const updated = await runChild(apt, ['update', '-q'], quiet);
  const installed = await runChild(apt, ['install', '-y', '-q', '--no-install-recommends', 'chromium'], quiet);
  const path = which(NAMES, env);
  if (path) return { path };
  const failed = installed.ok ? updated : installed;
  return {
    why: `apt-get could not install chromium (${lastLine(failed.stderr) || failed.why}); install one or name it in CHROMIUM`,
  };
}

if (process.argv[1] && pathToFileURL(realpathSync(process.argv[1])).href === import.meta.url) {
  const found = await findChromium();
  console.log('path' in found ? `browser: ${found.path}` : `browser: none, its tests will be skipped (${found.why})`);
}
