/** Numbers brought to mean 0 and deviation 1 by what the training examples hold, so that the others stay unseen. */
export interface Scale {
  mean: number;
  /** Standard deviation of the population; 1 where all values are the same, which then become 0. */
  deviation: number;
}

/** Mean and deviation of `values`, in double; two passes, so that a mean far from 0 takes no digits away. */
export function scaleOf(values: ArrayLike<number>): Scale {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] ?? 0) - mean) * ((values[i] ?? 0) - mean);
  const deviation = Math.sqrt(squares / values.length);
  // Equal values leave a rounding error in both.
  return deviation > 1e-12 * Math.abs(mean) ? { mean, deviation } : { mean: values[0] ?? 0, deviation: 1 };
}

export function standardized(value: number, { mean, deviation }: Scale): number {
  return (value - mean) / deviation;
}
