/** What every part has to keep to. The tests run these over the lists of parts, so a new part meets them at once. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mock, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { choosing } from '../../src/lazy.ts';
import { optionsWithRole } from '../../src/parts.ts';
import type { HostTensors, Options, Part, Tensors, TransformPart } from '../../src/types.ts';
import { useBackend } from './backends.ts';
import { variants } from './choices.ts';
import { bitsOf, freed, hostTensor, shapesOf, toHost, toTensors } from './host.ts';
import { type Ready, transform } from './transforms.ts';

export const tensorName = /^[a-z][a-z0-9_./]*$/;

/** The metadata from which tables, schemas and documents are made. */
export function describesItself(part: Part<Options, unknown>, folder: string, list: Part<Options, unknown>[]): void {
  test(`${part.name}: the metadata is complete`, () => {
    assert.match(part.name, /^[a-z][a-z0-9_]*$/);
    const file = new URL(`../../src/${folder}/${part.name}.ts`, import.meta.url);
    assert.ok(existsSync(file), `a part's name is its file's: no ${file.pathname}`);
    assert.equal(list.filter(({ name }) => name === part.name).length, 1, 'the name is taken');
    for (const text of [part.summary, part.equation, part.reference]) assert.notEqual(text, '');
    assert.match(part.summary, /\.$/, 'a summary is a sentence');
    const options = Object.entries(part.options.shape);
    const metas = options.map(([name, schema]) => ({ name, ...z.globalRegistry.get(schema) }));
    for (const { name, role, description } of metas) {
      assert.match(name, /^[a-z][a-z0-9_]*$/);
      assert.ok(role !== undefined, `option ${name} has no role`);
      assert.ok(description, `option ${name} has no description`);
    }
    const thresholds = metas.filter(({ threshold }) => threshold);
    assert.ok(thresholds.length <= 1, 'a part has one threshold at most');
    for (const { role, search } of thresholds) {
      assert.equal(role, 'numeric');
      assert.ok(search && search.min < search.max, 'a threshold says where to search');
    }
    assert.throws(() => part.options.parse({ no_such_option: 1 }), z.ZodError);
  });
}

/** Several tensors, a scalar and an empty-handed (zero) one among them. */
const params: HostTensors = {
  w0: hostTensor(
    [3, 4],
    Array.from({ length: 12 }, (_, i) => Math.sin(i + 1)),
  ),
  b0: hostTensor([4], [0, 0, 0, 0]),
  scale: hostTensor([], [0.75]),
  'cell.u1': hostTensor([2, 1, 3], [0.5, -0.25, 3, -1, 2, 1e-3]),
};
/** In another order of magnitude at each step. `parts`: the length of the axis in front, where gradients have one. */
const gradsAt = (step: number, parts: number[] = []): HostTensors =>
  Object.fromEntries(
    Object.entries(params).map(([name, { shape, values }], k) => [
      name,
      hostTensor(
        [...parts, ...shape],
        Array.from(
          { length: values.length * (parts[0] ?? 1) },
          (_, i) => 10 ** (step - 1) * Math.cos(3 * i + 7 * k + step),
        ),
      ),
    ]),
  );
/** Of gradients as a step gives them to a part. */
const partsOf = ({ needs }: TransformPart): number[] => (needs === 'micro_batch' || needs === 'example' ? [3] : []);

