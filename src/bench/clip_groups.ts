/** What takes turns where strategies are measured by themselves: all of them on the same gradients. */
import { totalmem } from 'node:os';
import { clipOf } from '../clipping/placement.ts';
import { kinds } from '../matrix/block.ts';
import { chains } from '../matrix/choices.ts';
import { strategyName } from '../matrix/identity.ts';
import { type Mistakes, shown } from '../matrix/mistakes.ts';
import { find, parts } from '../parts.ts';
import type { Clip } from '../types.ts';
import type { BenchSettings } from './bench_file.ts';
import { varyingNames } from './names.ts';
import { usualStrategies } from './usual.ts';
import type { Group, Variant } from './variant.ts';

/** Gradient, parameters, what becomes of it, and a strategy's memory. */
const COPIES = 5;
/** Of the machine's memory, beyond which variants are set up one at a time. */
const SHARE = 0.55;

const numericsOf = (written: unknown, mistakes: Mistakes): Group['numerics'] => {
  if (written === undefined || written === 'repro' || written === 'fast') return written ?? 'repro';
  mistakes.at(['numerics'], `numerics is ${shown(written)}; it takes repro or fast`);
  return 'repro';
};

export function clipGroups(
  top: Record<string, unknown>,
  { gradients, backend, engine }: BenchSettings,
  notes: string[],
  mistakes: Mistakes,
): Group[] {
  const numerics = numericsOf(top.numerics, mistakes);
  const written =
    top.strategy === 'all'
      ? [...usualStrategies(false), ...usualStrategies(true).filter(({ name }) => name !== 'none')]
      : top.strategy;
  if (written === undefined) mistakes.at([], 'strategy is missing; say which are measured, or strategy: all');
  const found = new Map(
    chains(kinds.strategy, written ?? 'none', ['strategy'], mistakes).map(({ value, path }) => [
      strategyName(value),
      { value, path },
    ]),
  );
  const strategies = [...found.values()].flatMap(({ value, path }): Clip[] => {
    const [first] = value;
    if (first === undefined || value.length > 1) {
      mistakes.at(path, 'a chain is measured in steps alone; give measure: step');
      return [];
    }
    if (find(parts.strategies, first.name).needs === 'backward') {
      notes.push(`${first.name} acts within the backward pass, so it is measured in steps alone`);
      return [];
    }
    return [clipOf(first.name, first.options)];
  });
  const several = { backend: listOf(backend), engine: listOf(engine) };
  return listOf(gradients?.entries ?? []).flatMap((entries) =>
    listOf(gradients?.tensors ?? []).flatMap((tensors) => {
      if (tensors > entries)
        mistakes.at(['gradients', 'tensors'], `${entries} entries can't fill ${tensors} tensors; give fewer`);
      return several.backend.flatMap((on) =>
        several.engine.map((by): Group => {
          const how = { backend: on, engine: by, numerics };
          const name = [
            `${entries} entries in ${tensors} ${tensors === 1 ? 'tensor' : 'tensors'}`,
            ...varyingNames(how, several),
          ].join(' · ');
          return { name, ...how, ...variantsOf(strategies, entries, tensors) };
        }),
      );
    }),
  );
}

function variantsOf(strategies: readonly Clip[], entries: number, tensors: number) {
  const facts = { entries, tensors };
  const made = strategies.map(
    (strategy): Variant => ({
      name: strategy.name,
      role: 'variant',
      work: { kind: 'clip', strategy, gradient: { entries, tensors } },
      facts: { ...facts, strategy: strategy.name },
    }),
  );
  // What does nothing costs nothing of note, which says little of the others.
  const [one] = made.some(({ name }) => name !== 'none') ? made.filter(({ name }) => name !== 'none') : made;
  const twin = `${one?.name} again`;
  const variants: Variant[] = [
    ...made,
    ...(one === undefined ? [] : [{ ...one, name: twin, role: 'again' as const }]),
    { name: 'copy', role: 'reference', work: { kind: 'copy', entries }, facts },
    { name: 'arithmetic', role: 'reference', work: { kind: 'arithmetic', sums: 1e6 }, facts: {} },
  ];
  const bytes = 4 * entries * COPIES * variants.filter(({ work }) => work.kind === 'clip').length;
  return { baseline: 'copy', again: { variant: one?.name ?? '', twin }, variants, alone: bytes > SHARE * totalmem() };
}

export const listOf = <T>(given: T | T[]): T[] => (Array.isArray(given) ? given : [given]);
