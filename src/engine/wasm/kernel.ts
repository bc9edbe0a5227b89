/** How a kernel of the wasm backend is replaced, and the typed view of that backend which the replacements use. */
import * as tf from '@tensorflow/tfjs';

export type TensorInfo = tf.TensorInfo;
type Values = Float32Array | Int32Array | Uint8Array;
type KernelCall = Parameters<tf.KernelFunc>[0];
type Attributes = NonNullable<KernelCall['attrs']>;

/**
 * The backend's memory. `view` shows a tensor's values in place; memory moves when it grows, so take views only after
 * the last `make`, and never write into the view of a tensor that others may hold.
 */
export interface Heap {
  make(shape: number[], dtype: tf.DataType): TensorInfo;
  view(tensor: TensorInfo): Values;
  free(tensor: TensorInfo): void;
}

export interface Call {
  input(name: string): TensorInfo;
  number(attribute: string): number;
  /** A number or a list of numbers, undefined where the caller left it out: what tfjs's own helpers take. */
  numbers(attribute: string): number | number[] | undefined;
  flag(attribute: string): boolean;
  text(attribute: string): string;
  heap: Heap;
  /** The kernel that this one replaces, with some inputs and attributes exchanged. */
  stock(inputs?: Record<string, TensorInfo>, attributes?: Attributes): TensorInfo;
  /** Another kernel of the backend. */
  run(kernelName: string, inputs: Record<string, TensorInfo>, attributes: Attributes): TensorInfo;
}

export type Kernel = (call: Call) => TensorInfo | TensorInfo[];

/** Registers `kernel` in place of the backend's own kernel of that name; gradients and all callers then use it. */
export function replaceKernel(kernelName: string, kernel: Kernel): void {
  const stock = tf.getKernel(kernelName, 'wasm');
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...stock, kernelFunc: (call) => kernel(readable(kernelName, call, stock.kernelFunc)) });
}

function readable(kernelName: string, call: KernelCall, stock: tf.KernelFunc): Call {
  const { inputs, attrs = {}, backend } = call;
  const wrong = (name: string) => new Error(`${kernelName} on wasm: unexpected value of "${name}"`);
  const number = (name: string, value: unknown): number => {
    if (typeof value === 'number') return value;
    throw wrong(name);
  };
  return {
    heap: heapOf(backend),
    input(name) {
      const tensor = inputs[name];
      if (tensor) return tensor;
      throw wrong(name);
    },
    number: (name) => number(name, attrs[name]),
    numbers(name) {
      const value: unknown = attrs[name];
      if (value === undefined || value === null) return undefined;
      return Array.isArray(value) ? value.map((entry) => number(name, entry)) : number(name, value);
    },
    flag: (name) => attrs[name] === true,
    text: (name) => String(attrs[name]),
    stock: (other, attributes) =>
      single(stock({ ...call, inputs: { ...inputs, ...other }, attrs: { ...attrs, ...attributes } })),
    run: (name, other, attributes) =>
      single(tf.getKernel(name, 'wasm').kernelFunc({ inputs: other, attrs: attributes, backend })),
  };
}

function single(output: TensorInfo | TensorInfo[]): TensorInfo {
  if (Array.isArray(output)) throw new Error('expected a kernel with one output');
  return output;
}

/** The part of the backend class that its kernels share. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: tf.DataType): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Values;
  disposeData(id: TensorInfo['dataId']): boolean;
}

function isWasmBackend(backend: object): backend is WasmBackend {
  return 'makeOutput' in backend && 'typedArrayFromHeap' in backend && 'disposeData' in backend;
}

function heapOf(backend: object): Heap {
  if (!isWasmBackend(backend)) throw new Error('this version of the wasm backend has no makeOutput');
  return {
    make: (shape, dtype) => backend.makeOutput(shape, dtype),
    view: (tensor) => backend.typedArrayFromHeap(tensor),
    free: (tensor) => void backend.disposeData(tensor.dataId),
  };
}
