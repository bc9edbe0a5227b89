/** What an experiment says of its comparison, checked against its cells: a slip would otherwise be noticed when all has been run. */
import { type Described, isMeant, isNameIn, namesIn, textOf } from '../addresses.ts';
import { canonical } from '../canonical.ts';
import { baselineName, baselineOf, type Compare, compareSchema, expectations, memberOf } from '../manifest.ts';
import { build, find, parts } from '../parts.ts';
import type { Cell } from '../types.ts';
import { isRecord } from './choices.ts';
import type { Path } from './document.ts';
import { identityOf, strategyName } from './identity.ts';
import { checkKeys, type Mistakes, shown } from './mistakes.ts';

/** The declared comparison; its names must occur in the cells. */
export function compareOf(written: unknown, cells: Cell[], mistakes: Mistakes): Compare | undefined {
  if (written === undefined) return undefined;
  const checked = compareSchema.safeParse(written);
  if (!checked.success) {
    const known = Object.keys(compareSchema.shape);
    if (isRecord(written)) checkKeys(written, ['compare'], known, mistakes);
    else mistakes.at(['compare'], `compare is ${shown(written)}; it takes ${known.join(', ')}`);
    mistakes.issues('compare', checked.error.issues, written, ['compare'], (option) => ['compare', option]);
    return undefined;
  }
  const compare = checked.data;
  checkBaseline(compare, cells, mistakes);
  const metric = compare.metric.replace(/^[a-z]+_/, '');
  // Options may choose it: a csv_file is a classification or a regression.
  for (const task of new Set(cells.map((cell) => cell.task))) {
    const own = build(find(parts.tasks, task.name), task).metric.name;
    if (metric !== own && metric !== 'loss') {
      mistakes.unknown(['compare', 'metric'], `metric of task "${task.name}":`, metric, [own, 'loss']);
    }
  }
  checkAt(compare, cells, mistakes);
  checkFamily(compare, cells, mistakes);
  return compare;
}

/** What is there of the validation metric alone, and, of steps to a target, with a target alone. */
function checkAt({ at, metric }: Compare, cells: Cell[], mistakes: Mistakes): void {
  if (at !== 'area' && at !== 'steps_to_target') return;
  if (!metric.startsWith('val_') || metric === 'val_loss') {
    mistakes.at(
      ['compare', 'metric'],
      `metric is ${metric}, but at: ${at} is of the task's own metric on validation data; write val_ and its name, as val_accuracy`,
    );
  }
  const without = at === 'steps_to_target' && cells.find(({ target }) => target === undefined);
  if (without) {
    mistakes.at(
      ['compare', 'at'],
      `at is steps_to_target, but task "${without.task.name}" has no target; say which metric counts as reached, as target: 0.9`,
    );
  }
}

/** The baseline is a strategy that runs, or names runs of one. */
function checkBaseline(compare: Compare, cells: Cell[], mistakes: Mistakes): void {
  const path = ['compare', 'baseline'];
  const { baseline } = compare;
  if (typeof baseline === 'string') {
    const names = [...new Set(cells.map(({ strategy }) => strategyName(strategy)))];
    if (names.includes(baseline)) checkSingle(compare, cells, mistakes, path);
    else mistakes.unknown(path, 'baseline', baseline, names);
    return;
  }
  const rows = cells.map(identityOf);
  const known = namesIn(rows).filter((key) => /^(strategy|threshold)\b/.test(key));
  const slips = Object.keys(baseline).filter((key) => !known.includes(key));
  for (const key of slips) mistakes.unknown(path, 'key of the baseline:', key, known, key);
  if (baseline.strategy === undefined) {
    mistakes.at(path, 'baseline names no strategy; say which, as {strategy: global_norm, threshold: 1}');
  } else if (slips.length === 0 && !rows.some((row) => isMeant(row, baseline))) {
    mistakes.at(path, `no run is of "${baselineName(compare)}"; change the baseline or the matrix`);
  } else checkSingle(compare, cells, mistakes, path);
}

/** At no setting the baseline may be several configurations: which one would be the baseline? */
function checkSingle(compare: Compare, cells: Cell[], mistakes: Mistakes, path: Path): void {
  const meant = cells.filter((cell) => isMeant(identityOf(cell), baselineOf(compare)));
  const seen = new Map<string, string>();
  for (const { strategy, seed: _, ...setting } of meant) {
    const [key, own] = [canonical(setting), canonical(strategy)];
    if ((seen.get(key) ?? own) !== own) {
      mistakes.at(
        path,
        `"${baselineName(compare)}" has several configurations at one setting; say which is the baseline, as {strategy: global_norm, threshold: 1}`,
      );
      return;
    }
    seen.set(key, own);
  }
}

