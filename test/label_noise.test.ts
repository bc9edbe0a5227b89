import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { stream } from '../src/engine/random.ts';
import { build, find, parts } from '../src/parts.ts';
import { labelNoise } from '../src/train/label-noise.ts';
import type { Options, Relabel, TaskShape } from '../src/types.ts';
import { optionsOf } from './support/choices.ts';
import { assertNear } from './support/host.ts';

const one: TaskShape = { input: [1], output: 10 };
const many: TaskShape = { input: [3], output: 7, times: 3, target: 3 };

/** Labels of an example that were 0 before. */
function labelsOf(relabel: Relabel, shape: TaskShape, example: number): number[] {
  if (shape.target !== undefined) {
    const target = new Float32Array(shape.target);
    relabel(example, target);
    return [...target];
  }
  const target = new Float32Array(shape.output);
  target[0] = 1;
  relabel(example, target);
  assert.deepEqual([...target].sort(), [...Array(shape.output - 1).fill(0), 1]);
  return [target.indexOf(1)];
}

for (const shape of [one, many]) {
  test(`an example of ${shape.target ?? 1} labels has the same noise whenever, and in whatever order, it is met`, () => {
    const examples = [0, 1, 2, 3, 1000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
    const fresh = (seed: number) => examples.map((example) => labelsOf(labelNoise(0.5, shape, seed), shape, example));
    const relabel = labelNoise(0.5, shape, 3);
    const forth = examples.map((example) => labelsOf(relabel, shape, example));
    const back = examples.toReversed().map((example) => labelsOf(relabel, shape, example));
    assert.deepEqual([forth, back.reverse()], [fresh(3), fresh(3)]);
    assert.notDeepEqual(fresh(4), fresh(3));
  });

  test(`${shape.target ?? 1} labels of examples near to each other are independent, and uniform where they are wrong`, () => {
    const relabel = labelNoise(0.5, shape, 0);
    const count = 20_000;
    const labels = Array.from({ length: count }, (_, example) => labelsOf(relabel, shape, example)).flat();
    const share = (holds: (label: number, i: number) => boolean) => labels.filter(holds).length / labels.length;
    // Five standard deviations.
    const margin = (p: number) => 5 * Math.sqrt((p * (1 - p)) / labels.length);
    for (let label = 0; label < shape.output; label++) {
      const p = 0.5 / shape.output + (label === 0 ? 0.5 : 0);
      assertNear(
        share((drawn) => drawn === label),
        p,
        margin(p),
      );
    }
    const same = 0.5 + 0.5 / shape.output;
    for (const lag of [1, 2, 3, 64]) {
      assertNear(
        share((drawn, i) => drawn === 0 && labels[(i + lag) % labels.length] === 0),
        same * same,
        2 * margin(same * same),
      );
    }
  });
}

const tasks: [name: string, options: Options][] = [
  ['penguins', {}],
  ['temporal_order', { length: 10 }],
  ['char_lm', { length: 5 }],
];
for (const [name, options] of tasks) {
  test(`${name}: noisy labels are the same however many examples are asked for at once`, () => {
    const part = find(parts.tasks, name);
    const task = build(part, { name, options: optionsOf(part, options) });
    const targets = (sizes: number[]) => {
      const next = task.batches(stream('label noise'), labelNoise(0.5, task.shape, 1));
      return sizes.flatMap((size) => [...next(size).y]);
    };
    const whole = targets([600]);
    assert.deepEqual(targets([1, 99, 300, 200]), whole);
    assert.notDeepEqual([...task.batches(stream('label noise'))(600).y], whole);
  });
}

test('nothing is kept of the examples that were met', () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  const relabel = labelNoise(0.5, one, 0);
  const target = new Float32Array(10);
  const met = (from: number, to: number) => {
    for (let example = from; example < to; example++) relabel(example, target);
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = met(0, 1000);
  const grown = met(1000, 101_000) - before;
  assert.ok(grown < 2 ** 21, `${grown} bytes for 100,000 examples`);
});
