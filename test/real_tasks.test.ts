import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { readCsv } from '../src/data/csv.ts';
import { digits } from '../src/data/digits.ts';
import { packagedFile } from '../src/data/packaged.ts';
import { packagedText } from '../src/data/packaged_text.ts';
import { scaleOf } from '../src/data/standardize.ts';
import { charactersOf, textWindows } from '../src/data/text.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { stream } from '../src/engine/random.ts';
import { build, examplesOf, find, parts } from '../src/parts.ts';
import { type Batch, type Options, type Split, UsageError } from '../src/types.ts';
import { optionsOf } from './support/choices.ts';
import { temporaryFolder } from './support/clipbench.ts';
import { assertNear, freed } from './support/host.ts';

before(() => loadBackend());

const splits: Split[] = ['train', 'val', 'test'];
const made = (name: string, options: Options = {}) => {
  const part = find(parts.tasks, name);
  return build(part, { name, options: optionsOf(part, options) });
};
const setsOf = (name: string, options: Options = {}) =>
  splits.map((split) => made(name, options).split(split, stream('unused')));
const rowOf = ({ x, size }: Batch, row: number) => x.subarray((row * x.length) / size, ((row + 1) * x.length) / size);
const sha = (...arrays: Float32Array[]) => {
  const hash = createHash('sha256');
  for (const array of arrays) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return hash.digest('hex').slice(0, 16);
};

// Digits

test('a stride takes every so many pixels of a digit in both directions, in all three layouts', () => {
  const image = digits().splits.train.x.subarray(0, 784);
  const wanted = [0, 4, 8, 12, 16, 20, 24].flatMap((row) =>
    [0, 4, 8, 12, 16, 20, 24].map((column) => image[28 * row + column]),
  );
  const shapes = { mnist: [7, 7, 1], row_mnist: [7, 7], pixel_mnist: [49, 1] };
  for (const [name, input] of Object.entries(shapes)) {
    const task = made(name, { stride: 4 });
    assert.deepEqual(task.shape, { input, output: 10 });
    const train = task.split('train', stream('unused'));
    assert.deepEqual([...rowOf(train, 0)], wanted);
    assert.deepEqual(train.y, made(name).split('train', stream('unused')).y);
  }
  assert.deepEqual(made('mnist', { stride: 3 }).shape.input, [10, 10, 1], 'a last part that is not whole counts');
});

test('without a stride, and whatever its metric, a digit task has the streams of earlier days', () => {
  for (const name of ['mnist', 'row_mnist', 'pixel_mnist']) {
    for (const metric of ['accuracy', 'error']) {
      const task = { name, options: optionsOf(find(parts.tasks, name), { metric }) };
      assert.deepEqual(examplesOf(task), { name, options: {} });
    }
  }
  assert.deepEqual(made('pixel_mnist').shape.input, [784, 1]);
});

// Penguins

/** Animals as the package has them, by what is known of each. */
const animals = z
  .array(z.record(z.string(), z.union([z.string(), z.number(), z.null()])))
  .parse(JSON.parse(String(packagedFile('vega-datasets', '..', 'data', 'penguins.json'))));

test('the penguins are the 333 of which all is known, each in one split, with the same share of each species', () => {
  const complete = animals.filter((animal) => Object.values(animal).every((value) => value !== null && value !== '.'));
  assert.deepEqual([animals.length, complete.length], [344, 333]);
  const sets = setsOf('penguins');
  assert.deepEqual(
    sets.map(({ size }) => size),
    [233, 50, 50],
  );
  const counts = sets.map(({ y }) =>
    [0, 1, 2].map((kind) => y.filter((value, i) => i % 3 === kind && value === 1).length),
  );
  // Of 146 Adelie, 68 Chinstrap and 119 Gentoo.
  assert.deepEqual(counts, [
    [102, 48, 83],
    [22, 10, 18],
    [22, 10, 18],
  ]);
  const rows = sets.flatMap((set) => Array.from({ length: set.size }, (_, row) => rowOf(set, row).join()));
  // No two animals have the same four measurements.
  assert.equal(new Set(rows).size, 333);
});

