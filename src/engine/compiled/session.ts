/** A compiled step that is loaded: its state stays in TensorFlow between calls. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor, HostTensors } from '../../types.ts';
import { FLOAT, native } from './binding.ts';
import type { Form } from './functions.ts';
import { savedModel } from './graph.ts';
import type { Recording } from './record.ts';

export interface Session {
  /** Steps in a row; the values of their outputs, one after the other. */
  call(steps: HostTensors[]): Float32Array;
  /** Replaces what is held. */
  write(held: HostTensors): void;
  /** Copies out what is held under these names. */
  read(wanted: (name: string) => boolean): HostTensors;
  /** What the numbers of the output are. */
  labels: string[];
  dispose(): void;
}

/** With `loop` oneDNN may give other bits than in single steps; `fused` code has bits of its own. */
export function openSession(recording: Recording, form: Form): Session {
  const { binding } = native();
  // How many steps there are is seen from the inputs.
  const loop = form.loop && recording.inputs.length > 0;
  const { model, names } = savedModel(recording, { ...form, loop });
  const id = load(model);
  let lost = false;
  const [feeds = '', initials = ''] = [names.feeds, names.initials].map((list) => list.join(','));
  const sizes = recording.inputs.map(({ ref }) => sizeOf(ref.shape));
  const together = Math.max(1, Math.floor(STACKED / Math.max(1, ...sizes)));
  /** The handles made for a call are given back, also when it fails. */
  const run = (fed: HostTensor[], at: string, fetched: string): (Float32Array | Int32Array | Uint8Array)[] => {
    const ids: number[] = [];
    try {
      for (const { shape, values } of fed) ids.push(binding.createTensor(shape, FLOAT, values));
      const made = binding.runSavedModel(id, [...ids], at, fetched).map((one) => one.id);
      ids.push(...made);
      return made.map((one) => binding.tensorDataSync(one));
    } finally {
      for (const one of ids) binding.deleteTensor(one);
    }
  };
  return {
    labels: recording.labels,
    call(steps) {
      if (lost) throw new Error(LOST);
      const calls = loop
        ? slices(steps, together).map((some) => recording.inputs.map((input) => stacked(input, some)))
        : steps.map((step) => recording.inputs.map((input) => fitting(input.name, input.ref.shape, step[input.name])));
      try {
        return concatenated(calls.map((fed) => floats(run(fed, feeds, names.output)[0])));
      } catch (error) {
        lost = true;
        throw error;
      }
    },
    write(held) {
      const fed = recording.held.map(({ name, before }) => fitting(name, before.shape, held[name]));
      if (fed.length > 0) run(fed, initials, names.initialize);
      lost = false;
    },
    read(wanted) {
      if (lost) throw new Error(LOST);
      const places = [...recording.held.keys()].filter((i) => wanted(recording.held[i]?.name ?? ''));
      const values = places.length === 0 ? [] : run([], '', places.map((i) => names.held[i] ?? '').join(','));
      return Object.fromEntries(
        places.map((place, i) => {
          const { name = '', before = { shape: [] } } = recording.held[place] ?? {};
          return [name, { shape: before.shape, values: floats(values[i]) }];
        }),
      );
    },
    dispose: () => binding.deleteSavedModel(id),
  };
}

const LOST = 'a step failed, and took the state with it; write it anew';

function fitting(name: string, shape: number[], tensor: HostTensor | undefined): HostTensor {
  if (tensor === undefined) throw new Error(`"${name}" of the step is missing`);
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
    throw new Error(`"${name}" has shape [${tensor.shape}]; the step was compiled for [${shape}]`);
  }
  if (tensor.values.length === sizeOf(shape)) return tensor;
  throw new Error(`"${name}" has ${tensor.values.length} values; its shape [${shape}] needs ${sizeOf(shape)}`);
}

/** Numbers of one input that are stacked for one call, at most: copies of much more would cost more than calls. */
const STACKED = 2 ** 20;

/** One input of several steps, with an axis in front. */
function stacked({ name, ref }: Recording['inputs'][number], steps: HostTensors[]): HostTensor {
  const own = steps.map((step) => fitting(name, ref.shape, step[name]).values);
  return { shape: [steps.length, ...ref.shape], values: concatenated(own) };
}

function concatenated(parts: Float32Array[]): Float32Array {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const [first] = parts;
  if (first !== undefined && areAdjacent(parts)) return new Float32Array(first.buffer, first.byteOffset, size);
  const whole = new Float32Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** In memory, one right after the other. */
function areAdjacent(parts: Float32Array[]): boolean {
  return parts.every(({ buffer, byteOffset }, i) => {
    const before = parts[i - 1];
    return before === undefined || (buffer === before.buffer && byteOffset === before.byteOffset + before.byteLength);
  });
}

function slices<T>(list: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

function sizeOf(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function floats(values: Float32Array | Int32Array | Uint8Array | undefined): Float32Array {
  if (values instanceof Float32Array) return values;
  throw new Error('a compiled step returned something that is not float32');
}

/** The addon loads from a folder only, which is gone at once. */
function load(model: Buffer): number {
  const folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), model);
    return native().binding.loadSavedModel(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const FOLDER = 'clipbench-step-';

/** Removes what processes that were killed while they loaded have left. */
export function sweepFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(FOLDER) ? Number.parseInt(name.slice(FOLDER.length), 10) : Number.NaN;
    if (Number.isInteger(pid) && isGone(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
