/** A compiled step that is loaded: its state stays in TensorFlow between calls. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor, HostTensors } from '../../types.ts';
import { FLOAT, native } from './binding.ts';
import { savedModel } from './graph.ts';
import type { Recording } from './record.ts';

export interface Session {
  /** One call; the values of the output. */
  call(inputs: HostTensors): Float32Array;
  /** Replaces what is held. */
  write(held: HostTensors): void;
  /** Copies out what is held under these names. */
  read(wanted: (name: string) => boolean): HostTensors;
  /** What the numbers of the output are. */
  labels: string[];
  dispose(): void;
}

export function openSession(recording: Recording): Session {
  const { binding } = native();
  const { model, names } = savedModel(recording);
  const id = load(model);
  const [feeds = '', initials = ''] = [names.feeds, names.initials].map((list) => list.join(','));
  /** The handles made for a call are given back, also when it fails. */
  const run = (fed: HostTensor[], at: string, fetched: string): (Float32Array | Int32Array | Uint8Array)[] => {
    const ids = fed.map(({ shape, values }) => binding.createTensor(shape, FLOAT, values));
    try {
      return binding.runSavedModel(id, ids, at, fetched).map((made) => {
        const values = binding.tensorDataSync(made.id);
        binding.deleteTensor(made.id);
        return values;
      });
    } finally {
      for (const one of ids) binding.deleteTensor(one);
    }
  };
  return {
    labels: recording.labels,
    call(inputs) {
      const fed = recording.inputs.map(({ name, ref }) => fitting(name, ref.shape, inputs[name]));
      return floats(run(fed, feeds, names.output)[0]);
    },
    write(held) {
      const fed = recording.held.map(({ name, before }) => fitting(name, before.shape, held[name]));
      if (fed.length > 0) run(fed, initials, names.initialize);
    },
    read(wanted) {
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

function fitting(name: string, shape: number[], tensor: HostTensor | undefined): HostTensor {
  if (tensor === undefined) throw new Error(`"${name}" of the step is missing`);
  if (tensor.shape.join() === shape.join()) return tensor;
  throw new Error(`"${name}" has shape [${tensor.shape}]; the step was compiled for [${shape}]`);
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
