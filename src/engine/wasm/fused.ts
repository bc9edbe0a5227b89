/**
 * Fused kernels, one step after the other. Stock: of batched or transposed products the bias is added, and the activation
 * taken, once for each block of 48 columns; and relu makes NaN 0.
 */
import type { Call, Kernel, TensorInfo } from '../kernels/kernel.ts';

export const fusedMatMul: Kernel = (call) => {
  const { input, flag } = call;
  const [transposeA, transposeB] = [flag('transposeA'), flag('transposeB')];
  return finished(call, call.run('BatchMatMul', { a: input('a'), b: input('b') }, { transposeA, transposeB }));
};

export const fusedConv2D: Kernel = (call) => finished(call, convolved(call, 'Conv2D'));
export const fusedDepthwiseConv2D: Kernel = (call) => finished(call, convolved(call, 'DepthwiseConv2dNative'));

const convolved = ({ input, attributes, run }: Call, kernelName: string) =>
  run(kernelName, { x: input('x'), filter: input('filter') }, attributes);

const kernels: Record<string, string> = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
};

/** With the bias added, and the activation taken. */
function finished({ optional, number, text, heap, run }: Call, product: TensorInfo): TensorInfo {
  let h = product;
  const next = (name: string, inputs: Record<string, TensorInfo>, attributes = {}) => {
    const before = h;
    h = run(name, inputs, attributes);
    heap.free(before);
  };
  const [bias, alpha] = [optional('bias'), optional('preluActivationWeights')];
  if (bias) next('Add', { a: h, b: bias });
  const activation = text('activation');
  if (activation === 'linear') return h;
  const kernelName = kernels[activation];
  if (kernelName === undefined) throw new Error(`no activation "${activation}" on wasm`);
  const attributes = activation === 'leakyrelu' ? { alpha: number('leakyreluAlpha') } : {};
  // Elementwise kernels differ in the names of what they read.
  next(kernelName, { x: h, features: h, ...(alpha && { alpha }) }, attributes);
  return h;
}
