/** A threshold that isn't a number: relative to the run's own gradients, or on a schedule. */
import { z } from 'zod';
import { parts } from '../parts.ts';
import type { ThresholdRule } from '../types.ts';
import { alternatives, type Located, product } from './axes.ts';
import { choices } from './choices.ts';
import type { Path } from './document.ts';
import type { Mistakes } from './mistakes.ts';

const probe = z.int().min(1).max(10_000).default(50).meta({ description: 'unclipped steps that are measured' });

/** What a rule says beside its schedule. Exactly one of these. */
export const thresholdRules = {
  value: z.strictObject({ value: z.number().meta({ description: 'the threshold before its schedule' }) }),
  quantile: z.strictObject({
    quantile: z.number().min(0).max(1).meta({
      description: "of the strategy's statistic over the probe: 0.9 would have clipped a tenth of its steps",
    }),
    probe,
  }),
  multiple: z.strictObject({
    multiple: z.number().positive().meta({ description: "of the median of the strategy's statistic over the probe" }),
    probe,
  }),
};

const keys = ['value', 'quantile', 'multiple', 'probe', 'schedule'];

/** The rules that are meant: a list in a rule is an axis. */
export function thresholdRulesIn(
  what: string,
  written: Record<string, unknown>,
  path: Path,
  mistakes: Mistakes,
): Located<ThresholdRule>[] {
  const { schedule, ...others } = written;
  const strange = Object.keys(written).filter((key) => !keys.includes(key));
  for (const key of strange) mistakes.unknown(path, `key of ${what}:`, key, keys, key);
  if (strange.length > 0) return [];
  const kinds = (['value', 'quantile', 'multiple'] as const).filter((kind) => kind in written);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const said = kind === undefined ? 'none of them' : kinds.join(' and ');
    mistakes.at(path, `${what} takes a number, or one of value, quantile and multiple; it says ${said}`);
    return [];
  }
  if (kind === 'value' && schedule === undefined) {
    mistakes.at(path, `${what} says value without schedule; write the number alone, or add schedule`);
    return [];
  }
  const list = { word: 'schedule', list: parts.schedules };
  const schedules = schedule === undefined ? [undefined] : choices(list, schedule, [...path, 'schedule'], mistakes);
  const axes = Object.entries(others).map(([key, value]) =>
    alternatives(value, [...path, key], mistakes).map((member) => ({ key, ...member })),
  );
  return product(axes, path, mistakes).flatMap((members) => {
    const given = Object.fromEntries(members.map(({ key, value }) => [key, value]));
    const checked = thresholdRules[kind].safeParse(given);
    const pathOf = (key: string) => members.find((member) => member.key === key)?.path ?? path;
    if (!checked.success) {
      mistakes.issues(what, checked.error.issues, given, path, pathOf);
      return [];
    }
    mistakes.beyondFloat32(what, given, pathOf);
    return schedules.map((one) => ({
      value: { ...checked.data, ...(one !== undefined && { schedule: one.value }) },
      path,
    }));
  });
}
