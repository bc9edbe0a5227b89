/** What would change a report's answer: the study once more without each of its seeds, or by the other evaluation, in sentences. */
import { type Called, type Compared, comparedAll, type Declaration, distinct, type Row } from './compared.ts';
import { counted, grouped, shortened, withSign } from './written.ts';

/** None where there is no verdict that could change. `compared` is what was found with all seeds. */
export function changes(compared: Compared[], rows: Row[], manifest: Declaration, called: Called): string[] {
  const { compare } = manifest;
  const tested = compared.filter(({ declared, verdict }) => declared && verdict !== 'not possible');
  if (compare === undefined || tested.length === 0) return [];
  const other = compare.at === 'final' ? 'best' : 'final';
  const otherwise = comparedAll(rows, { ...manifest, compare: { ...compare, at: other } }, called);
  const [now, then] = other === 'best' ? ['last step', 'best evaluation'] : ['best evaluation', 'last step'];
  return [
    ...seedWords(compared, tested, rows, manifest, called),
    `Had the ${then} been declared instead of the ${now}: ${otherWords(tested, otherwise)}.`,
    ...roomWords(tested),
  ];
}

const inFull = ({ name, setting }: Compared): string => `${name} at ${setting}`;
const same = (one: Compared) => (other: Compared) => inFull(one) === inFull(other);

/** What each seed decides is seen by leaving its runs out of the study. */
function seedWords(all: Compared[], tested: Compared[], rows: Row[], manifest: Declaration, called: Called): string[] {
  const decided = tested.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
  if (decided.length === 0) return [];
  const seeds = distinct(all.filter(({ declared }) => declared).flatMap((one) => one.seeds));
  const without = seeds.map((seed) =>
    comparedAll(
      rows.filter((row) => row.seed !== seed),
      manifest,
      called,
    ).filter(({ declared }) => declared),
  );
  if (without.flat().every(({ verdict }) => verdict === 'not possible'))
    return ['One seed less, and no verdict could have been reached, whatever the data: it takes all of them.'];
  const held = decided.map((one) => ({
    one,
    by: without.filter((left) => left.find(same(one))?.verdict !== one.verdict).length,
  }));
  const fragile = held.filter(({ by }) => by > 0);
  const n = decided.length;
  if (fragile.length === 0) {
    const all = n === 1 ? 'the verdict stays' : n === 2 ? 'both verdicts stay' : `all ${grouped(n)} verdicts stay`;
    return [`One seed less: ${all}, whichever is left out.`];
  }
  if (fragile.length > 3) return [`One seed less: ${fragile.length} of ${n} verdicts hang on single seeds.`];
  const each = fragile.map(
    ({ one, by }) =>
      `${inFull(one)} is no longer ${one.verdict} without any one of ${by} of the ${counted(seeds.length, 'seed')}`,
  );
  const rest = n - fragile.length;
  const stay = rest === 0 ? [] : [rest === 1 ? '1 other verdict stays' : `${rest} other verdicts stay`];
  return [`One seed less: ${[...each, ...stay].join('; ')}.`];
}

function otherWords(tested: Compared[], otherwise: Compared[]): string {
  const changed = tested.flatMap((one) => {
    const verdict = otherwise.find(same(one))?.verdict;
    return verdict === one.verdict ? [] : [`${inFull(one)} would be ${verdict} in place of ${one.verdict}`];
  });
  if (changed.length === 0) return 'the verdicts would be the same';
  return changed.length > 3 ? `${changed.length} verdicts would be others` : changed.join('; ');
}

function roomWords(tested: Compared[]): string[] {
  const open = tested.filter(({ verdict }) => verdict === 'not separated');
  const room = ({ typical: { low, high } }: Compared) => Math.max(-low, low, -high, high);
  const most = Math.max(...open.map(room));
  const [widest] = open.filter((one) => room(one) === most);
  if (widest === undefined) return [];
  const [low, high] = [widest.typical.low, widest.typical.high].map((end) => withSign(end, shortened));
  return [
    `What is not separated may still differ: the interval that reaches furthest, of ${inFull(widest)}, runs from ${low} to ${high}.`,
  ];
}
