import { z } from 'zod';
import { crossEntropy, type Share, shareOption, shares } from '../data/classification.ts';
import { fixed } from '../data/fixed.ts';
import { type ImageFiles, type Labelled, labelledImages } from '../data/image_files.ts';
import { onceByKey } from '../data/once.ts';
import { strideOption } from '../data/stride.ts';
import { optionalPathOption, pathOption, sha256Of, sha256Option } from '../data/user_file.ts';
import { type TaskPart, UsageError } from '../types.ts';

type IdxFile = {
  images: string;
  images_sha256?: string;
  labels: string;
  labels_sha256?: string;
  test_images?: string;
  test_images_sha256?: string;
  test_labels?: string;
  test_labels_sha256?: string;
  stride?: number;
  metric: Share;
};

export const idx_file: TaskPart<IdxFile> = {
  name: 'idx_file',
  summary:
    'Classify the images of your own IDX files, plain or gzip (MNIST, Fashion-MNIST, EMNIST): 70 % to train, 15 % to validate, 15 % to test, or 85 % and 15 % where files for testing are named.',
  equation: 'image [height, width, 1] -> class',
  reference:
    'yann.lecun.com/exdb/mnist; images are split at random, the same way in every run, with the same share of each class; EMNIST stores its images transposed, and they are left so',
  options: z.strictObject({
    images: pathOption('the file of images'),
    images_sha256: sha256Option('images'),
    labels: pathOption('the file of their labels'),
    labels_sha256: sha256Option('labels'),
    test_images: optionalPathOption('a file of images for testing'),
    test_images_sha256: sha256Option('test_images'),
    test_labels: optionalPathOption('the file of their labels'),
    test_labels_sha256: sha256Option('test_labels'),
    stride: strideOption,
    metric: shareOption,
  }),
  make(options) {
    const { stride = 1 } = options;
    const own = hashed(options.images, options.images_sha256, options.labels, options.labels_sha256);
    const test = testFiles(options);
    const hashes = [own, test].map((files) => files && Object.values(hashesOf(files)));
    const { shape, load } = known(JSON.stringify([hashes, stride]), () => labelledImages(own, test, stride));
    return {
      ...fixed(shape, load),
      kind: 'classification',
      loss: crossEntropy,
      metric: shares[options.metric],
      data: () => ({ ...hashesOf(own), ...(test && hashesOf(test)) }),
    };
  },
};

const known = onceByKey<Labelled>();

function hashed(
  images: string,
  images_sha256 = sha256Of(images),
  labels: string,
  labels_sha256 = sha256Of(labels),
): ImageFiles {
  return { images, images_sha256, labels, labels_sha256 };
}

/** @throws UsageError where there is one of the two files only */
function testFiles(options: IdxFile): ImageFiles | undefined {
  const { test_images, test_images_sha256, test_labels, test_labels_sha256 } = options;
  if (test_images !== undefined && test_labels !== undefined) {
    return hashed(test_images, test_images_sha256, test_labels, test_labels_sha256);
  }
  if (test_images === undefined && test_labels === undefined) return undefined;
  const [there, missing] = test_labels === undefined ? ['test_images', 'test_labels'] : ['test_labels', 'test_images'];
  throw new UsageError(`idx_file has ${there} and no ${missing}; name both or neither`);
}

function hashesOf({ images, images_sha256, labels, labels_sha256 }: ImageFiles): Record<string, string> {
  return { [images]: images_sha256, [labels]: labels_sha256 };
}