/** Every entry of the family must single out runs: a slip would otherwise be noticed when all has been run. */
function checkFamily(compare: Compare, cells: Cell[], mistakes: Mistakes): void {
  const { family } = compare;
  const rows = cells.map(identityOf).filter((row) => !isMeant(row, baselineOf(compare)));
  if (family?.length === 0)
    mistakes.at(['compare', 'family'], 'family is an empty list; leave it out for all comparisons');
  refuseContradictions(compare, rows, mistakes);
  family?.forEach((entry, i) => {
    const path = ['compare', 'family', i];
    const { expect, against } = entry;
    const { runs: columns, against: others } = memberOf(entry);
    const keys = Object.keys(columns);
    if (expect !== undefined && !expectations.some((known) => known === expect)) {
      mistakes.unknown([...path, 'expect'], 'expectation', String(expect), [...expectations]);
    }
    if (expect === 'equivalent' && compare.margin === undefined) {
      mistakes.at(
        [...path, 'expect'],
        'expect is equivalent, but no margin says up to which difference; add margin beside baseline, as margin: 0.01',
      );
    }
    if (keys.length === 0) {
      mistakes.at(path, `a family entry is empty; say which runs, by ${namesIn(rows).join(', ')}`);
      return;
    }
    const slips = [...new Set([...keys, ...Object.keys(others ?? {})])].filter((key) => !isNameIn(rows, key));
    for (const key of slips) mistakes.unknown(path, 'key of a family entry:', key, namesIn(rows), key);
    if (against !== undefined) checkAgainst(against, [columns, others], cells, mistakes, path, slips);
    else if (slips.length === 0 && !rows.some((row) => isMeant(row, columns))) {
      const values = keys.map((key) => `${key} ${textOf(columns[key])}`).join(', ');
      mistakes.at(
        path,
        `no run other than of "${baselineName(compare)}" has ${values}; change the entry or the matrix`,
      );
    }
  });
}

/** A comparison counts for the first entry that means it: a later one would lose its expectation. */
function refuseContradictions({ family = [] }: Compare, rows: Described[], mistakes: Mistakes): void {
  const stated = family.map(memberOf);
  const whose = rows.map((row) => stated.findIndex(({ runs, against }) => !against && isMeant(row, runs)));
  for (const [i, { runs, against, expected }] of stated.entries()) {
    if (against !== undefined || expected === undefined) continue;
    const earlier = rows.findIndex((row, k) => {
      const first = whose[k] ?? -1;
      return isMeant(row, runs) && first !== i && first >= 0 && stated[first]?.expected !== expected;
    });
    if (earlier < 0) continue;
    mistakes.at(
      ['compare', 'family', i],
      `expects ${expected} of runs that entry ${1 + (whose[earlier] ?? 0)} of the family names before; put this one first, or narrow that`,
    );
  }
}

/** A comparison that names what it is against takes one configuration on either side, of one task. */
function checkAgainst(
  against: unknown,
  sides: (Record<string, unknown> | undefined)[],
  cells: Cell[],
  mistakes: Mistakes,
  path: Path,
  slips: string[],
): void {
  const own = [...path, 'against'];
  if (!isRecord(against) || Object.keys(against).length === 0) {
    mistakes.at(own, `against is ${shown(against)}; it takes what differs from the entry, as {learning_rate: 0.01}`);
    return;
  }
  if ('task' in against) mistakes.at(own, 'against names a task; results of different tasks cannot be compared');
  if (slips.length > 0) return;
  for (const side of sides) {
    const meant = cells.filter((cell) => side !== undefined && isMeant(identityOf(cell), side));
    const configurations = new Set(meant.map((cell) => canonical({ ...cell, seed: 0 })));
    const values = Object.entries(side ?? {}).map(([key, value]) => `${key} ${textOf(value)}`);
    if (configurations.size === 1) continue;
    const several = `${configurations.size} configurations have`;
    mistakes.at(own, `${configurations.size === 0 ? 'no run has' : several} ${values.join(', ')}; it takes one`);
  }
}