test('penguins have their island and sex one-hot, each with its own species', () => {
  const [kinds, species] = [
    ['Biscoe', 'Dream', 'Torgersen', 'FEMALE', 'MALE'],
    ['Adelie', 'Chinstrap', 'Gentoo'],
  ];
  const met = setsOf('penguins').flatMap((set) =>
    Array.from({ length: set.size }, (_, row) => {
      const [x, y] = [rowOf(set, row).subarray(4), set.y.subarray(3 * row, 3 * row + 3)];
      assert.ok(x.every((value) => value === 0 || value === 1));
      return [...kinds.filter((_, i) => x[i] === 1), ...species.filter((_, i) => y[i] === 1)].join();
    }),
  );
  const wanted = animals
    .filter(({ Sex }) => Sex === 'MALE' || Sex === 'FEMALE')
    .map(({ Island, Sex, Species }) => [Island, Sex, Species].join());
  assert.deepEqual(met.sort(), wanted.sort());
});

test('penguins are scaled by those in training only', () => {
  const [train, val] = setsOf('penguins');
  assert.ok(train && val);
  for (const column of [0, 1, 2, 3]) {
    const { mean, deviation } = scaleOf(train.x.filter((_, i) => i % 9 === column));
    assertNear(mean, 0, 1e-6);
    assertNear(deviation, 1, 1e-6);
    assert.ok(Math.abs(scaleOf(val.x.filter((_, i) => i % 9 === column)).mean) > 1e-3);
  }
});

// Weather

const weather = () => {
  const { columns, rows } = readCsv('w', String(packagedFile('vega-datasets', '..', 'data', 'seattle-weather.csv')));
  return rows.map(({ values }) => Object.fromEntries(columns.map((name, i) => [name, values[i] ?? ''])));
};

test('a window of weather is days of one split in a row, its target the next day of the same split', () => {
  const length = 14;
  const days = weather();
  const of = (split: Split) =>
    days.filter(
      ({ date = '' }) => ({ train: date < '2014', val: date.startsWith('2014'), test: date >= '2015' })[split],
    );
  const columns = ['temp_max', 'temp_min', 'precipitation', 'wind'];
  const scales = columns.map((column) => scaleOf(of('train').map((day) => Number(day[column]))));
  const scaled = (day: Record<string, string> | undefined, c: number) => {
    const { mean, deviation } = scales[c] ?? scaleOf([]);
    return (Number(day?.[columns[c] ?? '']) - mean) / deviation;
  };
  assertNear(scales[0]?.deviation, 7.3, 0.05, 'as the reference says');
  const task = made('seattle_weather', { length });
  const train = task.batches(stream('every window'))(717);
  const [, val, tested] = splits.map((split) => task.split(split, stream('unused')));
  assert.deepEqual([train.size, val?.size, tested?.size], [717, 351, 351]);
  for (const [split, set] of [
    ['val', val],
    ['test', tested],
  ] as const) {
    assert.ok(set);
    const own = of(split);
    for (let start = 0; start < set.size; start++) {
      const row = rowOf(set, start);
      for (let t = 0; t < length; t++) {
        for (const c of [0, 1, 2, 3]) assertNear(row[4 * t + c], scaled(own[start + t], c), 1e-6);
      }
      assertNear(set.y[start], scaled(own[start + length], 0), 1e-6);
    }
  }
  const own = of('train');
  const targets = Array.from({ length: 717 }, (_, start) => Math.fround(scaled(own[start + length], 0)));
  const ascending = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
  ascending(train.y).forEach((value, i) => {
    assertNear(value, ascending(targets)[i] ?? Number.NaN, 1e-6);
  });
});

test('saying that tomorrow will be as warm as today has a mean squared error of 0.16', () => {
  const [, val, tested] = setsOf('seattle_weather', { length: 1 });
  for (const set of [val, tested]) {
    assert.ok(set);
    const errors = Array.from(set.y, (value, row) => (value - (set.x[4 * row] ?? 0)) ** 2);
    assertNear(errors.reduce((sum, error) => sum + error, 0) / set.size, 0.16, 0.005);
  }
});

// Text

