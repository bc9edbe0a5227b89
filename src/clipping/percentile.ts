/**
 * Percentiles of the latest values of a scalar. They are held in order of size beside the ring that has them in order of time:
 * to put one value in its place takes a few passes over the window, where sorting it took four times as long.
 */
import * as tf from '@tensorflow/tfjs';
import { pick } from '../tensors.ts';
import type { Tensors } from '../types.ts';
import { counted, filled, isNext } from './ring.ts';

export type Interpolation = 'linear' | 'nearest';

/** State: `ring` [window], `sorted` [window], ascending, with Infinity where there is nothing yet, and `count`. */
export const newHistory = (window: number): Tensors => ({
  ring: tf.zeros([window]),
  sorted: tf.fill([window], Number.POSITIVE_INFINITY),
  count: tf.scalar(0),
});

/** The history with one more value, if it is kept; of a full one the oldest goes. NaN stands with the largest. */
export function withValue(history: Tensors, value: tf.Scalar, isKept: tf.Tensor): Tensors {
  const [ring, sorted, count] = [pick(history, 'ring'), pick(history, 'sorted'), pick(history, 'count')];
  const window = ring.size;
  const here = isNext(ring, count, isKept);
  const [fresh, old] = [inOrder(value), inOrder(entryAt(ring, here))];
  const places = tf.range(0, window);
  const nothing = tf.fill([1], Number.POSITIVE_INFINITY);

  // Out with the oldest: what is larger moves one place down. Of a history that isn't full the last place is left.
  const left = tf.where(count.greaterEqual(window), sorted.less(old).sum().toFloat(), window);
  const others = tf.where(places.less(left), sorted, tf.concat([sorted.slice([1]), nothing]));
  // In with the new: what isn't smaller moves one place up.
  const place = others.less(fresh).sum().toFloat();
  const above = tf.concat([nothing, others.slice([0], [window - 1])]);
  const next = tf.where(places.less(place), others, tf.where(places.equal(place), fresh, above));
  return {
    ring: tf.where(here, value, ring),
    sorted: tf.where(isKept, next, sorted),
    count: counted(count, isKept),
  };
}

/**
 * The value below which `fraction` of the history lies: between two of them where `fraction` falls (numpy.percentile), or the
 * nearer one (tfp.stats.percentile, which counts from the largest and takes the even place of two equally near). Of an empty history it is Infinity.
 */
export function percentile(history: Tensors, fraction: tf.Scalar, interpolation: Interpolation): tf.Scalar {
  const [sorted, count] = [pick(history, 'sorted'), pick(history, 'count')];
  const last = filled(sorted, count).sub(1);
  const rank = last.mul(fraction);
  const places = tf.range(0, sorted.size);
  const at = (place: tf.Tensor) => entryAt(sorted, places.equal(place));
  const value =
    interpolation === 'nearest'
      ? at(last.sub(last.mul(tf.sub(1, fraction)).round()))
      : between(at(rank.floor()), at(rank.ceil()), rank.sub(rank.floor()));
  return tf.where(count.greater(0), value, Number.POSITIVE_INFINITY).asScalar();
}

/** The one entry where `isHere` holds; 0 where it holds nowhere. */
const entryAt = (vector: tf.Tensor, isHere: tf.Tensor): tf.Tensor =>
  tf.where(isHere, vector, tf.zerosLike(vector)).sum();

const inOrder = (value: tf.Tensor): tf.Tensor => tf.where(value.isNaN(), Number.POSITIVE_INFINITY, value);

const between = (low: tf.Tensor, high: tf.Tensor, share: tf.Tensor): tf.Tensor => low.add(high.sub(low).mul(share));
