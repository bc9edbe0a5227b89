/** What a report has to say of a result set: its comparisons as `compared.ts` works them out, and the sentences written out again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leastP, pairsFor, scoreInterval, stepDown } from './by_hand.ts';
import {
  type Called,
  type Compared,
  comparedAll,
  type Declaration,
  declaration,
  distinct,
  has,
  isLost,
  type Row,
  rowsOf,
} from './compared.ts';
import { changes } from './retold_changes.ts';
import { and, column, counted, grouped, pText, shortened, withSign } from './written.ts';

export interface Retold {
  overview: string;
  answer: string[];
  /** What would change the answer. */
  changes: string[];
  power: string | undefined;
  /** Of the table: the heading of each setting, and the cells of each line. */
  table: { heading: string; lines: string[][] }[];
}

export function retold(folder: string, called: Called): Retold {
  const manifest = declaration.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  const [rows, failures] = [rowsOf(folder, 'runs.csv'), rowsOf(folder, 'failures.csv')];
  const compared = comparedAll(rows, manifest, called);
  const withheld = manifest.finished === undefined || manifest.compare_changed !== undefined || failures.length > 0;
  return {
    overview: overview(rows, failures.length, manifest.cells, called),
    answer: [...verdictWords(compared, rows, failures.length, manifest, called), lostWords(rows)],
    changes: withheld ? [] : changes(compared, rows, manifest, called),
    power: withheld ? undefined : powerWords(compared),
    table: distinct(compared.map(({ setting }) => setting)).map((heading) => ({
      heading,
      lines: lines(
        compared.filter(({ setting }) => setting === heading),
        compared,
        withheld,
      ),
    })),
  };
}

function overview(rows: Row[], failed: number, planned: number, called: Called): string {
  const lost = rows.filter(isLost).length;
  const open = planned - rows.length - failed;
  const became = and([
    `${rows.length - lost} completed`,
    `${lost} diverged`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(open > 0 ? [`${open} ${open === 1 ? 'has' : 'have'} not run yet`] : []),
  ]);
  const kinds = ['task', 'model', 'optimizer', 'learning_rate'].map((name) => {
    const values = distinct(rows.map((row) => row[name]));
    return `${counted(values.length, name.replace('_', ' '))} (${and(values)})`;
  });
  const strategies = distinct(rows.map((row) => row.strategy));
  const settings = distinct(rows.map(called.setting));
  const widest = Math.max(
    ...settings.map((own) => distinct(rows.filter((row) => called.setting(row) === own).map(called.config)).length),
  );
  const what = `${strategies.length} clip ${strategies.length === 1 ? 'strategy' : 'strategies'} (${and(strategies)})`;
  const where = `in ${counted(widest, 'configuration')} at each of ${counted(settings.length, 'setting')}`;
  const long = `over ${counted(distinct(rows.map(({ seed }) => seed)).length, 'seed')}, for ${and(distinct(rows.map(({ steps }) => steps)))} steps`;
  return `${counted(planned, 'run')}: ${became}. ${and(kinds)}; ${what} ${where}, ${long}.`;
}

