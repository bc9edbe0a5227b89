/**
 * `tune`: what of an experiment is chosen by trials before anything is compared. All cells that differ only in what is tuned are one
 * contest; each contest has the same number of trials, on the tuning seeds, and the trial with the best validation score is run
 * again on the seeds of the matrix, which are others. Only those runs are compared, and only they read the test split.
 */
import { canonical } from '../canonical.ts';
import type { Tune } from '../manifest.ts';
import { withThreshold } from '../parts.ts';
import { bestTrial } from '../stats/selection.ts';
import type { Cell } from '../types.ts';
import { cellId, cellsById, hashOf } from './identity.ts';

/** What a trial tries. */
export type Point = Pick<Cell, 'learning_rate' | 'strategy'>;

/** Cells that differ in nothing but the seed and what is tuned. */
export interface Contest {
  /** One of them. */
  cell: Cell;
  /** As written, each once, in matrix order. */
  points: Point[];
  seeds: number[];
}

export interface Tuning {
  tune: Tune;
  contests: Contender[];
  /** The runs of all trials, in the order of contests, trials, and tuning seeds. */
  cells: Map<string, Cell>;
}

/** A contest with its trials. */
interface Contender extends Contest {
  /** Ids of the runs of each trial, one for each tuning seed. */
  trials: string[][];
}

/** In the order of the matrix. */
export function contestsOf(cells: Cell[], over: Tune['over']): Contest[] {
  const contests = new Map<string, Contest & { known: Set<string> }>();
  for (const cell of cells) {
    const key = canonical({ ...cell, ...blank(cell, over), seed: 0 });
    const contest = contests.get(key) ?? { cell, points: [], seeds: [], known: new Set() };
    contests.set(key, contest);
    const { learning_rate, strategy } = cell;
    const point = canonical({ learning_rate, strategy });
    if (!contest.known.has(point)) contest.points.push({ learning_rate, strategy });
    contest.known.add(point);
    if (!contest.seeds.includes(cell.seed)) contest.seeds.push(cell.seed);
  }
  return [...contests.values()].map(({ known: _, ...contest }) => contest);
}

/** Of each contest, named by a hash of what it doesn't tune: a hash of what it tries. */
export const searchOf = ({ contests, tune }: Tuning): Record<string, string> =>
  Object.fromEntries(
    contests.map(({ cell, trials }) => [
      cellId({ ...cell, ...blank(cell, tune.over), seed: 0 }),
      hashOf(canonical(trials)),
    ]),
  );

/** What is tuned, taken out. */
function blank({ learning_rate, strategy }: Point, over: Tune['over']): Point {
  return {
    learning_rate: over.includes('learning_rate') ? 0 : learning_rate,
    strategy: over.includes('threshold') ? strategy.map((clip) => withThreshold(clip, 0)) : strategy,
  };
}

/** @param pointsOf what each contest tries, trial by trial */
export function withTrials(tune: Tune, contests: Contest[], pointsOf: (contest: Contest) => Point[]): Tuning {
  const tried = contests.map((contest) => {
    const points = pointsOf(contest);
    const trials = points.map((point, trial) => tune.seeds.map((seed) => trialCell(contest, point, trial, seed)));
    return { contest, points, trials };
  });
  const cells = cellsById(tried.flatMap(({ trials }) => trials.flat()));
  const idOf = new Map([...cells].map(([id, cell]) => [cell, id]));
  const ids = (trial: Cell[]) => trial.map((cell) => idOf.get(cell) ?? '');
  return {
    tune,
    contests: tried.map(({ contest, points, trials }) => ({ ...contest, points, trials: trials.map(ids) })),
    cells,
  };
}

const trialCell = ({ cell }: Contest, point: Point, trial: number, seed: number): Cell => ({
  ...cell,
  ...point,
  seed,
  phase: 'tune',
  trial,
});

/** The same trial as it is confirmed. */
const confirmCells = ({ cell, seeds }: Contest, point: Point): Cell[] =>
  seeds.map((seed) => ({ ...cell, ...point, seed }));

/**
 * What will be compared, as far as it is known before any trial: of each contest the first point, all at one learning rate where that is
 * tuned.
 */
export function representatives({ contests, tune: { over } }: Tuning): Cell[] {
  const rate = contests[0]?.points[0]?.learning_rate ?? 0;
  return contests.flatMap((contest) => {
    const [first = contest.cell] = contest.points;
    const point = {
      strategy: first.strategy,
      learning_rate: over.includes('learning_rate') ? rate : first.learning_rate,
    };
    return confirmCells(contest, point);
  });
}

/** How many runs will be compared. */
export const confirmCount = ({ contests }: Tuning): number =>
  contests.reduce((sum, { seeds }) => sum + seeds.length, 0);

/**
 * The runs that confirm what was chosen, of every contest whose trials all have a result.
 *
 * @param scoreOf validation score of a trial's run, higher is better; `lost` where it diverged, undefined while there is no result
 */
export function confirmed(
  tuning: Tuning,
  scoreOf: (cell_id: string) => number | 'lost' | undefined,
): Map<string, Cell> {
  const chosen = tuning.contests.flatMap((contest) => {
    const scores = contest.trials.map((trial) => trial.map(scoreOf));
    if (scores.some((trial) => trial.includes(undefined))) return [];
    const best = bestTrial(scores.map((trial) => trial.map((score) => (score === 'lost' ? undefined : score))));
    const point = contest.points[best];
    return point === undefined ? [] : confirmCells(contest, point);
  });
  return cellsById(chosen);
}
