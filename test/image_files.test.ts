import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImageFiles, labelledImages } from '../src/data/image_files.ts';
import { sha256Of } from '../src/data/user_file.ts';
import { build, find, parts } from '../src/parts.ts';
import type { Split, Task } from '../src/types.ts';
import { dataFile, optionsOf } from './support/choices.ts';
import { assertNear } from './support/host.ts';
import { damaged, idx, noise } from './support/idx.ts';
import { momentsOf, never, refusal, splits, written } from './support/loading.ts';

const filesOf = (imagesPath: string, labelsPath: string): ImageFiles => ({
  images: imagesPath,
  images_sha256: sha256Of(imagesPath),
  labels: labelsPath,
  labels_sha256: sha256Of(labelsPath),
});
const bars = () => filesOf(dataFile('bars-images-idx3-ubyte.gz'), dataFile('bars-labels-idx1-ubyte'));

test('labelled images are split, scaled by the training images, and thinned', () => {
  const { shape, load } = labelledImages(bars(), undefined, 1);
  assert.deepEqual(shape, { input: [4, 3, 1], output: 3 });
  const sets = load();
  assert.deepEqual(
    splits.map((split) => sets[split].size),
    [42, 9, 9],
  );
  const { mean, deviation } = momentsOf([...sets.train.x]);
  assertNear(mean, 0, 1e-6);
  assertNear(deviation, 1, 1e-6);
  for (const split of splits) {
    for (let image = 0; image < sets[split].size; image++) {
      // The brightest row is what the label says: 2, 5 and 9 are the classes 0, 1 and 2.
      const rowSums = [0, 1, 2, 3].map((row) =>
        sets[split].x.subarray(12 * image + 3 * row, 12 * image + 3 * row + 3).reduce((sum, pixel) => sum + pixel, 0),
      );
      const kind = rowSums.indexOf(Math.max(...rowSums));
      assert.deepEqual(
        [...sets[split].y.subarray(3 * image, 3 * image + 3)],
        [0, 1, 2].map((k) => Number(k === kind)),
      );
    }
  }
  const half = labelledImages(bars(), undefined, 2);
  assert.deepEqual(half.shape, { input: [2, 2, 1], output: 3 });
  const [x, small] = [sets.train.x, half.load().train.x];
  assert.deepEqual(
    [...small.subarray(0, 8)],
    [0, 2, 6, 8, 12, 14, 18, 20].map((i) => x[i]),
  );
});

test('files for testing are for nothing else', (context) => {
  const few = filesOf(
    written(
      context,
      'images',
      idx(
        [4, 4, 3],
        Array.from({ length: 48 }, (_, i) => 5 * i),
      ),
    ),
    written(context, 'labels', idx([4], [9, 2, 9, 5])),
  );
  const { load } = labelledImages(bars(), few, 1);
  const sets = load();
  assert.deepEqual(
    splits.map((split) => sets[split].size),
    [51, 9, 4],
  );
  assert.deepEqual([...sets.test.y], [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0]);
  assertNear(momentsOf([...sets.train.x]).mean, 0, 1e-6);
  assert.deepEqual(
    [...sets.test.x],
    [...sets.test.x].sort((a, b) => a - b),
    'in their own order',
  );
});

test('files of images and labels are refused that do not belong together', (context) => {
  const labels = written(context, 'labels', idx([2], [2, 5]));
  const own = bars();
  const path = (files: ImageFiles) => refusal(() => labelledImages(files, undefined, 1), labels);
  assert.match(path(filesOf(own.images, labels)), /^FILE: has 2 labels, .* has 60 images; give two files that belong/);
  const two = written(context, 'two', idx([2, 4, 3], new Uint8Array(24)));
  assert.match(path(filesOf(two, labels)), /: has 2 images, which leave none for val; give at least 5/);
  const odd = written(context, 'odd', idx([2], [2, 7]));
  const unknown = refusal(() => labelledImages(own, filesOf(two, odd), 1), odd);
  assert.match(unknown, /^FILE: byte 9: label 7 is not among those of .* \(2, 5, 9\); /);
  const wide = written(context, 'wide', idx([2, 3, 4], new Uint8Array(24)));
  assert.match(
    refusal(() => labelledImages(own, filesOf(wide, labels), 1), wide),
    /^FILE: has images of 3 x 4, .* of 4 x 3/,
  );
  const one = written(context, 'one', idx([2], [3, 3]));
  assert.match(
    refusal(() => labelledImages(filesOf(two, one), undefined, 1), one),
    /^FILE: has no label but 3; /,
  );
});

test('pixels of images are not read to plan', (context) => {
  const path = written(context, 'images.gz', damaged(noise()));
  const part = find(parts.tasks, 'idx_file');
  const options = optionsOf(part, { images: path, labels: dataFile('bars-labels-idx1-ubyte') });
  const task: Task = build(part, { name: 'idx_file', options });
  assert.deepEqual(task.shape.input, [28, 28, 1]);
  const val: Split = 'val';
  assert.match(
    refusal(() => task.split(val, never), path),
    /^FILE: its gzip data is damaged \(Z_DATA_ERROR\)/,
  );
});
