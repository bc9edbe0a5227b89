/** Files that come with an installed npm package: there in every installation, and nothing is downloaded. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Reads a file of a package. `path` starts in the folder of what the package's name resolves to. */
export function packagedFile(name: string, ...path: string[]): Buffer {
  return readFileSync(join(dirname(createRequire(import.meta.url).resolve(name)), ...path));
}
