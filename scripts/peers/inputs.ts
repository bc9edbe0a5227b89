/** First parameters and batches of every work, the same for all systems, and the folder from which the Python ones read them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stream } from '../../src/engine/random.ts';
import type { HostTensor, HostTensors } from '../../src/types.ts';
import { type Clipping, clippings, shapesOf, type Training, trainings } from './works.ts';

/** Batches, gone through again and again. */
export const BATCHES = 20;
/** Of every work: about what clips every few steps. */
export const MAX_NORM = 1;

export const sizeOf = (shape: number[]) => shape.reduce((product, size) => product * size, 1);

/** Weights of variance 1 / inputs; gains are 1 and biases 0; gradients to be clipped are normal * 0.02. */
export function paramsOf(work: Training | Clipping): HostTensors {
  return Object.fromEntries(
    Object.entries(shapesOf(work)).map(([name, shape]): [string, HostTensor] => {
      const { normal } = stream('peers', work.name, name);
      const scale = 'clip' in work ? 0.02 : 1 / Math.sqrt(sizeOf(shape.slice(0, -1)));
      const one = () => (name.endsWith('/gain') ? 1 : shape.length === 1 ? 0 : normal() * scale);
      return [name, { shape, values: Float32Array.from({ length: sizeOf(shape) }, one) }];
    }),
  );
}

/** The batches of a work. */
export function batchesOf(work: Training): HostTensors[] {
  const { name, task } = work;
  const { x, y } = shapesOfBatch(work);
  const { normal, uniform } = stream('peers', name, 'batches');
  const tokens = (shape: number[]) => () =>
    Float32Array.from({ length: sizeOf(shape) }, () => Math.floor(uniform() * (task.vocabulary ?? 0)));
  const classes = () => {
    const [batch = 0, count = 0] = y;
    const oneHot = new Float32Array(batch * count);
    for (let row = 0; row < batch; row++) oneHot[row * count + Math.floor(uniform() * count)] = 1;
    return oneHot;
  };
  const [makeX, makeY] =
    task.vocabulary === undefined
      ? [() => Float32Array.from({ length: sizeOf(x) }, normal), classes]
      : [tokens(x), tokens(y)];
  return Array.from({ length: BATCHES }, () => ({
    x: { shape: x, values: makeX() },
    y: { shape: y, values: makeY() },
  }));
}

/** x [batch, ...], and y: one-hot classes [batch, classes], or, where x holds tokens, the next ones [batch, times]. */
function shapesOfBatch({ batch, task }: Training): { x: number[]; y: number[] } {
  return { x: [batch, ...task.input], y: [batch, task.target ?? task.output] };
}

/** Thresholds that every gradient exceeds, of the first steps; in each round of batches they are 0.98 of those before. */
export function thresholdsOf({ clip }: Clipping): number[] {
  const first = { value: 0.01, norm: 5, global_norm: 15 }[clip];
  return Array.from({ length: BATCHES }, (_, t) => Math.fround(first * 0.999 ** t));
}

/** WORK.json says what stands where in WORK.bin (float32, little-endian). */
export function writeInputs(folder: string): void {
  for (const work of trainings) {
    const batches = batchesOf(work);
    const shapes = shapesOfBatch(work);
    const stacked = Object.fromEntries(
      (['x', 'y'] as const).map((name) => {
        const own = batches.map((batch) => batch[name]?.values ?? new Float32Array());
        const shape = [BATCHES, ...shapes[name]];
        return [name, { shape, values: Float32Array.from(own.flatMap((values) => [...values])) }];
      }),
    );
    const { name, optimizer, learning_rate } = work;
    write(folder, name, paramsOf(work), stacked, { optimizer, learning_rate, max_norm: MAX_NORM });
  }
  for (const work of clippings) {
    const facts = { optimizer: null, learning_rate: 0, max_norm: 0, thresholds: thresholdsOf(work) };
    write(folder, work.name, paramsOf(work), {}, facts);
  }
}

function write(folder: string, work: string, params: HostTensors, inputs: HostTensors, facts: object): void {
  const all: Float32Array[] = [];
  let offset = 0;
  const place = ([name, { shape, values }]: [string, HostTensor]) => {
    const placed = { name, shape, offset };
    all.push(values);
    offset += values.length;
    return placed;
  };
  const description = {
    work,
    ...facts,
    params: Object.entries(params).map(place),
    inputs: Object.entries(inputs).map(place),
  };
  writeFileSync(join(folder, `${work}.json`), JSON.stringify(description));
  writeFileSync(
    join(folder, `${work}.bin`),
    Buffer.concat(all.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))),
  );
}
