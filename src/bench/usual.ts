/** Strategies as someone would set them who has no reason for anything else. */
import { z } from 'zod';
import { metaOf, parts, thresholdOption } from '../parts.ts';
import type { Choice, OptionValue, TransformPart } from '../types.ts';

/** At its defaults; a threshold that has to be said in the geometric middle of the range where good ones are looked for. */
export function usual(part: TransformPart): Choice {
  const option = thresholdOption(part);
  const schema = part.options.shape[option ?? ''];
  const search = schema === undefined ? undefined : metaOf(schema)?.search;
  const middle = search === undefined ? 1 : Number(Math.sqrt(search.min * search.max).toPrecision(3));
  const given = part.options.safeParse({}).success || option === undefined ? {} : { [option]: middle };
  return { name: part.name, options: z.record(z.string(), z.custom<OptionValue>()).parse(part.options.parse(given)) };
}

/** What `strategy: all` stands for: as written in a matrix. Beside micro-batches, those that work on each of them. */
export const usualStrategies = (inMicroBatches: boolean): Record<string, unknown>[] =>
  parts.strategies
    .filter(({ name, needs }) => name === 'none' || (needs === 'micro_batch') === inMicroBatches)
    .map((part) => {
      // Beside the gradient itself it has nothing to do.
      const place = part.name === 'cautious' ? { place: 'update' } : {};
      // A list would be an axis.
      const options = Object.entries(usual(part).options).map(([name, value]) => [
        name,
        Array.isArray(value) ? [value] : value,
      ]);
      return { name: part.name, ...Object.fromEntries(options), ...place };
    });