/** The rules of contracts.md for `init` and `update`. */
export function transformConforms(part: TransformPart): void {
  const parts = partsOf(part);
  for (const options of variants(part)) {
    const title = `${part.name} ${JSON.stringify(options)}`;
    const withTransform = (what: string, body: (ready: Ready) => void) =>
      test(`${title}: ${what}`, async () => {
        await useBackend('native'); // or the best there is
        body(transform(part, options));
      });

    withTransform('update changes none of its inputs and says the same twice', ({ init, update }) => {
      freed(() => {
        const [grads, weights] = [toTensors(gradsAt(0, parts)), toTensors(params)];
        const state = init(weights, parts[0]);
        const before = [grads, weights, state].map((tensors) => bitsOf(toHost(tensors)));
        const outputs = [1, 2].map(() => {
          const { grads: out, state: next, info = {}, skip } = update(grads, { params: weights, state });
          return [out, next, info, skip === undefined ? {} : { skip }].map((tensors) => bitsOf(toHost(tensors)));
        });
        assert.deepEqual(outputs[0], outputs[1]);
        const after = [grads, weights, state].map((tensors) => bitsOf(toHost(tensors)));
        assert.deepEqual(after, before);
      });
    });

    withTransform('names, order and shapes stay, of gradients and of state', ({ init, update }) => {
      freed(() => {
        const weights = toTensors(params);
        const initial = init(weights, parts[0]);
        let state = initial;
        for (let step = 0; step < 3; step++) {
          const out = update(toTensors(gradsAt(step, parts)), { params: weights, state, step });
          assert.deepEqual(shapesOf(out.grads), shapesOf(params));
          assert.deepEqual(shapesOf(out.state), shapesOf(initial));
          assert.deepEqual(types(out.state), types(initial));
          for (const name of Object.keys(out.state)) assert.match(name, tensorName);
          state = out.state;
        }
      });
    });

    withTransform('what is reported are scalars with names for CSV', ({ init, update }) => {
      freed(() => {
        const weights = toTensors(params);
        const state = init(weights, parts[0]);
        const { info = {}, skip } = update(toTensors(gradsAt(1, parts)), { params: weights, state });
        for (const [name, scalar] of Object.entries(info)) {
          assert.match(name, /^[a-z][a-z0-9_.]*$/);
          assert.deepEqual(scalar.shape, [], name);
          assert.equal(scalar.dtype, 'float32', name);
        }
        if (skip !== undefined) assert.deepEqual([skip.shape, skip.dtype], [[], 'bool']);
        const fraction = info.clipped_fraction?.dataSync()[0] ?? 0;
        assert.ok(fraction >= 0 && fraction <= 1, `a share of ${fraction}`);
      });
    });

    withTransform('update reads no value of any tensor', ({ init, update }) => {
      freed(() => {
        const weights = toTensors(params);
        const state = init(weights, parts[0]);
        const grads = toTensors(gradsAt(1, parts));
        withoutReads(() => update(grads, { params: weights, state }));
      });
    });

    withTransform('no tensor is left behind', ({ init, update }) => {
      const before = tf.memory().numTensors;
      const [grads, weights] = [toTensors(gradsAt(1, parts)), toTensors(params)];
      const state = init(weights, parts[0]);
      const result = tf.tidy(() => {
        const out = update(grads, { params: weights, state });
        return { grads: out.grads, state: out.state };
      });
      tf.dispose([grads, weights, state, result]);
      assert.equal(tf.memory().numTensors, before);
    });
  }

  test(`${part.name}: numeric options and derived constants are named for a step's inputs`, () => {
    for (const options of variants(part)) {
      const names = [...optionsWithRole(part, 'numeric'), ...Object.keys(part.derive?.(options) ?? {})];
      for (const name of names) assert.match(name, tensorName);
      assert.equal(new Set(names).size, names.length, 'a derived constant has the name of an option');
    }
  });
}

const types = (tensors: Tensors) => Object.values(tensors).map(({ dtype }) => dtype);

/** Throws where `compute` looks at a value: such a step could not be recorded. */
function withoutReads(compute: () => void): void {
  const refuse = () => {
    throw new Error('a value was read');
  };
  const mocks = [
    mock.method(tf.Tensor.prototype, 'dataSync', refuse),
    mock.method(tf.Tensor.prototype, 'data', refuse),
    mock.method(tf.Tensor.prototype, 'arraySync', refuse),
    mock.method(tf.Tensor.prototype, 'array', refuse),
    mock.method(tf.Tensor.prototype, 'bufferSync', refuse),
    mock.method(tf.Tensor.prototype, 'buffer', refuse),
    // Some ops read an argument on the host without going through the tensor; on cpu all of them do.
    ...(tf.getBackend() === 'tensorflow' ? [mock.method(tf.backend(), 'readSync', refuse)] : []),
  ];
  try {
    // What is chosen lazily is chosen by the engine: both sides have to do without reading.
    choosing((_when, yes, no) => {
      assert.equal(yes().length, no.length);
      return no;
    }, compute);
  } finally {
    for (const { mock: mocked } of mocks) mocked.restore();
  }
}
