/** What the page of a measurement says, as data: the same numbers, unrounded. */
import { parseHtml, plainText } from '../html-tree.ts';
import { jsonNumber } from '../summary-schema.ts';
import { answer } from './answer.ts';
import type { Entry, Group, Interval } from './entry.ts';
import type { Joined } from './join.ts';
import type { BenchStory } from './story.ts';
import type { BenchReport } from './summary-schema.ts';

/** The short answer without markup. */
export const sentences = (story: BenchStory): string[] => answer(story).map(({ html }) => plainText(parseHtml(html)));

export function summarise(story: BenchStory): BenchReport {
  const { question, measure, notes, processes, confidence, machine, disturbance, growths } = story.record;
  return {
    format: 1,
    question,
    measure,
    answer: sentences(story),
    notes,
    processes,
    confidence,
    machine,
    disturbance,
    groups: story.groups.map(groupOf),
    growths,
    ...(story.quality !== undefined && { quality: qualityOf(story.quality) }),
  };
}

const groupOf = ({ name, base, calibration, entries }: Group) => ({
  group: name,
  ...(base !== undefined && { ratio_to: base.variant }),
  ...(calibration !== undefined && { again: calibration.again, itself: calibration.itself }),
  variants: entries.map(variantOf),
});

const variantOf = ({ variant, role, strategy, ms, ratio, verdict }: Entry) => ({
  variant,
  role,
  ...(strategy !== '' && { strategy }),
  ms: intervalOf(ms),
  ...(ratio !== undefined && { ratio: intervalOf(ratio) }),
  ...(verdict !== undefined && { verdict }),
});

const qualityOf = ({ folder, meetings, unmatched, unmeasured }: Joined) => ({
  folder,
  joined: meetings.flatMap(({ task, model, metric, pairs }) =>
    pairs.map(({ entry, ratio, config, setting, result, among }) => ({
      group: entry.group,
      variant: entry.variant,
      task,
      model,
      configuration: config.name,
      setting: setting.label,
      best_of: among,
      seeds: config.runs.length,
      ...(metric !== undefined && { metric: metric.name }),
      ratio: intervalOf(ratio),
      result: intervalOf(result),
    })),
  ),
  without_results: unmatched,
  without_times: unmeasured,
});

const intervalOf = ({ estimate, low, high }: Interval) => ({
  estimate: jsonNumber(estimate),
  low: jsonNumber(low),
  high: jsonNumber(high),
});
