/** The result sets below a folder, and what can be said of each without its report. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchRecord } from '../bench_record.ts';
import type { Manifest } from '../manifest.ts';
import { Finding, UsageError } from '../types.ts';
import { isMeasurement } from './bench/read.ts';
import { tellBench } from './bench/story.ts';
import { sentences as measured } from './bench/summary.ts';
import { readManifest } from './read.ts';
import { readResults } from './story.ts';
import { sentences } from './summary.ts';
import { type Tally, tally } from './tally.ts';

export interface Shelved {
  /** Its path below the folder, with `/`. */
  name: string;
  /** As it is given to other verbs. */
  folder: string;
  manifest?: Manifest;
  /** Of a throughput measurement, in the place of a manifest. */
  measurement?: BenchRecord;
  outcome?: Tally;
  /** How the short answer begins. */
  answer?: string;
  hasReport: boolean;
  /** Why there is nothing to say of its results. */
  fault?: string;
}

/** By name. What can't be read is listed with the reason. */
export async function shelved(folder: string): Promise<Shelved[]> {
  const names = await namesBelow(folder, '');
  const sorted = names.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const all: Shelved[] = [];
  for (const { name, fault } of sorted) {
    const own = join(folder, name);
    const hasReport = existsSync(join(own, 'report.html'));
    all.push({ name, folder: own, hasReport, ...(fault === undefined ? await told(own) : { fault }) });
  }
  return all;
}

async function told(
  folder: string,
): Promise<Pick<Shelved, 'manifest' | 'measurement' | 'outcome' | 'answer' | 'fault'>> {
  try {
    if (isMeasurement(folder)) {
      const story = await tellBench(folder);
      // The first says what times are held against.
      return {
        measurement: story.record,
        answer: measured(story)
          .slice(0, story.told.length > 1 ? 1 : 2)
          .join(' '),
      };
    }
    const manifest = await readManifest(folder);
    try {
      const results = await readResults(folder);
      return { manifest, outcome: tally(results), answer: opening(sentences(results)) };
    } catch (error) {
      return { manifest, fault: reason(error) };
    }
  } catch (error) {
    return { fault: reason(error) };
  }
}

/** The first sentence; where it only announces the next one, that too. */
const opening = ([first = '', second = '']: string[]): string => (first.endsWith(':') ? `${first} ${second}` : first);

/** Folders with a manifest.json, or a bench.json; nothing inside such a folder is another. Links aren't followed: they can go round. */
async function namesBelow(folder: string, name: string): Promise<{ name: string; fault?: string }[]> {
  try {
    const entries = await readdir(join(folder, name), { withFileTypes: true });
    if (name !== '' && entries.some((entry) => ['manifest.json', 'bench.json'].includes(entry.name))) return [{ name }];
    const inside = entries.filter((entry) => entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name));
    const found = [];
    for (const entry of inside) found.push(...(await namesBelow(folder, [name, entry.name].filter(Boolean).join('/'))));
    return found;
  } catch (error) {
    if (name === '') throw error;
    return [{ name, fault: reason(error) }];
  }
}

/** Of what is wrong with files; a mistake of ours is no fault of theirs. */
function reason(error: unknown): string {
  if (error instanceof Finding || error instanceof UsageError) return shortened(error.message);
  if (error instanceof Error && 'code' in error) return `can't be read (${String(error.code)})`;
  throw error;
}

/** Without the list of all fields that a manifest would have. */
function shortened(message: string): string {
  const text = message.replace(/(not a manifest of this version|no measurement of this version): \[.*$/, '$1');
  return text.length > 240 ? `${text.slice(0, 239)}…` : text;
}
