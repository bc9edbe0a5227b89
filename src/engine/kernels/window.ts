/** How windows slide over images: what convolutions and pools have in common. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { Call, TensorInfo } from './kernel.ts';

export type Window = tf.backend_util.Conv2DInfo;

const four = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const pair = z.union([z.number(), z.tuple([z.number(), z.number()])]);

/** Of a pool over `x` [batch, height, width, channels]. */
export function poolWindow(call: Call, x: TensorInfo): Window {
  const [size, strides] = [call.numbers('filterSize'), call.numbers('strides')].map((value) => pair.parse(value));
  return tf.backend_util.computePool2DInfo(
    four.parse(x.shape),
    size ?? 1,
    strides ?? 1,
    1,
    call.padding(),
    call.rounding(),
  );
}

/** Of a convolution of images of this shape by a filter [height, width, channels in, channels out]. */
export function convolutionWindow(call: Call, images: number[], filter: number[], depthwise = false): Window {
  return tf.backend_util.computeConv2DInfo(
    four.parse(images),
    four.parse(filter),
    pair.parse(call.numbers('strides')),
    pair.parse(call.numbers('dilations') ?? 1),
    call.padding(),
    call.rounding(),
    depthwise,
  );
}

/**
 * Calls `visit` for each pixel of the output and each pixel of the input in its window, padding left out: their
 * positions among all pixels, which pixel of the window it is, and how many of the window lie in the image.
 */
export function eachTap(
  window: Window,
  visit: (output: number, input: number, tap: number, count: number) => void,
): void {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, padInfo } = window;
  const rows = Array.from({ length: outHeight }, (_, i) =>
    inside(i * window.strideHeight - padInfo.top, filterHeight, window.dilationHeight, inHeight),
  );
  const columns = Array.from({ length: outWidth }, (_, j) =>
    inside(j * window.strideWidth - padInfo.left, filterWidth, window.dilationWidth, inWidth),
  );
  let output = 0;
  for (let image = 0; image < batchSize; image++) {
    for (const ofRow of rows) {
      for (const ofColumn of columns) {
        const count = ofRow.length * ofColumn.length;
        for (const y of ofRow) {
          const start = (image * inHeight + y.at) * inWidth;
          for (const x of ofColumn) visit(output, start + x.at, y.tap * filterWidth + x.tap, count);
        }
        output++;
      }
    }
  }
}

/** Along one axis: the taps of a window from `start` on that lie in the image, and where. */
function inside(start: number, taps: number, dilation: number, length: number): { tap: number; at: number }[] {
  return Array.from({ length: taps }, (_, tap) => ({ tap, at: start + tap * dilation })).filter(
    ({ at }) => at >= 0 && at < length,
  );
}
