/** A Chromium where there is one: set CHROMIUM to its path or put it on PATH. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

function findChromium(): string | undefined {
  const named = process.env.CHROMIUM;
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [...(named === undefined ? [] : [named]), ...onPath].find((path) => existsSync(path));
}

const executablePath = findChromium();

/** As an option of tests: why they are skipped. */
export const skip = executablePath === undefined && 'no Chromium found: set CHROMIUM or install the chromium package';

/** Without network of its own. Undefined where there is none. */
export async function launched(): Promise<Browser | undefined> {
  if (executablePath === undefined) return undefined;
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
