import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { idxShape, readIdx } from '../src/data/idx.ts';
import { sha256Of } from '../src/data/user_file.ts';
import { damaged, idx, noise } from './support/idx.ts';
import { refusal, written } from './support/loading.ts';

for (const packed of [false, true]) {
  test(`IDX, ${packed ? 'packed by gzip' : 'plain'}: shape and values`, (context) => {
    const bytes = idx([2, 3, 1], [0, 1, 2, 253, 254, 255]);
    const path = written(context, 'images', packed ? gzipSync(bytes) : bytes);
    assert.deepEqual(idxShape(path, 'images'), [2, 3, 1]);
    const { shape, values } = readIdx(path, 'images', sha256Of(path));
    assert.deepEqual(
      [shape, [...values]],
      [
        [2, 3, 1],
        [0, 1, 2, 253, 254, 255],
      ],
    );
  });
}

test('the shape of a packed file is known from its beginning', (context) => {
  const path = written(context, 'images.gz', gzipSync(noise()).subarray(0, 5000));
  assert.deepEqual(idxShape(path, 'images'), [60, 28, 28]);
  assert.match(
    refusal(() => readIdx(path, 'images'), path),
    /^FILE: its gzip data ends too early, after byte 5000; /,
  );
});

const images = idx([2, 1, 2], [1, 2, 3, 4]);
const wrongIdx: [string, Buffer, RegExp][] = [
  ['is empty', Buffer.alloc(0), /^FILE: byte 0: begins with nothing, no IDX file; /],
  [
    'is text',
    Buffer.from('label,pixel'),
    /^FILE: byte 0: begins with 6c616265, no IDX file; images begin with 00000803/,
  ],
  ['holds floats', idx([2, 1, 2], [1, 2, 3, 4], 13), /^FILE: byte 2: values are of type 0d; /],
  [
    'is one of labels',
    idx([4], [1, 2, 3, 4]),
    /^FILE: byte 3: has 1 dimensions, images have 3; is it the file of labels\?$/,
  ],
  ['ends in its header', images.subarray(0, 14), /^FILE: ends after byte 14, within its header; /],
  [
    'ends too early',
    images.subarray(0, 18),
    /^FILE: ends after byte 18 of the 20 that its header announces \(2 x 1 x 2 values\); /,
  ],
  ['goes on', Buffer.concat([images, Buffer.of(0)]), /^FILE: has 21 bytes and not the 20 that its header announces/],
  ['has no image', idx([0, 1, 2], []), /^FILE: byte 4: announces 0 x 1 x 2 values; it takes 1 to \d+/],
  [
    'announces more than memory holds',
    idx([2 ** 32 - 1, 2 ** 20, 2 ** 20], []),
    /^FILE: byte 4: announces 4294967295 x 1048576 x/,
  ],
  [
    'is packed and goes on',
    gzipSync(Buffer.concat([images, Buffer.of(0)])),
    /^FILE: goes on after byte 20 \(unpacked\)/,
  ],
  ['is packed and ends too early', gzipSync(images.subarray(0, 18)), /^FILE: ends after byte 18 of the 20/],
  ['is damaged', damaged(images), /^FILE: its gzip data is damaged \(Z_/],
];
for (const [what, bytes, says] of wrongIdx) {
  test(`an IDX file is refused that ${what}`, (context) => {
    const path = written(context, 'images', bytes);
    assert.match(
      refusal(() => readIdx(path, 'images'), path),
      says,
    );
  });
}
