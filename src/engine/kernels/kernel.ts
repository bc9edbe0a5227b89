/** How a kernel of the wasm or the cpu backend is replaced, and the typed view of a backend which the replacements use. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';

export type TensorInfo = tf.TensorInfo;
type Values = Float32Array | Int32Array | Uint8Array;
type KernelCall = Parameters<tf.KernelFunc>[0];
type Attributes = NonNullable<KernelCall['attrs']>;
/** `same`, `valid`, a number of pixels on each side, or [before, after] for each axis. */
export type Padding = z.infer<typeof padding>;

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
  /** An input that the caller may leave out. */
  optional(name: string): TensorInfo | undefined;
  number(attribute: string): number;
  /** A number or a list of numbers, undefined where the caller left it out: what tfjs's own helpers take. */
  numbers(attribute: string): number | number[] | undefined;
  flag(attribute: string): boolean;
  text(attribute: string): string;
  padding(): Padding;
  /** All of them, for another kernel that takes the same. */
  attributes: Attributes;
  /** How a number of outputs that isn't whole is rounded, with a padding in pixels. */
  rounding(): 'floor' | 'round' | 'ceil' | undefined;
  heap: Heap;
  /** The kernel that this one replaces, with some inputs and attributes exchanged. */
  stock(inputs?: Record<string, TensorInfo>, attributes?: Attributes): TensorInfo;
  /** Another kernel of the backend. */
  run(kernelName: string, inputs: Record<string, TensorInfo>, attributes: Attributes): TensorInfo;
}

export type Kernel = (call: Call) => TensorInfo | TensorInfo[];

/** Registers `kernel`, in place of the backend's own of that name if it has one; gradients and all callers then use it. */
export function replaceKernel(backendName: 'wasm' | 'cpu', kernelName: string, kernel: Kernel): void {
  const stock: tf.KernelConfig | undefined = tf.getKernel(kernelName, backendName);
  if (stock !== undefined) tf.unregisterKernel(kernelName, backendName);
  const what = `${kernelName} on ${backendName}`;
  const kernelFunc: tf.KernelFunc = (call) => kernel(readable(what, backendName, call, stock?.kernelFunc));
  tf.registerKernel({ ...stock, kernelName, backendName, kernelFunc });
}

const side = z.tuple([z.number(), z.number()]);
const padding = z.union([z.literal('same'), z.literal('valid'), z.number(), z.tuple([side, side, side, side])]);
const rounding = z.enum(['floor', 'round', 'ceil']).nullish();

function readable(what: string, backendName: string, call: KernelCall, stock: tf.KernelFunc | undefined): Call {
  const { inputs, attrs = {}, backend } = call;
  const wrong = (name: string) => new Error(`${what}: unexpected value of "${name}"`);
  const number = (name: string, value: unknown): number => {
    if (typeof value === 'number') return value;
    throw wrong(name);
  };
  return {
    heap: heapOf(backend),
    attributes: attrs,
    input(name) {
      const tensor = inputs[name];
      if (tensor) return tensor;
      throw wrong(name);
    },
    optional: (name) => inputs[name] ?? undefined,
    number: (name) => number(name, attrs[name]),
    numbers(name) {
      const value: unknown = attrs[name];
      if (value === undefined || value === null) return undefined;
      return Array.isArray(value) ? value.map((entry) => number(name, entry)) : number(name, value);
    },
    flag: (name) => attrs[name] === true,
    text: (name) => String(attrs[name]),
    padding: () => padding.parse(attrs.pad),
    rounding: () => rounding.parse(attrs.dimRoundingMode) ?? undefined,
    stock(other, attributes) {
      if (stock === undefined) throw new Error(`${what} has no such form`);
      return single(stock({ ...call, inputs: { ...inputs, ...other }, attrs: { ...attrs, ...attributes } }));
    },
    run: (name, other, attributes) =>
      single(tf.getKernel(name, backendName).kernelFunc({ inputs: other, attrs: attributes, backend })),
  };
}

function single(output: TensorInfo | TensorInfo[]): TensorInfo {
  if (Array.isArray(output)) throw new Error('expected a kernel with one output');
  return output;
}

/** The parts of the backends' classes that their kernels share. */
interface Freeing {
  disposeData(id: TensorInfo['dataId']): boolean;
}
interface WasmBackend extends Freeing {
  makeOutput(shape: number[], dtype: tf.DataType): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Values;
}
interface CpuBackend extends Freeing {
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: Values): TensorInfo;
  data: { get(id: TensorInfo['dataId']): { values: Values } };
}

function isWasmBackend(backend: object): backend is WasmBackend {
  return 'makeOutput' in backend && 'typedArrayFromHeap' in backend && 'disposeData' in backend;
}

function isCpuBackend(backend: object): backend is CpuBackend {
  return 'makeTensorInfo' in backend && 'data' in backend && 'disposeData' in backend;
}

function heapOf(backend: object): Heap {
  if (isWasmBackend(backend)) {
    return {
      make: (shape, dtype) => backend.makeOutput(shape, dtype),
      view: (tensor) => backend.typedArrayFromHeap(tensor),
      free: (tensor) => void backend.disposeData(tensor.dataId),
    };
  }
  if (!isCpuBackend(backend)) throw new Error('this version of the backend has neither makeOutput nor makeTensorInfo');
  return {
    make(shape, dtype) {
      const values = tf.util.getArrayFromDType(dtype, tf.util.sizeFromShape(shape));
      return backend.makeTensorInfo(
        shape,
        dtype,
        z.instanceof(Float32Array).or(z.instanceof(Int32Array)).parse(values),
      );
    },
    view: (tensor) => backend.data.get(tensor.dataId).values,
    free: (tensor) => void backend.disposeData(tensor.dataId),
  };
}
