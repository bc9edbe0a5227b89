/** The strategies of a run, from their names to their functions. */
import { join } from '../tensors.ts';
import { build, constants, find, structureOf, thresholdRule, transforms, withThreshold } from '../transforms.ts';
import { type Clip, type Needs, type Options, type Part, places, type Stage, type Transform } from '../types.ts';
import { chain } from './chain.ts';
import { placed } from './placed.ts';

/** A strategy of a run; where a name comes again, the key has a number. */
export interface Member {
  key: string;
  place: Stage;
  needs: Needs;
  transform: Transform;
  /** Numeric options and constants, which a schedule changes from step to step. */
  options(step: number, steps: number): Record<string, number>;
  /** What shapes the computation. */
  structure: Clip;
}

export function membersOf(strategy: Clip[]): Member[] {
  const keys = new Set<string>();
  return strategy.map((clip) => {
    let key = clip.name;
    for (let n = 2; keys.has(key); n++) key = `${clip.name}${n}`;
    keys.add(key);
    const part = find(transforms.strategies, clip.name);
    return {
      key,
      place: part.needs === 'backward' ? 'backward' : (clip.place ?? 'gradient'),
      needs: part.needs ?? 'batch',
      transform: placed(build(part, clip), clip),
      options: optionsOver(part, clip),
      structure: { ...clip, ...structureOf(part, clip) },
    };
  });
}

/** The strategies at each place of a step, as one. */
export function byPlace(members: Member[]): Partial<Record<Stage, Transform>> {
  return Object.fromEntries(
    [...places, 'backward' as const].flatMap((place) => {
      const own = members.filter((member) => member.place === place);
      return own.length === 0 ? [] : [[place, oneAfterTheOther(own, members.length === 1)]];
    }),
  );
}

/** A strategy alone goes by itself, without a key before the names of its options and state. */
export function oneAfterTheOther(members: Member[], isAlone = members.length === 1): Transform {
  const [first] = members;
  if (isAlone && first !== undefined) return first.transform;
  return chain(Object.fromEntries(members.map(({ key, transform }) => [key, transform])));
}

export function optionsOf(members: Member[], step = 0, steps = 1): Record<string, number> {
  const [first] = members;
  return members.length === 1 && first !== undefined
    ? first.options(step, steps)
    : join(Object.fromEntries(members.map(({ key, options }) => [key, options(step, steps)])));
}

function optionsOver(part: Part<Options, unknown>, clip: Clip): Member['options'] {
  const rule = thresholdRule(clip);
  if (rule === undefined) {
    const all = constants(part, clip);
    return () => all;
  }
  const { value = 1, schedule } = rule;
  const factor = schedule && build(find(transforms.schedules, schedule.name), schedule);
  return (step, steps) => constants(part, withThreshold(clip, value * (factor?.(step, steps) ?? 1)));
}
