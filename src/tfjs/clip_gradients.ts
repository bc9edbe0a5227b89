/** Clipping in a training loop of one's own. */
import * as tf from '@tensorflow/tfjs';
import type { Spec } from '../apply/spec.ts';
import { asScalars } from '../tensors.ts';
import { Finding, type Tensors, type Update, UsageError } from '../types.ts';
import {
  changed,
  contextOf,
  copies,
  isPerVariable,
  type Known,
  notFinite,
  raises,
  readyClip,
  refuseUnseen,
} from './clip.ts';

/** What strategies remember: give it back at the next step. */
export interface ClipState {
  step: number;
  tensors: Tensors;
  /** The strategies it is of, and the tensors whose gradients they saw. */
  strategies: string[];
  names: string[];
}

export interface Clipped {
  grads: Tensors;
  state: ClipState;
  /** Scalars by name: how much was clipped, the threshold, a norm. */
  info: Record<string, tf.Scalar>;
  /** Bool scalar, of strategies that may leave a step out: where it is true, don't apply the gradients. */
  skip?: tf.Scalar;
}

/**
 * Gradients as strategies leave them. Pure: nothing given is changed or freed. What comes back belongs to the caller, who frees it
 * (tf.dispose takes the whole, or call inside tf.tidy and keep the state).
 *
 * @param grads by name, as tf.variableGrads gives them; updates where a strategy is meant for these
 * @param spec as in a matrix, or by a number of the catalogue: a name, {name, option: value} or {chain: [...]}
 * @param state of the step before; none at the first
 * @param known what some strategies need beside: `params` (agc, larc, trust_ratio), `learning_rate` (larc), `loss` (skip_spike), `gradient` (cautious)
 * @throws UsageError for a spec that can't be had here, or what is missing; Finding where `non_finite: raise` met what isn't finite
 */
export function clipGradients(grads: Tensors, spec: Spec, state?: ClipState, known: Known = {}): Clipped {
  const clip = readyClip(spec);
  const step = state?.step ?? 0;
  const [strategies, names] = [clip.clips.map(({ name }) => name), Object.keys(grads)];
  // A step without gradients is none that a strategy could remember.
  const before = state?.names.length === 0 ? undefined : state;
  return tf.tidy(() => {
    if (before !== undefined) refuseOther(before, strategies, names, () => isPerVariable(clip, known.params ?? grads));
    else if (names.length > 0) refuseUnseen(clip, names);
    const context = contextOf(clip, grads, step, known);
    const update: Update =
      names.length === 0
        ? { grads, state: before?.tensors ?? {} }
        : clip.whole.update(grads, before?.tensors ?? clip.whole.init(context.params), context);
    if (raises(update)) throw new Finding(notFinite);
    const { raised: _, ...info } = update.info ?? {};
    return {
      grads: copies(update.grads),
      state: {
        step: step + 1,
        tensors: copies(update.state),
        strategies,
        names: names.length === 0 ? (before?.names ?? []) : names,
      },
      info: asScalars(info),
      ...(update.skip !== undefined && { skip: update.skip.asScalar() }),
    };
  });
}

function refuseOther(state: ClipState, strategies: string[], names: string[], isOfEach: () => boolean): void {
  if (state.strategies.join() !== strategies.join()) {
    throw new UsageError(
      `the state is of ${state.strategies.join(', ')}, and the strategy is ${strategies.join(', ')}`,
    );
  }
  if (names.length > 0 && state.names.join() !== names.join() && isOfEach()) {
    throw new UsageError(changed(JSON.stringify(state.names), JSON.stringify(names)));
  }
}
