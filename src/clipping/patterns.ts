/** Choosing parameters by name: `w0`, `b*`, `block?.w`. */
import type { Tensors } from '../types.ts';

/** Whether a name is one of `patterns`, where `*` stands for any characters and `?` for one. */
export function matches(name: string, patterns: string[]): boolean {
  return patterns.some((pattern) => {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${source}$`).test(name);
  });
}

/** Parameters that a strategy with these patterns sees. */
export function isSeen(name: string, include: string[] = ['*'], exclude: string[] = []): boolean {
  return matches(name, include) && !matches(name, exclude);
}

/** Names by group: each group is what its patterns name and none before it did; what none names is a group of its own. */
export function groupsOf(tensors: Tensors, groups: string[][]): string[][] {
  const taken = new Set<string>();
  const named = groups.map((patterns) => {
    const own = Object.keys(tensors).filter((name) => !taken.has(name) && matches(name, patterns));
    for (const name of own) taken.add(name);
    return own;
  });
  const others = Object.keys(tensors).filter((name) => !taken.has(name));
  return [...named.filter((own) => own.length > 0), ...others.map((name) => [name])];
}
