/** Two result sets, joined by cell: what changed from A to B, and whether anything became worse. Pure. */
import type { Manifest } from '../manifest.ts';
import { holm } from '../stats/holm.ts';
import { smallestP } from '../stats/sign-flip.ts';
import { type Comparison, outcomeOf, verdictOf } from './comparison.ts';
import { type Config, type Design, design, type Setting } from './design.ts';
import { comparePairs } from './paired.ts';
import { type Row, text } from './row.ts';

export interface ResultSet {
  manifest: Manifest;
  runs: readonly Row[];
  failures: readonly Row[];
}

export interface Difference {
  what: string;
  a: string;
  b: string;
}

export interface Change {
  /** Of the environment and the code. Where the first are none, the same code gives the same bits. */
  environment: Difference[];
  code: Difference[];
  /** Cells with a result in A alone, in B alone, and in both. */
  onlyA: string[];
  onlyB: string[];
  shared: number;
  /** Of the shared ones those whose every byte in runs.csv is the same. */
  same: number;
  /** Runs that completed in A and not in B: they diverged, or failed. */
  lost: { id: string; how: 'diverged' | 'failed'; where: string }[];
  /** B against A by configuration, over seeds: of those whose metric differs in any run. */
  comparisons: Comparison[];
  /** Why B may not take the place of A; none: nothing became worse as far as the seeds can tell. */
  regressions: string[];
}

const facts = ({ manifest }: ResultSet, kind: 'environment' | 'code'): Record<string, string | number> =>
  kind === 'environment'
    ? { ...manifest.fingerprint, ...manifest.versions, ...manifest.machine }
    : { source: manifest.code.source, 'package-lock.json': manifest.code.lockfile_sha256 };

export function changeBetween(a: ResultSet, b: ResultSet, metric?: string): Change {
  const [before, after] = [byCell(a), byCell(b)];
  const failed = new Set(b.failures.map((row) => text(row, 'cell_id')));
  const shared = [...before.keys()].filter((id) => after.has(id));
  const differing = new Set(shared.filter((id) => !isSame(before.get(id), after.get(id))));
  const [environment, code] = [differences(a, b, 'environment'), differences(a, b, 'code')];
  const comparisons = comparisonsOf(a, b, differing, metric);
  const lost = [...before].flatMap(([id, row]): Change['lost'] => {
    if (text(row, 'status') !== 'completed') return [];
    const how = failed.has(id) ? 'failed' : text(after.get(id) ?? {}, 'status') === 'diverged' ? 'diverged' : undefined;
    return how === undefined ? [] : [{ id, how, where: whereOf(row) }];
  });
  return {
    environment,
    code,
    onlyA: [...before.keys()].filter((id) => !after.has(id)),
    onlyB: [...after.keys()].filter((id) => !before.has(id)),
    shared: shared.length,
    same: shared.length - differing.size,
    lost,
    comparisons,
    regressions: [
      ...(shared.length === 0 ? ['no cell has a result in both'] : []),
      ...comparisons.filter(({ verdict }) => verdict === 'worse').map(({ title }) => `${title} became worse`),
      ...lost.filter(({ how }) => how === 'failed').map(({ id, where }) => `run ${id} (${where}) failed`),
      ...unrepeatable(a, b, differing.size, code),
    ],
  };
}

/** The same code in the same environment has to give the same bytes. */
function unrepeatable(a: ResultSet, b: ResultSet, differing: number, code: Difference[]): string[] {
  const isOneEnvironment = a.manifest.fingerprint_id === b.manifest.fingerprint_id;
  const sources = new Set([a, b].flatMap(({ manifest }) => Object.keys(manifest.computed_by)));
  if (differing === 0 || !isOneEnvironment || code.length > 0 || sources.size > 1) return [];
  return [`${differing} runs have other bytes though environment and code are the same`];
}

function comparisonsOf(a: ResultSet, b: ResultSet, differing: Set<string>, metric: string | undefined): Comparison[] {
  const now = configsByCell(design(b.runs, b.manifest));
  const open = design(a.runs, a.manifest).settings.flatMap((setting) =>
    setting.configs.flatMap((before) => {
      const after = before.runs.flatMap(({ id }) => now.get(id) ?? [])[0];
      if (after === undefined || !before.runs.some(({ id }) => differing.has(id))) return [];
      const measure = measured(setting, a.manifest, metric);
      if (measure === undefined) return [];
      const compared = comparePairs(setting, onlyShared(after, before), before, { ...measure, isDeclared: true });
      // Equal to the last digit in every run: whatever differs, it isn't this, and no verdict could be false.
      if (compared.differences.every((difference) => difference === 0)) return [];
      return [{ ...compared, title: `${before.name} at ${setting.label}` }];
    }),
  );
  const adjusted = holm(open.map(({ p }) => p));
  const reachable = holm(open.map(({ pairs }) => smallestP(pairs)));
  return open.map((comparison, i) => {
    const own = adjusted[i] ?? 1;
    return { ...comparison, holm: own, verdict: verdictOf(comparison, own, reachable[i] ?? 1) };
  });
}

/** The metric asked for, or the declared one, or the task's own on validation data after the last step. */
function measured(setting: Setting, { compare }: Manifest, metric: string | undefined) {
  const wanted = metric ?? compare?.metric ?? `val_${setting.metric?.name ?? 'loss'}`;
  return outcomeOf(setting, { metric: wanted, at: metric === undefined ? (compare?.at ?? 'final') : 'final' });
}

/** A configuration of B with the cells that A has too: the same seed may stand for another cell. */
function onlyShared(after: Config, before: Config): Config {
  const ids = new Set(before.runs.map(({ id }) => id));
  return { ...after, runs: after.runs.filter(({ id }) => ids.has(id)) };
}

function configsByCell({ settings }: Design): Map<string, Config> {
  const all = settings.flatMap(({ configs }) => configs);
  return new Map(all.flatMap((config) => config.runs.map(({ id }): [string, Config] => [id, config])));
}

const byCell = ({ runs }: ResultSet) => new Map(runs.map((row) => [text(row, 'cell_id'), row]));

const isSame = (a: Row = {}, b: Row = {}): boolean => Object.keys(a).every((column) => a[column] === b[column]);

const whereOf = (row: Row): string =>
  [...['task', 'model', 'strategy', 'threshold'].map((column) => text(row, column)), `seed ${text(row, 'seed')}`]
    .filter((part) => part !== '')
    .join(' · ');

function differences(a: ResultSet, b: ResultSet, kind: 'environment' | 'code'): Difference[] {
  const [before, after] = [facts(a, kind), facts(b, kind)];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((what) => {
    const [own, other] = [before, after].map((record) => String(record[what] ?? 'none'));
    return own === other ? [] : [{ what, a: own ?? '', b: other ?? '' }];
  });
}
