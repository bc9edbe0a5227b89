/** A spec of strategies, made ready for programs of others, and what can't be had there. */
import * as tf from '@tensorflow/tfjs';
import { chosenBy, type Spec, specSchema } from '../apply/spec.ts';
import { isSeen } from '../clipping/patterns.ts';
import { noiseOf, normalOf } from '../noise.ts';
import { asScalars, mapTensors } from '../tensors.ts';
import { byPlace, type Member, membersOf, oneAfterTheOther, optionsOf } from '../train/members.ts';
import { type Clip, type Tensors, type Transform, type Update, type UpdateContext, UsageError } from '../types.ts';

/** Strategies whose rule has something in it beside what they clip; `gradient` is that of the loss, beside an update. */
export const readers = {
  params: ['agc', 'larc', 'trust_ratio'],
  loss: ['skip_spike'],
  learning_rate: ['larc'],
  gradient: ['cautious'],
};

export interface ReadyClip {
  clips: Clip[];
  /** All in a row, as they are applied to given gradients. */
  whole: Transform;
  /** What acts before an optimizer, and what acts on its update. */
  gradient?: Transform;
  update?: Transform;
  /** Numeric options and constants. */
  numbers: Record<string, number>;
  learning_rate?: number;
  /** All that choose parameters by name. */
  patterns: string[];
}

/** @throws UsageError where the spec is wrong, or a strategy needs what an optimizer of TensorFlow.js isn't given */
export function readyClip(spec: Spec): ReadyClip {
  const parsed = specSchema.safeParse(spec);
  if (!parsed.success) {
    throw new UsageError(`strategy is ${JSON.stringify(spec)}; give a name, {name, option: value} or {chain: [...]}`);
  }
  const { clips, optimizer, learning_rate } = chosenBy(parsed.data);
  if (optimizer !== undefined && clips.length > 0) {
    throw new UsageError(
      `strategy: ${JSON.stringify(spec)} speaks of an optimizer too (${optimizer.name}); leave that out`,
    );
  }
  if (optimizer !== undefined) {
    throw new UsageError(
      `"${optimizer.name}" is an optimizer that clips by itself, no strategy; it runs in a matrix (clipbench run)`,
    );
  }
  const members = membersOf(clips);
  for (const member of members) refuse(member);
  return {
    clips,
    whole: oneAfterTheOther(members),
    ...byPlace(members),
    numbers: optionsOf(members),
    patterns: clips.flatMap(({ include = [], exclude = [] }) => [...include, ...exclude]),
    ...(learning_rate !== undefined && { learning_rate }),
  };
}

/** Why not, by what a strategy needs and where it is to act. */
function refuse({ needs, place, structure }: Member): void {
  const why =
    needs === 'example'
      ? 'needs the gradient of every example, and an optimizer is given their mean'
      : needs === 'backward'
        ? 'acts inside back-propagation, before an optimizer is given anything'
        : needs === 'micro_batch'
          ? 'needs the gradient of every worker, and an optimizer is given their mean'
          : place === 'micro_batch'
            ? 'is placed on micro-batches, and an optimizer is given their mean; take place: gradient or update'
            : place === 'update' && structure.non_finite === 'zero'
              ? 'sets to zero what is not finite, and what the optimizer made of it stays in its state; take place: gradient'
              : place === 'update' && leavesOut(structure)
                ? 'leaves steps out, and what the optimizer did by then stays in its state; take place: gradient'
                : undefined;
  if (why !== undefined) throw new UsageError(`strategy "${structure.name}" ${why}`);
}

/** Whether a strategy may leave a step out. */
export function leavesOut({ name, non_finite }: Clip): boolean {
  return non_finite === 'skip_step' || name.startsWith('skip_');
}

/** What is known where gradients are clipped. What a strategy reads and isn't there is refused. */
export interface Known {
  params?: Tensors | undefined;
  /** That of the loss, where strategies are given an update (cautious). */
  gradient?: Tensors | undefined;
  learning_rate?: number | undefined;
  loss?: tf.Scalar | undefined;
}

export const initialState = ({ gradient, update }: ReadyClip, params: Tensors): Tensors => ({
  ...gradient?.init(params),
  ...update?.init(params),
});

/** Whether the state depends on which variables there are. */
export function isPerVariable({ whole }: ReadyClip, params: Tensors): boolean {
  const shapes = (state: Tensors) => JSON.stringify(Object.entries(state).map(([name, { shape }]) => [name, shape]));
  return shapes(whole.init(params)) !== shapes(whole.init({}));
}

export const changed = (before: string | undefined, now: string): string =>
  `the variables with gradients were ${before} and are ${now}, and the strategy remembers something of each; give each set of variables an optimizer or state of its own`;

/** @throws UsageError for patterns that leave a strategy nothing to do */
export function refuseUnseen({ clips }: ReadyClip, names: readonly string[]): void {
  const idle = clips.find(({ include, exclude }) => !names.some((name) => isSeen(name, include, exclude)));
  if (idle === undefined) return;
  throw new UsageError(
    `strategy "${idle.name}" sees none of the variables ${names.join(', ')}; change include or exclude`,
  );
}

/** Inside tf.tidy. @throws UsageError where a strategy needs what isn't known */
export function contextOf(clip: ReadyClip, grads: Tensors, step: number, known: Known): UpdateContext {
  const given = { ...known, learning_rate: clip.learning_rate ?? known.learning_rate };
  for (const what of ['params', 'loss', 'learning_rate', 'gradient'] as const) {
    const reader = clip.clips.find(({ name }) => readers[what].includes(name));
    if (reader !== undefined && given[what] === undefined)
      throw new UsageError(`strategy "${reader.name}" needs ${what}`);
  }
  const missing = given.params && Object.keys(grads).find((name) => given.params?.[name] === undefined);
  if (missing !== undefined) throw new UsageError(`params lack "${missing}", for which there is a gradient`);
  const now = tf.scalar(step);
  const noise = noiseOf({ high: tf.scalar(0), low: tf.scalar(0) }, now);
  return {
    params: given.params ?? grads,
    gradient: given.gradient ?? grads,
    options: asScalars(
      Object.fromEntries(Object.entries(clip.numbers).map(([name, value]) => [name, tf.scalar(value)])),
    ),
    learning_rate: tf.scalar(given.learning_rate ?? Number.NaN),
    loss: given.loss ?? tf.scalar(Number.NaN),
    step: now,
    ...{ noise, normal: normalOf(noise) },
  };
}

/** One bool or number of a step, read at once: only where a strategy may leave a step out or end the run. */
export const holds = (scalar: tf.Tensor | undefined): boolean =>
  scalar !== undefined && Number(scalar.dataSync()[0]) > 0;

/** Tensors of their own, whatever frees those they were made of. */
export const copies = (tensors: Tensors): Tensors => mapTensors(tensors, (tensor) => tensor.clone());

export const notFinite = 'the gradient is not finite, and non_finite is "raise"';

export const raises = ({ info }: Update): boolean => holds(info?.raised);
