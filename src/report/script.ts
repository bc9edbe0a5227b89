/** The script of the page: `live/` in one piece with Vega, and its hash, by which the page's policy lets it run and nothing else. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Script {
  text: string;
  /** As it stands in a Content-Security-Policy. */
  hash: string;
}

let made: Promise<Script> | undefined;

/** Made once in a process. The same code gives the same bytes. */
export function script(): Promise<Script> {
  made ??= bundled();
  return made;
}

async function bundled(): Promise<Script> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('live/main.ts', import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    platform: 'browser',
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'silent',
  });
  // A closing tag in a string would end the script.
  const text = (outputFiles[0]?.text ?? '').trim().replaceAll('</script', '<\\/script');
  return { text, hash: `sha256-${createHash('sha256').update(text).digest('base64')}` };
}