function verdictWords(all: Compared[], rows: Row[], failed: number, manifest: Declaration, called: Called): string[] {
  const { compare, compare_changed: changed, finished } = manifest;
  if (compare === undefined)
    return ['No comparison was declared before running, so this report describes what happened and gives no verdict.'];
  if (changed !== undefined)
    return [
      `The comparison was declared after ${counted(changed.finished_runs, 'run')} had finished, so there is no verdict.`,
    ];
  if (finished === undefined) return ['The run is not finished, so there is no verdict yet.'];
  if (failed > 0)
    return [
      `${counted(failed, 'run')} failed, so there is no verdict: which seeds are missing may depend on what happened in them. The errors stand under Runs; the same command with --retry 'failed|timeout' runs ${failed === 1 ? 'it' : 'them'} again.`,
    ];
  const on = `${called.metric} ${compare.at === 'final' ? 'after the last step' : 'at the best evaluation'}, against ${called.baseline}`;
  const family = all.filter(({ declared }) => declared);
  // Of an entry, a configuration with runs at a setting where the baseline has some.
  const lacking = (compare.family ?? []).filter(({ expect: _, ...wanted }) => {
    const members = rows.filter((row) => has(row, wanted));
    return !members.some((row) =>
      all.some((one) => one.setting === called.setting(row) && one.name === called.config(row)),
    );
  });
  const never = family.filter(({ verdict }) => verdict === 'not possible').map(({ pairs }) => pairs);
  const few = never.length > 0 && never.length < family.length ? [neverWords(never)] : [];
  const more = [
    ...few,
    ...lackingWords(lacking.length),
    ...expectations(all, lacking.filter(({ expect }) => expect).length),
  ];
  const m = counted(family.length, 'comparison');
  if (family.every(({ verdict }) => verdict === 'not possible')) {
    const most = Math.max(...family.map(({ pairs }) => pairs));
    const tooFew = most < 6;
    const least = tooFew ? leastP(most) : Math.min(...stepDown(family.map(({ pairs }) => leastP(pairs))));
    const why = `with ${counted(most, 'paired seed')}${tooFew ? ' the smallest two-sided p is' : ` and ${m} under Holm the smallest p is`} ${pText(least)}`;
    const fewer = family.length > 1 && !tooFew ? ', or a family declared narrower' : '';
    return [
      `No verdict is possible on ${on}: ${why}, above 0.05. It would take ${pairsFor(family.length)} seeds${fewer}.`,
      ...more,
    ];
  }
  const decided = family.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
  const open = family.length - decided.length - never.length;
  const how = (verdict: string) => decided.filter((one) => one.verdict === verdict).length;
  const same = 'from the baseline; that is not evidence of equality.';
  const intro = `On ${on}, ${m} under Holm:`;
  if (decided.length > 6)
    return [
      `${intro} ${how('better')} better, ${how('worse')} worse, ${open} not separated. Section 1 lists them.`,
      ...more,
    ];
  if (decided.length === 0)
    return [`${intro} ${family.length === 1 ? 'it does not separate' : 'not one separates'} ${same}`, ...more];
  const rest = `${counted(open, 'other comparison')} ${open === 1 ? 'does' : 'do'} not separate ${same}`;
  return [intro, ...decided.map((one) => sentence(one, called)), ...(open > 0 ? [rest] : []), ...more];
}

function sentence({ name, verdict, setting, typical, pairs, lost, holm }: Compared, { baseline }: Called): string {
  const { estimate, low, high, confidence } = typical;
  const size = Number.isFinite(estimate)
    ? `typical paired difference ${withSign(estimate, shortened)}, ${Number((100 * confidence).toFixed(1))} % interval ${withSign(low, shortened)} to ${withSign(high, shortened)} (Hodges-Lehmann)`
    : 'the typical difference has no size, since a run that diverged, or ended without a finite value, ranks below every value';
  const seeds =
    lost.member + lost.baseline === 0
      ? `${pairs} seeds`
      : `${baseline} diverged on ${lost.baseline} of ${pairs} seeds, ${name} on ${lost.member}`;
  return `${name} was ${verdict} than ${baseline} at ${setting}: ${size}; ${seeds}; Holm p ${pText(holm)}.`;
}

function neverWords(pairs: readonly number[]): string {
  const [fewest, most] = [Math.min(...pairs), Math.max(...pairs)];
  const seeds = fewest === most ? counted(most, 'paired seed') : `${fewest} to ${counted(most, 'paired seed')}`;
  return `On ${pairs.length} of them no verdict is possible: ${seeds} could not decide, whatever the data.`;
}

