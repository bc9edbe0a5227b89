#!/usr/bin/env node
/**
 * `npm start`: set-up, then the quickstart and its report. Words after `npm start --` go to `clipbench run`
 * (npm start -- --jobs 1). Where only wasm or cpu can be had, a smaller matrix runs, so that it stays a matter of minutes.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SetupError, setUp } from './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  const { backend, line } = await setUp();
  // `clipbench run` names the backend; this says what is missing for the fast one, and what that costs.
  if (backend !== 'native') console.log(line);
  const name = backend === 'native' ? 'quickstart' : 'quickstart_small';
  const folder = join('results', name);
  // Words given later win, so a folder of one's own has to be reported by hand.
  const words = process.argv.slice(2);
  const ran = await clipbench('run', `experiments/${name}.yaml`, '--out', folder, ...words);
  const own = words.some((word) => word.startsWith('--out'));
  // 3: some runs failed; the report shows the others and says so.
  const reported = !own && (ran === 0 || ran === 3) ? await clipbench('report', folder) : 0;
  if (!own && (ran === 0 || ran === 3) && reported === 0) {
    console.log(`\nopen ${pathToFileURL(join(root, folder, 'report.html'))}`);
  }
  process.exitCode = ran || reported;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

/** Ends when the command has ended, also after Ctrl-C: the command gets it too, and finishes what it has in hand. */
function clipbench(...words) {
  const child = spawn(process.execPath, [join(root, 'scripts/clipbench.mjs'), ...words], {
    cwd: root,
    stdio: 'inherit',
  });
  const stay = () => {};
  const pass = () => child.kill('SIGTERM');
  process.on('SIGINT', stay);
  process.on('SIGTERM', pass);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      process.off('SIGINT', stay);
      process.off('SIGTERM', pass);
      resolve(code ?? 130);
    });
  });
}
