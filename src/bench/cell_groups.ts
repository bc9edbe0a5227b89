/** What takes turns where steps or runs are measured: cells that differ only in what the baseline names. */
import { canonical } from '../canonical.ts';
import { identityOf } from '../matrix/identity.ts';
import { type Mistakes, shown } from '../matrix/mistakes.ts';
import { settingColumns } from '../report/design.ts';
import type { Row } from '../report/row.ts';
import { varying } from '../report/vary.ts';
import { sizeOf } from '../size.ts';
import type { Cell } from '../types.ts';
import type { BenchSettings } from './bench_file.ts';
import { listOf } from './clip_groups.ts';
import { varyingNames } from './names.ts';
import type { Facts, Group, Role, Variant } from './variant.ts';

const columns = [
  'task',
  'task_options',
  'model',
  'model_options',
  'optimizer',
  'learning_rate',
  'optimizer_options',
  'strategy',
  'threshold',
  'strategy_options',
];

export function cellGroups(cells: readonly Cell[], settings: BenchSettings, mistakes: Mistakes): Group[] {
  const { baseline, measure } = settings;
  const keys = Object.keys(baseline);
  const known = ['strategy', 'optimizer', ...Object.keys(cells[0] ?? {})];
  const unknown = keys.find((key) => !known.includes(key));
  if (cells.length > 0 && unknown !== undefined)
    mistakes.unknown(['baseline'], 'key of baseline', unknown, known, unknown);
  const shared = cells.map((cell) => canonical(without(cell, keys)));
  const groups = [...new Set(shared)].map((key) => cells.filter((_, i) => shared[i] === key));
  const heads = groups.flatMap(([first]) => (first === undefined ? [] : [rowOf(first)]));
  const labels = varying(
    heads,
    [...settingColumns, 'strategy', 'strategy_options'].filter((column) => !keys.includes(column)),
  );
  const several = { backend: listOf(settings.backend), engine: listOf(settings.engine) };
  return groups.flatMap((own, i) => {
    const [first] = own;
    if (first === undefined) return [];
    const label = labels[i]?.join(' · ') || `${first.task.name} · ${first.model.name}`;
    const variants = variantsOf(own, baseline, measure === 'training' ? 'training' : 'step');
    const base = variants.find(({ role }) => role === 'baseline');
    if (base === undefined) {
      mistakes.at(['baseline'], `no variant of ${label} has ${shown(baseline)}; add one, or name another baseline`);
      return [];
    }
    return several.backend.flatMap((on) =>
      several.engine.map((by): Group => {
        const how = { backend: on, engine: by, numerics: first.numerics };
        const twin = `${base.name} again`;
        return {
          name: [label, ...varyingNames(how, several)].join(' · '),
          ...how,
          baseline: base.name,
          again: { variant: base.name, twin },
          variants: [...variants, { ...base, name: twin, role: 'again' }, ...references(base.facts)],
          alone: false,
        };
      }),
    );
  });
}

function variantsOf(cells: readonly Cell[], baseline: BenchSettings['baseline'], kind: 'step' | 'training'): Variant[] {
  const names = varying(cells.map(rowOf), [
    ...columns,
    ...settingColumns.filter((column) => !columns.includes(column)),
  ]);
  const role = (cell: Cell): Role =>
    Object.entries(baseline).every(([key, value]) => text(cell, key) === String(value)) ? 'baseline' : 'variant';
  const roles = cells.map(role);
  return cells.map((cell, i) => ({
    name: nameOf(names[i] ?? []) || String(identityOf(cell).strategy),
    // The first that fits; others that do, as a threshold each, are variants.
    role: roles.indexOf('baseline') === i ? 'baseline' : 'variant',
    work: { kind, cell },
    facts: factsOf(cell),
  }));
}

/** `norm 0.1`, as reports have it; what others have and it lacks goes without saying. */
const nameOf = (told: readonly string[]): string =>
  told
    .filter((part) => !part.startsWith('no '))
    .map((part) => part.replace(/^threshold /, ''))
    .join(' ');

function factsOf(cell: Cell): Facts {
  const { shape, parameters, names } = sizeOf(cell.task, cell.model);
  const { task, model, optimizer, strategy, batch_size } = identityOf(cell);
  const { input, vocabulary, times } = shape;
  // Steps of features, or tokens.
  const length = times ?? (input.length === 2 || vocabulary !== undefined ? input[0] : undefined);
  const size = { parameters, entries: parameters, tensors: names.length };
  return {
    task,
    model,
    optimizer,
    strategy,
    batch_size,
    ...size,
    ...(length !== undefined && { length }),
  };
}

const references = ({ entries }: Facts): Variant[] => [
  {
    name: 'copy',
    role: 'reference',
    work: { kind: 'copy', entries: Number(entries) },
    facts: { entries: Number(entries) },
  },
  { name: 'arithmetic', role: 'reference', work: { kind: 'arithmetic', sums: 1e6 }, facts: {} },
];

const text = (cell: Cell, key: string): string =>
  String(
    Object.entries(identityOf(cell)).find(([column]) => column === key)?.[1] ??
      Object.entries(cell).find(([name]) => name === key)?.[1],
  );

/** All of a cell that its group shares. An optimizer's rate is its own. */
const without = (cell: Cell, keys: readonly string[]) =>
  Object.fromEntries(
    Object.entries(cell).filter(
      ([key]) => !keys.includes(key) && !(key === 'learning_rate' && keys.includes('optimizer')),
    ),
  );

/** As it would stand in runs.csv. */
const rowOf = (cell: Cell): Row =>
  Object.fromEntries(
    Object.entries(identityOf(cell)).map(([column, value]) => [
      column,
      value === undefined ? '' : typeof value === 'object' ? canonical(value) : String(value),
    ]),
  );