function lackingWords(n: number): string[] {
  if (n === 0) return [];
  const [what, it] =
    n === 1
      ? ['1 entry of the declared family has', 'it is']
      : [`${n} entries of the declared family have`, 'they are'];
  return [`${what} no runs to compare, so ${it} not counted here; section 1 says why.`];
}

function expectations(all: Compared[], untested: number): string[] {
  const stated = all.filter(({ expected }) => expected !== undefined);
  if (stated.length + untested === 0) return [];
  const missed = stated.filter(({ expected, verdict }) => expected !== verdict);
  return [
    `Of ${counted(stated.length + untested, 'expectation')} stated beforehand, ${stated.length - missed.length} came true${untested > 0 ? ` and ${untested} could not be tested` : ''}.`,
    ...missed.map((m) => `${m.name} at ${m.setting} was expected to be ${m.expected}, and came out ${m.verdict}.`),
  ];
}

function lostWords(rows: Row[]): string {
  if (!rows.some(isLost)) return `None of the ${counted(rows.length, 'run')} diverged.`;
  const each = distinct(rows.map(({ strategy }) => strategy)).map((name) => {
    const own = rows.filter(({ strategy }) => strategy === name);
    return `${name} ${own.filter(isLost).length} of ${own.length}`;
  });
  return `Diverged, over all settings and thresholds: ${each.join(', ')}.`;
}

function powerWords(all: Compared[]): string | undefined {
  const family = all.filter(({ declared }) => declared);
  if (family.length === 0) return undefined;
  const numbers = family.map(({ pairs }) => pairs);
  const [fewest, most] = [Math.min(...numbers), Math.max(...numbers)];
  const range = fewest === most ? `${most}` : `${fewest} to ${most}`;
  const least = Math.min(...stepDown(numbers.map(leastP)));
  const p = `${pText(leastP(most))}, ${pText(least)} after Holm over ${counted(family.length, 'comparison')}.`;
  const takes = `It takes ${counted(pairsFor(family.length), 'seed')} to get below 0.05${family.length > 1 ? ' with so many comparisons' : ''}.`;
  if (most < 6)
    return `With ${range} paired ${most === 1 ? 'seed' : 'seeds'} no verdict is possible: even if every seed agreed, the two-sided p would be ${p} ${takes} The data are shown below.`;
  const so =
    least > 0.05
      ? `So no verdict is possible in this family, whatever the data. ${takes}`
      : 'So a verdict is possible.';
  return `With ${range} paired seeds the smallest two-sided p that any data could reach is ${p} ${so}`;
}

/** Cells of the table of one setting: numbers of a column have the same decimals. */
function lines(own: Compared[], all: Compared[], withheld: boolean): string[][] {
  const confidences = distinct(
    all.filter(({ pairs }) => pairs >= 6).map(({ typical }) => (100 * typical.confidence).toFixed(1)),
  );
  const write = column(own.map(({ typical: { estimate, low, high } }) => [estimate, low, high]));
  const rate = (k: number, n: number) => {
    if (n === 0) return '–';
    const { low, high } = scoreInterval(k, n);
    return `${k}/${n} (${Math.round(100 * low)}–${Math.round(100 * high)}\u202F%)`;
  };
  return own.map(({ name, verdict, typical, pairs, p, holm, declared, lost, mcnemar }, i) => {
    const text = (x: number) => withSign(x, (value) => write[i]?.(value) ?? '');
    const each = confidences.length === 1 ? '' : ` (${Number((100 * typical.confidence).toFixed(1))}\u202F%)`;
    const told = (value: number) => (declared ? pText(value) : '–');
    return [
      name,
      withheld && declared ? 'withheld' : verdict,
      pairs === 0 ? '–' : text(typical.estimate),
      pairs < 6 ? '–' : `${text(typical.low)} to ${text(typical.high)}${each}`,
      told(p),
      told(holm),
      rate(lost.member, pairs),
      rate(lost.baseline, pairs),
      told(mcnemar),
      grouped(pairs),
    ];
  });
}
