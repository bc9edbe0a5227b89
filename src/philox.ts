/**
 * The random numbers of TensorFlow's StatelessRandomUniform, bit for bit: Philox 4x32-10 (Salmon et al. 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"), keyed as TensorFlow keys it.
 */

type Four = [number, number, number, number];
type Two = [number, number];

/** Uniform in [0, 1) with 23 bits. `seed` are two int32. */
export function stateless(seed: Two, count: number): Float32Array {
  const { key, counter } = keyOf(seed);
  const out = new Float32Array(count);
  const bits = new Uint32Array(out.buffer);
  for (let at = 0; at < count; at += 4) {
    // The mantissa of a number in [1, 2).
    for (const [i, word] of block(counter, key).entries())
      if (at + i < count) bits[at + i] = 0x3f800000 | (word & 0x7fffff);
    advance(counter);
  }
  return out.map((value) => value - 1);
}

/** Any seed will do: they are stirred first. */
function keyOf([first, second]: Two): { key: Two; counter: Four } {
  // Each int32 as the two halves of an int64.
  const start: Four = [first >>> 0, first < 0 ? 0xffffffff : 0, second >>> 0, second < 0 ? 0xffffffff : 0];
  const [a, b, c, d] = block(start, [0x3ec8f720, 0x02461e29]);
  return { key: [a, b], counter: [0, 0, c, d] };
}

function block(counter: Four, [k0, k1]: Two): Four {
  let [a, b, c, d] = counter;
  for (let round = 0; round < 10; round++) {
    const [x, y] = [product(0xd2511f53, a), product(0xcd9e8d57, c)];
    const keys: Two = [(k0 + Math.imul(round, 0x9e3779b9)) >>> 0, (k1 + Math.imul(round, 0xbb67ae85)) >>> 0];
    [a, b, c, d] = [(y.high ^ b ^ keys[0]) >>> 0, y.low, (x.high ^ d ^ keys[1]) >>> 0, x.low];
  }
  return [a, b, c, d];
}

/** Of two 32-bit numbers, in 64 bits. */
function product(a: number, b: number): { high: number; low: number } {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  // Below 2^33, so exact in double.
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
  return { high: high >>> 0, low: Math.imul(a, b) >>> 0 };
}

function advance(counter: Four): void {
  for (const i of [0, 1, 2, 3] as const) {
    counter[i] = (counter[i] + 1) >>> 0;
    if (counter[i] !== 0) return;
  }
}
