import { signFlipP } from './sign-flip.ts';

/**
 * Exact McNemar test for paired yes/no outcomes: two-sided p that the pairs with an event in one arm only split as
 * unevenly as `onlyFirst` to `onlySecond`, if each way were equally likely: binomial at 1/2 (McNemar 1947; Mosteller
 * 1952). Pairs alike in both arms carry no information and don't enter. No unlike pairs: 1.
 */
export function mcnemar(onlyFirst: number, onlySecond: number): number {
  return signFlipP(new Array<number>(onlyFirst + onlySecond).fill(1), onlyFirst);
}
