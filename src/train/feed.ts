/** What a run starts from, and what its steps are fed. */
import { rowSizes } from '../data/examples.ts';
import { stream } from '../engine/random.ts';
import { examplesOf } from '../parts.ts';
import { join } from '../tensors.ts';
import type { Batch, Cell, Engine, HostTensor, HostTensors, Schedule } from '../types.ts';
import type { Assembled } from './assemble.ts';
import { controlInputs } from './controls.ts';
import { labelNoise } from './label-noise.ts';
import { initialState, makeStep } from './step.ts';

/** The run's batches from the first one on. */
export function batchesOf(cell: Cell, { task }: Assembled): (size: number) => Batch {
  const relabel = cell.label_noise === 0 ? undefined : labelNoise(cell.label_noise, task.shape, cell.seed);
  return task.batches(stream('data', cell.seed, examplesOf(cell.task)), relabel);
}

/** Parameters and states at step 0, and the engine that will change them. */
export function begin(cell: Cell, assembled: Assembled, engine: Engine) {
  const { task, model } = assembled;
  const streams = (parameter: string, shape: number[]) => stream('init', cell.seed, parameter, shape);
  const { params, state } = model.init(streams, task.shape);
  const initial = initialState(assembled, params, state);
  const keys = join({ dropout: noiseKey('dropout', cell.seed), noise: noiseKey('noise', cell.seed) });
  return engine.train(assembled.structure, makeStep(assembled), initial, { ...assembled.constants, ...keys });
}

/** 32 bits in two halves, which float32 holds exactly. */
function noiseKey(purpose: string, seed: number): Record<'high' | 'low', number> {
  const { uniform } = stream(purpose, seed);
  const half = () => Math.floor(uniform() * 0x10000);
  return { high: half(), low: half() };
}

/** Of several steps from `first` on, whose batches stand one after the other: an engine can take them over as they are. */
export function inputsOf(
  cell: Cell,
  { task, schedule, fed }: Assembled,
  { size, x, y }: Batch,
  first: number,
): HostTensors[] {
  const { batch_size } = cell;
  const sizes = rowSizes(task.shape);
  return Array.from({ length: size / batch_size }, (_, i) => {
    const part = (values: Float32Array, row: number) =>
      values.subarray(i * batch_size * row, (i + 1) * batch_size * row);
    const numbers = {
      learning_rate: rateAt(cell, schedule, first + i),
      step: first + i,
      ...controlInputs(cell, first + i),
      ...fed(first + i),
    };
    return {
      x: { shape: [batch_size, ...task.shape.input], values: part(x, sizes.x) },
      y: { shape: [batch_size, sizes.y], values: part(y, sizes.y) },
      ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, scalar(value)])),
    };
  });
}

/** The learning rate of a step, in double. */
export function rateAt({ learning_rate, steps }: Cell, schedule: Schedule, step: number): number {
  return learning_rate * schedule(step, steps);
}

function scalar(value: number): HostTensor {
  return { shape: [], values: Float32Array.of(value) };
}
