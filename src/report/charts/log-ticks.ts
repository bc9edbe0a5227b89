/** Ticks of a logarithmic axis: about three to six, at powers of ten, or at 1, 2 and 5 where the axis is short. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const decades = Math.log10(high) - Math.log10(low);
  const every = Math.max(1, Math.ceil(decades / 5));
  const factors = decades < 1 ? [1, 2, 3, 5, 7] : decades < 2 ? [1, 2, 5] : decades < 3 ? [1, 3] : [1];
  const first = Math.floor(Math.log10(low));
  const exponents = Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => first + i).filter((e) => e % every === 0);
  // From text, since 10 ** -5 is not 1e-5 in every version of V8.
  return exponents
    .flatMap((e) => factors.map((f) => Number(`${f}e${e}`)))
    .filter((tick) => tick >= low && tick <= high);
}
