/**
 * Holm's step-down adjustment: with p sorted ascending, adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)),
 * j from 1 (Holm 1979, Scandinavian Journal of Statistics 6). Rejecting where the adjusted p is at most 0.05 keeps the
 * chance of any false verdict in the family at 5 %, whatever the dependence between the comparisons.
 *
 * Returned in the order given; m is the number of values given. Equal p get equal adjusted p.
 */
export function holm(ps: readonly number[]): number[] {
  const order = [...ps.keys()].sort((a, b) => (ps[a] ?? 0) - (ps[b] ?? 0));
  const adjusted = new Array<number>(ps.length).fill(1);
  let reached = 0;
  for (const [position, index] of order.entries()) {
    reached = Math.max(reached, Math.min(1, (ps.length - position) * (ps[index] ?? 1)));
    adjusted[index] = reached;
  }
  return adjusted;
}
