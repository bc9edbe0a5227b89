/** Where parameters have the weights of units: told by names, to which every model keeps. */

/**
 * Axes over which the weights of one unit lie, in a parameter of two axes or more: all but the last of matrices [in, units] and
 * kernels [height, width, in, units]; all but the first of what is named `embedding`, `..._embedding` or, as tfjs-layers has it, `.../embeddings`, [units, features],
 * whose units are the vectors of tokens or places.
 */
export function unitAxes(name: string, rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return /(^|_)embedding$|\/embeddings$/.test(name) ? axes.slice(1) : axes.slice(0, -1);
}

/**
 * The name of a parameter [units] with the norms of the weights into each unit. Where there is one, the parameter `name` has
 * their directions alone, and its own norms mean nothing.
 */
export const lengthOf = (name: string): string => `${name}/length`;
