/** Compiles the addon of tfjs-node from the C++ sources that its npm package ships. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './child.mjs';
import { Hindrance } from './hindrance.mjs';

/** The Node-API version the addon is built for: one binary serves every Node from 18 on. */
export const NAPI = 8;
export const ADDON = join('lib', `napi-v${NAPI}`, 'tfjs_binding.node');

/**
 * @param {{compiler: string, root: string, headers: string, folder: string, libraries: string[], env: NodeJS.ProcessEnv}} o
 *   `folder` holds deps/lib with the libraries, and gets the addon beside it, the layout tfjs-node looks for
 */
export async function compileAddon({ compiler, root, headers, folder, libraries, env }) {
  const sources = join(root, 'node_modules', '@tensorflow', 'tfjs-node', 'binding');
  const output = join(folder, ADDON);
  mkdirSync(join(output, '..'), { recursive: true });
  const args = ['-std=c++17', '-O2', '-w', '-shared', '-fPIC', `-DNAPI_VERSION=${NAPI}`];
  args.push(`-I${join(root, 'node_modules', 'node-api-headers', 'include')}`, `-I${headers}`);
  args.push(
    ...readdirSync(sources)
      .filter((name) => name.endsWith('.cc'))
      .map((name) => join(sources, name)),
  );
  args.push('-o', output, ...libraries.map((name) => join(folder, 'deps', 'lib', name)));
  // The addon looks for the libraries beside itself. The Mac's linker must also be told that Node brings napi_*.
  if (process.platform === 'darwin')
    args.push('-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path/../../deps/lib');
  else args.push('-Wl,-rpath,$ORIGIN/../../deps/lib');
  const built = await runChild(compiler, args, { env, seconds: 600 });
  if (built.ok) return;
  // A compiler's first error tells most.
  const error = built.stderr.split('\n').find((line) => line.includes('error')) ?? built.why;
  const remedy = 'install a C++17 compiler (Debian: apt-get install g++; macOS: xcode-select --install)';
  throw new Hindrance(`${compiler} could not compile the addon (${error.trim()})`, remedy);
}
