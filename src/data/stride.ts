/** Smaller images: every n-th pixel in both directions, from the first. */
import { z } from 'zod';
import type { Batch } from '../types.ts';

/** Without it a task has the options, ids and streams that it had before there was one. */
export const strideOption = z.int().min(2).max(14).exactOptional().meta({
  description: 'every so many pixels in both directions, which makes images smaller; left out, all pixels',
  role: 'structural',
});

/** Pixels in a row or column of `side` that are left. */
export function thinnedSide(side: number, stride: number): number {
  return Math.ceil(side / stride);
}

/** Images [size, height, width] with a channel, thinned. */
export function thinned(images: Batch, [height, width]: [number, number], stride: number): Batch {
  if (stride === 1) return images;
  const [rows, columns] = [thinnedSide(height, stride), thinnedSide(width, stride)];
  const x = new Float32Array(images.size * rows * columns);
  let to = 0;
  for (let image = 0; image < images.size; image++) {
    for (let row = 0; row < rows; row++) {
      const from = (image * height + row * stride) * width;
      for (let column = 0; column < columns; column++) x[to++] = images.x[from + column * stride] ?? 0;
    }
  }
  return { size: images.size, x, y: images.y };
}
