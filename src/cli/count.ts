import { InvalidArgumentError } from 'commander';

/** Reads a whole number, as commander wants it. */
export function countFrom(least: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= least && count <= 1024) return count;
    throw new InvalidArgumentError(`give a whole number from ${least} to 1024.`);
  };
}
