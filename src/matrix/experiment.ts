/** An experiment file: one question, and the matrix of runs that is to answer it. */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Compare } from '../manifest.ts';
import { type Cell, UsageError } from '../types.ts';
import { type Adjustments, smokeCells, withSet } from './adjustments.ts';
import type { Located } from './axes.ts';
import { type Block, blockKeys, cellsOf } from './block.ts';
import { isRecord } from './choices.ts';
import { compareOf } from './comparison.ts';
import { type Path, parseDocument, readText } from './document.ts';
import { cellsById } from './identity.ts';
import { checkKeys, type Mistakes, mistakesIn, shown } from './mistakes.ts';
import { refuseTuned, tuningOf } from './tune.ts';
import { representatives, type Tuning } from './tuning.ts';

export interface Experiment {
  file: string;
  text: string;
  /** sha256 of the text. */
  sha256: string;
  /** What was set in the place of the file's own values. */
  set: Record<string, string>;
  smoke: boolean;
  question: string;
  compare?: Compare;
  /** What is tuned first: the cells are its trials then, and what is compared follows from them. */
  tuning?: Tuning;
  /** In matrix order, each once, by id. */
  cells: Map<string, Cell>;
}

const topKeys = ['question', 'compare', 'tune', 'matrix'];

/** Reads and checks an experiment file. @throws UsageError with every mistake, one per line, as file:line:column. */
export function loadExperiment(file: string, adjustments: Adjustments = {}): Experiment {
  return parseExperiment(readText(file), file, adjustments);
}

/** The same from its text; `file` is the name shown in messages. */
export function parseExperiment(text: string, file: string, adjustments: Adjustments = {}): Experiment {
  const { set = {}, smoke = false } = adjustments;
  const document = withSet(parseDocument(text, file), set);
  const mistakes = mistakesIn(document);
  const top = document.value;
  if (!isRecord(top)) {
    throw new UsageError(`${file}:1:1: the file holds ${shown(top)}; it takes question, task, model, ... as keys`);
  }
  const question = z.string().trim().min(1).safeParse(top.question);
  if (!question.success)
    mistakes.at(['question'], `question is ${shown(top.question)}; say in a sentence what the runs are to answer`);
  checkKeys(top, [], [...topKeys, ...blockKeys], mistakes);

  const blocks = blocksOf(top, topKeys, mistakes).map(({ block, path }) =>
    cellsOf(block, path, dirname(file), mistakes),
  );
  // What is declared is checked against the whole matrix: a smoke run leaves out most of what a comparison names.
  const tuning = mistakes.any() ? undefined : tuningOf(top.tune, blocks.flat(), mistakes);
  if (tuning !== undefined) refuseTuned(top.compare, tuning.tune, mistakes);
  const compared = tuning === undefined ? blocks.flat() : representatives(tuning);
  const compare = mistakes.any() ? undefined : compareOf(top.compare, compared, mistakes);
  mistakes.stop();
  return {
    file,
    text,
    sha256: createHash('sha256').update(text).digest('hex'),
    set,
    smoke,
    question: question.data ?? '',
    ...(compare !== undefined && { compare }),
    ...(tuning !== undefined && !smoke
      ? { tuning, cells: tuning.cells }
      : { cells: cellsById((smoke ? blocks.map(smokeCells) : blocks).flat()) }),
  };
}

/** The blocks under `matrix`, each with the keys outside that it doesn't set itself, but for `others`; without `matrix`, the file. */
export function blocksOf(
  top: Record<string, unknown>,
  others: readonly string[],
  mistakes: Mistakes,
): { block: Block; path: Path }[] {
  const entries = (record: Record<string, unknown>, path: Path): [string, Located<unknown>][] =>
    Object.entries(record).map(([key, value]) => [key, { value, path: [...path, key] }]);
  const shared = entries(top, []).filter(([key]) => !others.includes(key));
  const { matrix } = top;
  if (matrix === undefined) return [{ block: new Map(shared), path: [] }];
  if (!Array.isArray(matrix) || matrix.length === 0) {
    mistakes.at(['matrix'], `matrix is ${shown(matrix)}; it takes a list of blocks, or leave it out`);
    mistakes.stop();
    return [];
  }
  return matrix.map((block: unknown, i) => {
    const path = ['matrix', i];
    if (!isRecord(block)) {
      mistakes.at(path, `a block is ${shown(block)}; it takes ${blockKeys.join(', ')}`);
      mistakes.stop();
    }
    const own = isRecord(block) ? block : {};
    checkKeys(own, path, blockKeys, mistakes);
    return { block: new Map([...shared, ...entries(own, path)]), path };
  });
}
