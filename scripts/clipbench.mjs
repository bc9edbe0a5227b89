#!/usr/bin/env node
/** The `clipbench` command. Plain JavaScript, since Node 20 can't run TypeScript by itself; all it does is in src/cli/. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SetupError, setUp } from './setup.mjs';

const verb = process.argv.slice(2).find((word) => !word.startsWith('-'));

try {
  if (verb === 'doctor') await setUp({ retry: true });
  else if (!existsSync(new URL('../node_modules/.clipbench', import.meta.url))) {
    const root = fileURLToPath(new URL('..', import.meta.url));
    throw new SetupError(`clipbench is not set up yet; run \`npm start\` or \`npx clipbench doctor\` in ${root}`);
  }
  const { register } = await import('tsx/esm/api');
  register();
  await import('../src/cli/main.ts');
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
