/** Numbers as the shortest text that reads back as the same number. */

/** JavaScript's shortest round-trip text; the sign of -0 kept. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The shortest decimal text that reads back as the same float32: 0.1, not 0.10000000149011612. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return numberText(value);
  // Normal float32s need 6 to 9 digits (fewer come out by themselves); subnormal ones have less to say.
  for (let digits = Math.abs(value) < 2 ** -126 ? 1 : 6; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(Number(value.toPrecision(9)));
}
