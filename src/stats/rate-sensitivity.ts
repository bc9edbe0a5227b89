/** How a score depends on the learning rate, or on anything else that spans decades. */

interface Point {
  rate: number;
  /** Higher is better. */
  score: number;
}

/**
 * Area under the score over log10 of the rate, divided by the decades that the rates span: the score to expect from a rate drawn
 * log-uniformly between the smallest and the largest. Straight lines between the rates that were tried. One rate gives its score.
 */
export function sensitivityArea(points: readonly Point[]): number {
  const sorted = byRate(points);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return Number.NaN;
  if (first === last) return first.score;
  const area = pairs(sorted).reduce((sum, [a, b]) => sum + decades(a, b) * ((a.score + b.score) / 2), 0);
  return area / decades(first, last);
}

/** Decades of the rate over which the score is at least `level`, along straight lines between the rates that were tried. */
export function usableDecades(points: readonly Point[], level: number): number {
  return pairs(byRate(points)).reduce((sum, [a, b]) => sum + decades(a, b) * shareAbove(a.score, b.score, level), 0);
}

/** Of a line from a to b the share at or above `level`. */
function shareAbove(a: number, b: number, level: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  if (low >= level) return 1;
  return high < level ? 0 : (high - level) / (high - low);
}

const byRate = (points: readonly Point[]) => [...points].sort((a, b) => a.rate - b.rate);
const decades = (a: Point, b: Point) => Math.log10(b.rate) - Math.log10(a.rate);
const pairs = (points: readonly Point[]) =>
  points.slice(1).flatMap((b, i): [Point, Point][] => (points[i] === undefined ? [] : [[points[i], b]]));