test('a text is cut in three where it stands, in windows that do not overlap, with the next character as target', () => {
  const text = 'abcdefghij'.repeat(10);
  const { shape } = made('char_lm', { length: 4 });
  assert.deepEqual([shape.input, shape.times, shape.target], [[4], 4, 4]);
  assert.equal(shape.output, shape.vocabulary);
  const sets = textWindows('t', charactersOf(text), 4);
  assert.deepEqual(
    splits.map((split) => sets[split].size),
    [19, 2, 2],
  );
  const spelled = (codes: Float32Array) => [...codes].map((code) => 'abcdefghij'[code - 1]).join('');
  assert.equal(spelled(sets.train.x), text.slice(0, 76));
  assert.equal(spelled(sets.train.y), text.slice(1, 77));
  assert.equal(spelled(sets.val.x), text.slice(80, 88));
  assert.equal(spelled(sets.val.y), text.slice(81, 89));
  assert.equal(spelled(sets.test.x), text.slice(90, 98));
});

test('characters are code points, numbered as in training; others are all number 0', () => {
  const { vocabulary, train, val, test: tested } = charactersOf(`${'b😀a\n'.repeat(4)}a?😀é`);
  assert.deepEqual(vocabulary, ['\n', 'a', 'b', '😀']);
  assert.deepEqual([...train], [3, 4, 2, 1, 3, 4, 2, 1, 3, 4, 2, 1, 3, 4, 2, 1]);
  assert.deepEqual([...val, ...tested], [2, 0, 4, 0]);
});

test('a text is read from a path, and one that is too short is refused', (context) => {
  const path = join(temporaryFolder(context), 'mine.txt');
  writeFileSync(path, 'to be or not to be '.repeat(30));
  const task = made('char_lm', { path, length: 10 });
  assert.equal(task.shape.vocabulary, 1 + new Set('to be or not ').size);
  assert.deepEqual(Object.keys(task.data()), [path]);
  assert.deepEqual(
    splits.map((split) => task.split(split, stream('unused')).size),
    [45, 5, 5],
  );
  assert.throws(
    () => made('char_lm', { path, length: 57 }),
    (error) =>
      error instanceof UsageError &&
      /mine\.txt: has 570 characters, of which a tenth has to hold 57/.test(error.message),
  );
});

test('bits per character are the cross-entropy in bits: those of equal chances are log2 of how many there are', () => {
  freed(() => {
    const { shape, loss, metric } = made('char_lm', { length: 3 });
    const target = tf.tensor2d([[1, 2, 3]]);
    const y = tf.zeros<tf.Rank.R2>([1, 3 * shape.output]);
    assertNear(loss(y, target).dataSync()[0], Math.log(shape.output), 1e-6);
    assertNear(metric.perExample(y, target).dataSync()[0], Math.log2(shape.output), 1e-6);
    assert.deepEqual([metric.name, metric.better], ['bits_per_character', 'lower']);
  });
});

test('the text that comes with clipbench is English', () => {
  const { text } = packagedText();
  assert.equal(text.length, 157_092);
  const words = text.toLowerCase().match(/\b[a-z]+\b/g) ?? [];
  const share = (word: string) => words.filter((one) => one === word).length / words.length;
  for (const word of ['the', 'of', 'a', 'is', 'for']) assert.ok(share(word) > 0.005, word);
});

// All. The hashes of weather and text were computed a second time in numpy, from the packages' files alone.

test('the data are the bytes they were when results were first recorded', () => {
  assert.deepEqual(made('penguins').data(), {
    'npm vega-datasets 3.2.1, penguins.json': '0facf769609f1205b82cbceb8238c36af3e6147a0ca0e163902cc6281ce3e917',
  });
  assert.deepEqual(made('seattle_weather').data(), {
    'npm vega-datasets 3.2.1, seattle-weather.csv': '0845078a290b48e3149ab8639966824110a251db4e06fc144c06ebb534af23be',
  });
  assert.deepEqual(made('char_lm').data(), {
    'npm vega-lite 6.4.3, descriptions': 'af764180729d9aa96526a1c0d546c853800675bcba0090307dccff1e7898fa90',
  });
  const hashes = ['penguins', 'seattle_weather', 'char_lm'].map((name) =>
    sha(...setsOf(name).flatMap(({ x, y }) => [x, y])),
  );
  assert.deepEqual(hashes, ['793e790c7ddfddd8', 'e263f010426997fe', '00f328f054d7b9df']);
});
