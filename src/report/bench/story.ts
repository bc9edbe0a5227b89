/** Everything that the page of a measurement tells about, worked out once. */
import type { BenchRecord } from '../../bench_record.ts';
import { number } from '../row.ts';
import type { Draw, Section } from '../sections/section.ts';
import { readResults } from '../story.ts';
import { type Group, groupsOf } from './entry.ts';
import { type Joined, joined } from './join.ts';
import { readMeasurement, type Sample } from './read.ts';

export interface BenchStory {
  record: BenchRecord;
  groups: Group[];
  /** Those that the first picture and the answer are about. */
  told: Group[];
  samples: Sample[];
  /** With results on how well the strategies do, where they were asked for. */
  quality: Joined | undefined;
}

/** Undefined where there is nothing that it could tell. */
export type Tell = (story: BenchStory, draw: Draw) => Promise<Section | undefined>;

/** @param quality a folder with results of runs @throws Finding where a file was altered */
export async function tellBench(folder: string, quality?: string): Promise<BenchStory> {
  const { record, rows, samples } = readMeasurement(folder);
  const groups = groupsOf(record, rows);
  return {
    record,
    groups,
    told: toldOf(record, groups),
    samples,
    quality: quality === undefined ? undefined : joined(groups, await readResults(quality), quality),
  };
}

/** More don't fit on a first screen. */
const MOST = 3;

/** Where a size grows, the largest says most: what is small costs what any call costs. */
export function toldOf({ growths }: Pick<BenchRecord, 'growths'>, groups: readonly Group[]): Group[] {
  const over = growths[0]?.over ?? '';
  const sizeOf = ({ entries }: Group) => Math.max(0, ...entries.map(({ row }) => number(row, over) ?? 0));
  const most = Math.max(...groups.map(sizeOf));
  return groups.filter((group) => sizeOf(group) === most).slice(0, MOST);
}

/** What a call is. */
export const callOf = ({ measure }: Pick<BenchRecord, 'measure'>): string =>
  ({ clip: 'clipping a gradient', step: 'a training step', training: 'a whole run', run: 'the sweep' })[measure];
