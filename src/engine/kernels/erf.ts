/** The error function. Stock on cpu: off by 1e-9 or more near 0, so that erf(x) / x is 1 % too large at 1e-7. */
import type { Kernel } from './kernel.ts';

export const erf: Kernel = ({ input, heap, stock }) => {
  const from = input('x');
  const out = stock();
  const to = heap.view(out);
  heap.view(from).forEach((x, i) => {
    if (Math.abs(x) < 1) to[i] = series(x);
  });
  return out;
};

/** 2 / sqrt(pi) times the sum of (-1)^n x^(2n+1) / (n! (2n+1)), right to double's precision for |x| < 1. */
function series(x: number): number {
  let [power, sum] = [x, x];
  for (let n = 1; n < 20; n++) {
    power *= -(x * x) / n;
    sum += power / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
