/** Text as windows of characters, for models that say which character comes next. */
import { type Batch, UsageError } from '../types.ts';
import type { Splits } from './fixed.ts';

/** In percent; of what comes first, then next, the rest is for testing. */
const SHARES = { train: 80, val: 10 };

/** Number of a character that the training text doesn't have. */
const UNKNOWN = 0;

export interface Characters {
  /** Characters (code points) of the training text in order, numbered from 1. */
  vocabulary: string[];
  /** The three parts of the text, one after the other, as numbers. */
  train: Float32Array;
  val: Float32Array;
  test: Float32Array;
}

/** Cuts a text in three where it stands and numbers its characters. */
export function charactersOf(text: string): Characters {
  const points = Uint32Array.from(codePoints(text));
  const ends = [SHARES.train, SHARES.train + SHARES.val].map((share) => Math.floor((points.length * share) / 100));
  const [train = 0, val = 0] = ends;
  const known = [...new Set(points.subarray(0, train))].sort((a, b) => a - b);
  const numbers = new Map(known.map((point, i) => [point, i + 1]));
  const codes = (from: number, to: number) =>
    Float32Array.from(points.subarray(from, to), (point) => numbers.get(point) ?? UNKNOWN);
  return {
    vocabulary: known.map((point) => String.fromCodePoint(point)),
    train: codes(0, train),
    val: codes(train, val),
    test: codes(val, points.length),
  };
}

function* codePoints(text: string): Generator<number> {
  for (const character of text) yield character.codePointAt(0) ?? 0;
}

/**
 * Windows of `length` characters, one after the other without overlap; the target of each character is the next one. What is
 * left at the end of a part isn't used.
 *
 * @param name in messages
 * @throws UsageError where a part is too short for one window
 */
export function textWindows(name: string, { train, val, test }: Characters, length: number): Splits {
  const shortest = Math.min(val.length, test.length);
  if (shortest < length + 1) {
    throw new UsageError(
      `${name}: has ${train.length + val.length + test.length} characters, of which a tenth has to hold ${length} and a next one; give a longer text or a smaller length`,
    );
  }
  const windows = (codes: Float32Array): Batch => {
    const size = Math.floor((codes.length - 1) / length);
    return { size, x: codes.subarray(0, size * length), y: codes.subarray(1, size * length + 1) };
  };
  return { train: windows(train), val: windows(val), test: windows(test) };
}
