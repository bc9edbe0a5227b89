/** Labelled images from IDX files, as training, validation and test examples. */
import { type Batch, type Split, type TaskShape, UsageError } from '../types.ts';
import type { Splits } from './fixed.ts';
import { idxShape, readIdx } from './idx.ts';
import { once, onceByKey } from './once.ts';
import { partition, refuseEmpty } from './partition.ts';
import { thinnedSide } from './stride.ts';

/** A file of images and one of their labels. */
export interface ImageFiles {
  images: string;
  images_sha256: string;
  labels: string;
  labels_sha256: string;
}

/** Bytes before the first label in a file of them. */
const LABELS_START = 8;

/** In percent, where there are files for testing. */
const WITHOUT_TEST = { train: 85, val: 15 };

/** Numbers in all examples together that are taken into memory. */
const MOST_NUMBERS = 2 ** 28;

export interface Labelled {
  shape: TaskShape;
  /** Reads the images, once. */
  load(): Splits;
}

/**
 * The shape comes from the headers of the images and from the labels; pixels are read when `load` is called, and scaled by
 * mean and deviation of the training images. Classes are the labels that occur, in order.
 *
 * @throws UsageError for a file that isn't as it should be, or doesn't fit the others
 */
export function labelledImages(files: ImageFiles, test: ImageFiles | undefined, stride: number): Labelled {
  const side = sidesOf(files);
  if (test !== undefined && sidesOf(test).join() !== side.join()) {
    throw new UsageError(
      `${test.images}: has images of ${sidesOf(test).join(' x ')}, ${files.images} of ${side.join(' x ')}; give files that belong together`,
    );
  }
  if (test?.images_sha256 === files.images_sha256) {
    throw new UsageError(
      `${test.images}: holds the same images as ${files.images}; test on others, or leave test_images and test_labels out`,
    );
  }
  const own = labelsOf(files);
  const classes = [...new Set(own)].sort((a, b) => a - b);
  if (classes.length < 2) {
    throw new UsageError(`${files.labels}: has no label but ${classes.join()}; it takes 2 different ones at least`);
  }
  if (test !== undefined) refuseUnknown(test, files, classes);
  const parts = partition(own.length, own, test && WITHOUT_TEST);
  refuseEmpty(
    files.images,
    `${own.length} images`,
    test === undefined ? parts : { train: parts.train, val: parts.val },
  );
  const shape = { input: [...side.map((n) => thinnedSide(n, stride)), 1], output: classes.length };
  const [height = 0, width = 0] = shape.input;
  const all = own.length + (test === undefined ? 0 : labelsOf(test).length);
  if (all * (height * width + classes.length) > MOST_NUMBERS) {
    throw new UsageError(
      `${files.images}: ${all} images of ${height} x ${width} are more than fit (${MOST_NUMBERS} numbers); set a stride, or take a part of the file`,
    );
  }
  const reader = { classes, side, stride };
  return { shape, load: once(() => splitsOf(files, test, parts, reader)) };
}

function refuseUnknown(test: ImageFiles, { labels }: ImageFiles, classes: number[]): void {
  labelsOf(test).forEach((label, i) => {
    if (classes.includes(label)) return;
    throw new UsageError(
      `${test.labels}: byte ${LABELS_START + i}: label ${label} is not among those of ${labels} (${classes.join(', ')}); give files that belong together`,
    );
  });
}

/** What a pixel and a label become. */
interface Reader {
  classes: number[];
  /** Height and width of an image in its file. */
  side: number[];
  stride: number;
}

interface Pictures {
  pixels: Uint8Array;
  labels: Uint8Array;
}

function splitsOf(
  files: ImageFiles,
  test: ImageFiles | undefined,
  parts: Record<Split, number[]>,
  reader: Reader,
): Splits {
  const own = picturesOf(files);
  const levels = standardizedLevels(own.pixels, parts.train, reader.side);
  const batch = (pictures: Pictures, rows: number[]) => examples(pictures, rows, reader, levels);
  const other = test && picturesOf(test);
  return {
    train: batch(own, parts.train),
    val: batch(own, parts.val),
    test: other === undefined ? batch(own, parts.test) : batch(other, [...other.labels.keys()]),
  };
}

function examples({ pixels, labels }: Pictures, rows: number[], reader: Reader, levels: Float32Array): Batch {
  const { classes, stride } = reader;
  const [height = 0, width = 0] = reader.side;
  const x = new Float32Array(rows.length * thinnedSide(height, stride) * thinnedSide(width, stride));
  const y = new Float32Array(rows.length * classes.length);
  let to = 0;
  rows.forEach((image, row) => {
    for (let i = 0; i < height; i += stride) {
      const from = (image * height + i) * width;
      for (let j = 0; j < width; j += stride) x[to++] = levels[pixels[from + j] ?? 0] ?? 0;
    }
    y[row * classes.length + classes.indexOf(labels[image] ?? 0)] = 1;
  });
  return { size: rows.length, x, y };
}

/** What each of the 256 levels of grey becomes, by mean and deviation of all pixels of some images. */
function standardizedLevels(pixels: Uint8Array, images: number[], [height = 0, width = 0]: number[]): Float32Array {
  const counts = new Float64Array(256);
  for (const image of images) {
    const end = (image + 1) * height * width;
    for (let i = image * height * width; i < end; i++) counts[pixels[i] ?? 0] = (counts[pixels[i] ?? 0] ?? 0) + 1;
  }
  const n = images.length * height * width;
  const mean = counts.reduce((sum, count, level) => sum + count * level, 0) / n;
  const variance = counts.reduce((sum, count, level) => sum + count * (level - mean) * (level - mean), 0) / n;
  const deviation = variance > 0 ? Math.sqrt(variance) : 1;
  return Float32Array.from(counts, (_, level) => (level - mean) / deviation);
}

function sidesOf({ images }: ImageFiles): number[] {
  return idxShape(images, 'images').slice(1);
}

const loaded = onceByKey<Uint8Array>();

/** One for each image. */
function labelsOf(files: ImageFiles): Uint8Array {
  const values = loaded(files.labels_sha256, () => readIdx(files.labels, 'labels', files.labels_sha256).values);
  const [count] = idxShape(files.images, 'images');
  if (values.length === count) return values;
  throw new UsageError(
    `${files.labels}: has ${values.length} labels, ${files.images} has ${count} images; give two files that belong together`,
  );
}

function picturesOf(files: ImageFiles): Pictures {
  return { pixels: readIdx(files.images, 'images', files.images_sha256).values, labels: labelsOf(files) };
}
