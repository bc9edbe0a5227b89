/**
 * Canonical JSON: one text for one value, so that its hash can be an identity. Keys are sorted by code unit, numbers are
 * JavaScript's shortest round-trip text; NaN, infinities and -0, which JSON lacks, are tagged.
 *
 * @throws RangeError for integers that a double can't hold exactly, TypeError for what has no JSON form.
 */
export function canonical(value: unknown): string {
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    if (Object.hasOwn(value, '$number')) throw new TypeError('"$number" is the key of tagged numbers');
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
  }
  throw new TypeError(`${typeof value} has no canonical form`);
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value) || Object.is(value, -0)) return `{"$number":"${Object.is(value, -0) ? '-0' : value}"}`;
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21) {
    throw new RangeError(`${value} is an integer beyond 2^53, which a double can't hold exactly`);
  }
  return JSON.stringify(value);
}

/** The value that a canonical text stands for. */
export function parseCanonical(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'object' && value !== null && '$number' in value ? Number(value.$number) : value,
  );
}
