/**
 * Chooses the engine that computes: `native` (libtensorflow through tfjs-node), else `wasm`, else `cpu` (plain
 * JavaScript). Every other file imports `@tensorflow/tfjs` alone and computes on what was loaded here.
 */
import { readFileSync } from 'node:fs';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { type Cell, UsageError } from '../types.ts';
import { overrideCpuKernels } from './cpu.ts';
import { replaceGradients } from './native-gradients.ts';
import { addNativeKernels } from './native-kernels.ts';
import { overrideWasmKernels } from './wasm.ts';

const names = ['native', 'wasm', 'cpu'] as const;
type Name = (typeof names)[number];

export interface Backend {
  name: Name;
  /** What CLIPBENCH_BACKEND asked for. */
  asked: 'auto' | Name;
  /** Version of libtensorflow on native, empty elsewhere: its bits depend on it. */
  tensorflow: string;
  tfjs: string;
  /** Why not native, in one line. */
  reason?: string;
}

type Numerics = Cell['numerics'];
let loaded: { numerics: Numerics; backend: Promise<Backend> } | undefined;

/**
 * Loads a backend for the rest of this process; further calls return the same one. The environment that decides its
 * bits is fixed here, whatever the process was started with, so one process serves one `numerics`.
 */
export async function loadBackend(numerics: Numerics = 'repro'): Promise<Backend> {
  loaded ??= { numerics, backend: choose(numerics) };
  if (loaded.numerics !== numerics) {
    throw new Error(`this process computes with numerics "${loaded.numerics}"; use another process for "${numerics}"`);
  }
  return loaded.backend;
}

async function choose(numerics: Numerics): Promise<Backend> {
  const asked = askedFor(process.env.CLIPBENCH_BACKEND);
  pinEnvironment(numerics);
  tf.enableProdMode(); // no banner, no warnings
  overrideCpuKernels(); // here, since it is there whatever is chosen: tests compare with it
  const known = asked === 'auto' ? whySetUpChoseAnother() : undefined;
  const failures: string[] = known === undefined ? [] : [known];
  const candidates = asked === 'auto' ? names.filter((name) => name !== 'native' || known === undefined) : [asked];
  for (const name of candidates) {
    try {
      const tensorflow = await load[name](numerics);
      await checkOp(name);
      const reason = asked === 'auto' ? failures.join('; ') : name === 'native' ? '' : `CLIPBENCH_BACKEND=${name}`;
      return { name, asked, tensorflow, tfjs: tf.version.tfjs, ...(reason && { reason }) };
    } catch (error) {
      failures.push(`${name}: ${firstLine(error)}`);
    }
  }
  const remedy = 'run `npx clipbench doctor`, or unset CLIPBENCH_BACKEND for the best there is';
  throw new UsageError(`CLIPBENCH_BACKEND=${asked} can't be had (${failures.join('; ')}); ${remedy}`);
}

function askedFor(value: string | undefined): 'auto' | Name {
  if (!value) return 'auto';
  const name = names.find((known) => known === value);
  if (name) return name;
  throw new UsageError(`CLIPBENCH_BACKEND is "${value}"; allowed: ${names.join(', ')}, or unset for the best there is`);
}

/**
 * One thread, since the number of threads changes the bits (and one is the fastest for models of this size). oneDNN is
 * faster but may give an op other bits in another graph: off in `repro`. Of the threads that run operations, -1 means the
 * caller's own, which spares a small step the way to another one, but doesn't flush denormal numbers to 0 as operations
 * that run one by one do: in `fast` only. libtensorflow reads these when it is loaded.
 */
function pinEnvironment(numerics: Numerics): void {
  process.env.TF_NUM_INTRAOP_THREADS = '1';
  process.env.TF_NUM_INTEROP_THREADS = numerics === 'fast' ? '-1' : '1';
  process.env.TF_ENABLE_ONEDNN_OPTS = numerics === 'fast' ? '1' : '0';
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3'; // a user who debugs libtensorflow may ask for more
}

/**
 * Set-up tries native in a child process, which a library for another processor ends. Where that failed it is not
 * tried here, unless asked for.
 */
function whySetUpChoseAnother(): string | undefined {
  try {
    const path = new URL('../../node_modules/.clipbench/backend.json', import.meta.url);
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof found !== 'object' || found === null || !('asked' in found && 'reason' in found)) return undefined;
    return found.asked === 'auto' && typeof found.reason === 'string' ? found.reason : undefined;
  } catch {
    return undefined; // set-up has not run
  }
}

/** tfjs-node calls two functions that Node 23 removed, and Node 22 warns about. */
export function restoreRemoved(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
}

/** Each returns the version of libtensorflow, or an empty string. */
const load: Record<Name, (numerics: Numerics) => Promise<string>> = {
  async native(numerics) {
    restoreRemoved();
    await import('@tensorflow/tfjs-node');
    await use('tensorflow');
    addNativeKernels();
    replaceGradients(numerics);
    return tensorflowVersion(tf.backend());
  },
  async wasm() {
    await import('@tensorflow/tfjs-backend-wasm');
    overrideWasmKernels();
    await use('wasm');
    return '';
  },
  async cpu() {
    await use('cpu');
    return '';
  },
};

/** Without a backend of its own, TensorFlow.js would advertise one when it is first asked for a tensor. */
export function withoutAdvice(): void {
  tf.env().set('PROD', true);
}

async function use(backendName: string): Promise<void> {
  if (!(await tf.setBackend(backendName))) throw new Error(`tfjs could not start its backend "${backendName}"`);
  await tf.ready();
}

function tensorflowVersion(backend: object): string {
  const binding = 'binding' in backend ? backend.binding : undefined;
  if (typeof binding === 'object' && binding !== null && 'TF_Version' in binding) return String(binding.TF_Version);
  throw new Error('tfjs-node does not tell the version of libtensorflow');
}

/** An import proves little: on Node 23+ tfjs-node imports well and every op of it fails. */
async function checkOp(name: Name): Promise<void> {
  const product = tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).add(1));
  const [value] = await product.data();
  product.dispose();
  if (value !== 12) throw new Error(`${name} computes 1*3 + 2*4 + 1 = ${value}`);
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0]?.trim() ?? text;
}
