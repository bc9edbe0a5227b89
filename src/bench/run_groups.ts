/** What takes turns where `clipbench run` is measured: as many workers or runs as the file says. */
import { type Block, cellsOf } from '../matrix/block.ts';
import type { Path } from '../matrix/document.ts';
import type { Mistakes } from '../matrix/mistakes.ts';
import type { BenchSettings } from './bench_file.ts';
import { listOf } from './clip_groups.ts';
import type { Group, Variant } from './variant.ts';

/** Of a matrix. */
const MOST_SEEDS = 1000;

export function runGroups(
  { block, path }: { block: Block; path: Path },
  { workers = 1, cells: counts, question, backend, engine }: BenchSettings,
  folder: string,
  mistakes: Mistakes,
): Group[] {
  const one = cellsOf(new Map([...block, ['seeds', { value: [0], path }]]), path, folder, mistakes);
  const all = cellsOf(block, path, folder, mistakes);
  const [first] = all;
  if (first === undefined) return [];
  const [on = 'auto', ...backends] = listOf(backend);
  const [by = 'compiled', ...engines] = listOf(engine);
  if (backends.length + engines.length > 0) mistakes.at(['backend'], 'measure run takes one backend and one engine');
  const rest = Object.fromEntries([...block].map(([key, { value }]) => [key, value]));
  const variants = listOf(counts ?? all.length).flatMap((count) =>
    listOf(workers).map((jobs): Variant => {
      if (count % one.length !== 0)
        mistakes.at(['cells'], `${count} cells aren't a multiple of ${one.length}, which the matrix has for each seed`);
      if (counts !== undefined && count / one.length > MOST_SEEDS)
        mistakes.at(
          ['cells'],
          `${count} cells would take ${count / one.length} seeds; give up to ${MOST_SEEDS * one.length}`,
        );
      const experiment = JSON.stringify({
        question,
        ...rest,
        seeds: counts === undefined ? rest.seeds : count / one.length,
      });
      return {
        name: `${count} cells, ${jobs} ${jobs === 1 ? 'worker' : 'workers'}`,
        role: 'variant',
        work: { kind: 'run', experiment, workers: jobs },
        facts: { task: first.task.name, model: first.model.name, workers: jobs, cells: count },
      };
    }),
  );
  const [base] = variants;
  if (base === undefined) return [];
  const twin = `${base.name} again`;
  return [
    {
      name: `${first.task.name} · ${first.model.name}`,
      backend: on,
      engine: by,
      numerics: first.numerics,
      baseline: base.name,
      again: { variant: base.name, twin },
      variants: [
        { ...base, role: 'baseline' },
        ...variants.slice(1),
        { ...base, name: twin, role: 'again' },
        { name: 'arithmetic', role: 'reference', work: { kind: 'arithmetic', sums: 1e8 }, facts: {} },
      ],
      alone: false,
    },
  ];
}
