/** What the host does op by op and what TensorFlow does as one graph is the same, for every variant of every strategy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../src/engine/backend.ts';
import { compiledEngine } from '../src/engine/compiled.ts';
import { eager } from '../src/engine/eager.ts';
import { parts } from '../src/parts.ts';
import { group, join } from '../src/tensors.ts';
import type { Engine, HostTensors, Step, Tensors } from '../src/types.ts';
import { variants } from './support/choices.ts';
import { hostTensor, shapesOf, toTensors } from './support/host.ts';
import { transform } from './support/transforms.ts';

const { name: backend, reason = 'another backend was asked for' } = await loadBackend();
const onNative = { skip: backend !== 'native' && `compiling needs the native backend (${reason})` };

const params: HostTensors = {
  w0: hostTensor([3, 4], [1, -2, 3, 0.5, 0, 0, 1e-3, 2, -1, 0.25, 4, -3]),
  w1: hostTensor([2, 2, 3], [0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 1, 2]),
  b: hostTensor([2], [0, 0]),
  scale: hostTensor([], [0.75]),
};
/**
 * Gradients of another size at every step, the last with what isn't finite. `count`: the length of the axis in front, where a
 * strategy takes gradients of several examples or micro-batches.
 */
const gradientsOf = (count?: number) =>
  [1, 1e-30, 1e30, 1e38, 3e-45, 0.01, Number.NaN].map(
    (size): HostTensors =>
      Object.fromEntries(
        Object.entries(params).map(([name, { shape, values }], k) => [
          name,
          hostTensor(
            count === undefined ? shape : [count, ...shape],
            Array.from({ length: values.length * (count ?? 1) }, (_, i) =>
              Number.isNaN(size) && i % 3 > 0 ? i : size * Math.cos(3 * i + 7 * k),
            ),
          ),
        ]),
      ),
  );

for (const part of parts.strategies) {
  const count = part.needs === 'example' || part.needs === 'micro_batch' ? 3 : undefined;
  const ready = variants(part).map((options) => transform(part, options));

  /** All variants side by side: what each made of the gradient is state, so that it can be read. */
  const step: Step = (state, inputs) => {
    const grads = group(inputs, 'grads');
    const weights = group(state, 'params');
    const made = ready.map(({ update }, i) =>
      update(grads, { params: weights, state: group(state, `state${i}`), gradient: weights }),
    );
    const groups: Record<string, Tensors> = { params: weights };
    const infos: Record<string, Record<string, tf.Scalar>> = {};
    made.forEach(({ grads: out, state: next, info = {} }, i) => {
      Object.assign(groups, { [`out${i}`]: out, [`state${i}`]: next });
      infos[`info${i}`] = info;
    });
    // A step has a scalar at least.
    const one = weights.scale?.asScalar();
    return { state: join(groups), scalars: { ...join(infos), ...(one && { one }) } };
  };

  const run = (engine: Engine) => {
    const groups: Record<string, Tensors> = { params: toTensors(params) };
    ready.forEach(({ init }, i) => {
      Object.assign(groups, { [`out${i}`]: toTensors(params), [`state${i}`]: init(toTensors(params), count) });
    });
    const training = engine.train(part.name, step, join(groups), {});
    const seen = gradientsOf(count).map((grads) => {
      const scalars = training.call([join({ grads })]);
      return { scalars, outputs: ready.map((_, i) => [training.read(`out${i}`), training.read(`state${i}`)]) };
    });
    training.dispose();
    return seen;
  };

  test(`${part.name}: every variant has the same bits compiled as op by op`, onNative, () => {
    const engine = compiledEngine('repro', (why) => assert.fail(`fell back: ${why}`));
    const [compiled, expected] = [run(engine), run(eager)];
    engine.dispose();
    expected.forEach((wanted, t) => {
      for (const [out = {}] of wanted.outputs) assert.deepEqual(shapesOf(out), shapesOf(params));
      wanted.outputs.forEach((one, i) => {
        assert.deepEqual(compiled[t]?.outputs[i], one, `step ${t}: ${JSON.stringify(variants(part)[i])}`);
      });
      assert.deepEqual(compiled[t]?.scalars, wanted.scalars, `step ${t}`);
    });
  });
}
