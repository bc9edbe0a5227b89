/**
 * A function of one example for every example at once, as jax.vmap: while it runs for the first example, each kernel that it
 * asks for is run once more for all examples together (`batching.ts` says how). Gradients that are taken inside are covered,
 * since they are made of kernels too.
 */
import * as tf from '@tensorflow/tfjs';
import { factorsOf, withFactors } from '../outer.ts';
import { type Input, ruleOf } from './batching.ts';

/** One example's part of a tensor, which has an axis for the examples (default: the first); the part has it no more. */
export type OneOf = (whole: tf.Tensor, axis?: number) => tf.Tensor;

/** What `f` gives for each of `count` examples, stacked, [count, ...shape]. `f` is pure and reads no value. */
export type ForEach = (count: number, f: (oneOf: OneOf) => tf.Tensor[]) => tf.Tensor[];

/** One after the other: what vmap has to agree with. */
export const oneByOne: ForEach = (count, f) => {
  const each = Array.from({ length: count }, (_, i) => f((whole, axis = 0) => part(whole, axis, i)));
  return (each[0] ?? []).map((_, k) => tf.stack(each.flatMap((tensors) => tensors.slice(k, k + 1))));
};

/** All examples at once. */
export const vmap: ForEach = (count, f) => {
  /** Of every tensor that depends on the example, by its data: the same for all examples, [count, ...]. */
  const wholes = new Map<object, tf.Tensor>();
  const keep = (dataId: object, whole: tf.Tensor) => {
    const [kept, factors] = [tf.keep(whole.clone()), factorsOf(whole)];
    wholes.set(dataId, factors === undefined ? kept : withFactors(kept, factors));
  };

  const { quietly, stop } = listen((kernel, { inputs, attrs = {} }, outputs) => {
    // Handles on the same data, such as those of an identity, are known.
    if (outputs.every(({ dataId }) => wholes.has(dataId))) return;
    const given = Object.entries(inputs).flatMap(([key, one]): Input[] => {
      if (!(one instanceof tf.Tensor)) return [];
      const whole = wholes.get(one.dataId);
      // A cast may give another handle on the same data.
      const tensor = whole === undefined || whole.dtype === one.dtype ? whole : whole.cast(one.dtype);
      return [{ key, shape: one.shape, tensor: tensor ?? one, isWhole: whole !== undefined }];
    });
    if (!given.some(({ isWhole }) => isWhole)) return;
    const shapes = outputs.map(({ shape }) => shape);
    const results = ruleOf(kernel)({
      kernel,
      count,
      inputs: given,
      isList: Array.isArray(inputs),
      attrs,
      outputs: shapes,
    });
    outputs.forEach(({ dataId, shape }, i) => {
      const whole = results[i];
      if (whole?.size !== count * sizeOf(shape)) throw new Error(`the rule for kernel ${kernel} is wrong`);
      keep(dataId, whole);
    });
  });
  try {
    const results = f((whole, axis = 0) =>
      quietly(() => {
        const first = part(whole, axis, 0);
        keep(first.dataId, inFront(whole, axis));
        return first;
      }),
    );
    return quietly(() => results.map((result) => stacked(wholes.get(result.dataId), result, count)));
  } finally {
    stop();
    tf.dispose([...wholes.values()]);
  }
};

/**
 * Has `hear` called after each kernel of the backend, with what it was given and what it made, until `stop`; `quietly` runs something
 * without.
 */
function listen(hear: (kernel: string, call: Parameters<tf.KernelFunc>[0], outputs: tf.TensorInfo[]) => void) {
  let isListening = true;
  const quietly = <T>(compute: () => T): T => {
    isListening = false;
    try {
      return compute();
    } finally {
      isListening = true;
    }
  };
  const kernels = tf.getKernelsForBackend(tf.getBackend());
  const originals = kernels.map(({ kernelFunc }) => kernelFunc);
  const stop = () => {
    kernels.forEach((kernel, k) => {
      kernel.kernelFunc = originals[k] ?? kernel.kernelFunc;
    });
  };
  for (const kernel of kernels) {
    const { kernelName, kernelFunc } = kernel;
    kernel.kernelFunc = (call) => {
      if (!isListening) return kernelFunc(call);
      return quietly(() => {
        const made = kernelFunc(call);
        hear(kernelName, call, [made].flat());
        return made;
      });
    };
  }
  return { quietly, stop };
}

/** [count, ...shape]. `whole` is undefined where the result is the same for all examples. */
function stacked(whole: tf.Tensor | undefined, result: tf.Tensor, count: number): tf.Tensor {
  if (whole === undefined) return tf.stack(Array<tf.Tensor>(count).fill(result));
  const reshaped = whole.cast(result.dtype).reshape([count, ...result.shape]);
  const factors = factorsOf(whole);
  if (factors === undefined) return reshaped;
  const rows = (factor: tf.Tensor) => factor.reshape([count, -1]);
  return withFactors(reshaped, { left: rows(factors.left), right: rows(factors.right) });
}

/** The entry at `index` of an axis. */
function part(whole: tf.Tensor, axis: number, index: number): tf.Tensor {
  const [begin, size] = [whole.shape.map(() => 0), [...whole.shape]];
  begin[axis] = index;
  size[axis] = 1;
  return whole.slice(begin, size).squeeze([axis]);
}

function inFront(whole: tf.Tensor, axis: number): tf.Tensor {
  const axes = whole.shape.map((_, i) => i);
  return axis === 0 ? whole : whole.transpose([axis, ...axes.filter((i) => i !== axis)]);
}

const sizeOf = (shape: number[]) => shape.reduce((product, size) => product * size, 1);
