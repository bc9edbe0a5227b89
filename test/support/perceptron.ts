/** A network with one hidden layer of relu in plain arithmetic and double precision: the oracle of a training run. */
import type { Batch, HostTensor } from '../../src/types.ts';

type Matrix = number[][];
/** Vectors are matrices of one row. */
export interface Network {
  w0: Matrix;
  b0: Matrix;
  w1: Matrix;
  b1: Matrix;
}

export function matrix(values: ArrayLike<number>, columns: number): Matrix {
  return Array.from({ length: values.length / columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => values[i * columns + j] ?? Number.NaN),
  );
}

export const asMatrix = ({ shape, values }: HostTensor) => matrix(values, shape.at(-1) ?? 1);

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const transposed = (a: Matrix): Matrix => (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? Number.NaN));
const zip = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix =>
  a.map((row, i) => row.map((x, j) => f(x, b[i]?.[j] ?? Number.NaN)));
/** a b, where the columns of b are given. */
const product = (a: Matrix, columns: Matrix): Matrix =>
  a.map((row) => columns.map((column) => sum(row.map((x, k) => x * (column[k] ?? Number.NaN)))));
const layer = (a: Matrix, w: Matrix, b: Matrix): Matrix =>
  product(a, transposed(w)).map((row) => row.map((z, j) => z + (b[0]?.[j] ?? Number.NaN)));

/** Applies `f` to the numbers of two networks, place by place. */
export function combine(a: Network, b: Network, f: (x: number, y: number) => number): Network {
  return { w0: zip(a.w0, b.w0, f), b0: zip(a.b0, b.b0, f), w1: zip(a.w1, b.w1, f), b1: zip(a.b1, b.b1, f) };
}

export const lengthOf = (network: Network) =>
  Math.sqrt(sum(Object.values(network).flatMap((rows: Matrix) => rows.flat().map((x) => x * x))));

/** Mean cross-entropy, accuracy, and the gradient of the loss. */
export function learn({ w0, b0, w1, b1 }: Network, { size, x, y }: Batch) {
  const [inputs, target] = [matrix(x, x.length / size), matrix(y, y.length / size)];
  const z = layer(inputs, w0, b0);
  const h = z.map((row) => row.map((value) => Math.max(0, value)));
  const output = layer(h, w1, b1);
  const shares = output.map((row) => {
    const weights = row.map((value) => Math.exp(value - Math.max(...row)));
    return weights.map((weight) => weight / sum(weights));
  });
  const loss = sum(zip(shares, target, (p, t) => (t === 0 ? 0 : -t * Math.log(p))).flat()) / size;
  const right = output.filter((row, i) => target[i]?.[row.indexOf(Math.max(...row))] === 1).length;
  const dy = zip(shares, target, (p, t) => (p - t) / size);
  const dz = zip(product(dy, w1), z, (d, value) => (value > 0 ? d : 0));
  const sums = (a: Matrix) => [transposed(a).map(sum)];
  const gradient: Network = {
    w0: product(transposed(inputs), transposed(dz)),
    b0: sums(dz),
    w1: product(transposed(h), transposed(dy)),
    b1: sums(dy),
  };
  return { loss, metric: right / size, gradient };
}
