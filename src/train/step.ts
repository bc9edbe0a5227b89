/** One training step as a pure function: the heart of clipbench. */
import * as tf from '@tensorflow/tfjs';
import { noiseOf, normalOf } from '../noise.ts';
import { normOf } from '../norms.ts';
import { asScalars, group, join, mapTensors, pick } from '../tensors.ts';
import type {
  Cell,
  Model,
  Needs,
  Noise,
  Stage,
  Step,
  Task,
  Tensors,
  Transform,
  Update,
  UpdateContext,
} from '../types.ts';
import { passage } from './backward.ts';
import { skipOf } from './chain.ts';
import { bounded, type ControlScalars, noisy, penalized } from './controls.ts';
import { byExample, meanOf, meansOf, microBatches, together } from './gradient.ts';
import { measure } from './telemetry.ts';

export interface StepParts {
  task: Task;
  model: Model;
  /** The strategies at each place as one. */
  strategies: Partial<Record<Stage, Transform>>;
  /** The gradients on which the strategies work. */
  needs: Needs;
  optimizer: Transform;
  telemetry: Cell['telemetry'];
  accumulate: number;
  decay: Cell['decay'];
}

/** The state before the first step, from the model's start. */
export function initialState(
  { strategies, optimizer, needs, accumulate }: StepParts,
  params: Tensors,
  model: Tensors = {},
): Tensors {
  const parts = needs === 'micro_batch' ? accumulate : 1;
  const strategy: Tensors = Object.assign({}, ...Object.values(strategies).map(({ init }) => init(params, parts)));
  return join({ params, model, strategy, optimizer: optimizer.init(params) });
}

/**
 * loss and gradient, with strategies inside back-propagation -> strategies -> optimizer -> strategies placed on the update ->
 * parameters.
 *
 * State groups: `params`, `model` (running statistics), `strategy`, `optimizer`.
 * Inputs: `x` [batch, ...], `y` [batch, target], scalars `learning_rate`, `step` and, where the gradient is to be scaled or
 * noisy, `gradient_scale` and `gradient_noise`; groups `model`, `strategy` and `optimizer` with their numeric options,
 * `control` with the controls that are on, `dropout` and `noise` with the keys of the run's random numbers.
 * Nothing is read and nothing depends on a value, so the step can be recorded.
 */
export function makeStep(parts: StepParts): Step {
  return (state, inputs) => {
    const { task, model, strategies, needs, optimizer, telemetry, accumulate } = parts;
    const params = group(state, 'params');
    const learning_rate = pick(inputs, 'learning_rate').asScalar();
    const step = pick(inputs, 'step').asScalar();
    const noiseFor = (purpose: string) => noiseOf(group(inputs, purpose), step);
    const options = (part: string) => asScalars(group(inputs, part));
    const control: ControlScalars = options('control');

    const noise = noiseFor('noise');
    const normal = normalOf(noise);

    const examples = { x: pick(inputs, 'x'), y: pick(inputs, 'y') };
    const own = group(state, 'strategy');
    // Neither the loss nor the gradient is known inside back-propagation.
    const inside = { params, gradient: {}, learning_rate, loss: tf.scalar(Number.NaN), step, noise, normal };
    const passing =
      strategies.backward && passage(strategies.backward, own, { ...inside, options: options('strategy') });
    const learnt = {
      ...{ task, model, params, control, options: options('model'), noise: noiseFor('dropout') },
      ...(passing && { backward: passing.at }),
    };
    const before = group(state, 'model');
    const alone = needs === 'example' ? byExample(learnt, before, examples) : undefined;
    const learnings =
      alone === undefined
        ? microBatches(learnt, before, examples, accumulate)
        : [{ ...together(alone), modelState: before }];
    const passed = passing?.report() ?? {};
    const loss = meanOf(learnings.map((learning) => learning.loss)).asScalar();
    const controlled = (raw: Tensors) => withControls(raw, params, control, inputs, normal);
    const gradient = controlled(meansOf(learnings.map(({ raw }) => raw)));

    const context = { ...inside, gradient, loss };
    const clipping = { ...context, options: options('strategy') };
    const early =
      strategies.micro_batch &&
      onEach(
        strategies.micro_batch,
        learnings.map(({ raw }) => raw),
        own,
        clipping,
      );
    const given = {
      batch: () => (early === undefined ? gradient : controlled(early.grads)),
      micro_batch: () => stacked(learnings.map(({ raw }) => controlled(raw))),
      example: () => controlled(alone?.grads ?? {}),
      backward: () => gradient,
    }[needs]();
    const clipped = strategies.gradient?.update(given, own, clipping) ?? { grads: given, state: {} };
    const applied = optimizer.update(
      parts.decay === 'coupled' ? decayed(clipped.grads, params, control.weight_decay) : clipped.grads,
      group(state, 'optimizer'),
      { ...context, options: options('optimizer') },
    );
    const late = strategies.update && onDirection(strategies.update, applied.grads, own, clipping);
    const update = late?.grads ?? applied.grads;
    const share = parts.decay === 'coupled' ? undefined : control.weight_decay?.mul(learning_rate.neg()).asScalar();
    const whole = decayed(update, params, share);
    const moved = mapTensors(params, (w, name) => w.add(pick(whole, name)));

    const { max_weight_norm } = control;
    const after = {
      params: max_weight_norm === undefined ? moved : bounded(moved, max_weight_norm),
      model: learnings.at(-1)?.modelState ?? {},
      optimizer: applied.state,
    };
    // An optimizer that clips reports a threshold too; a strategy's goes before it.
    const acting = [applied, early, clipped, late].flatMap((one) => (one === undefined ? [] : [one]));
    const { skip } = skipOf(acting.flatMap((one) => one.skip ?? []));
    const next =
      skip === undefined ? join(after) : mapTensors(join(after), (t, name) => tf.where(skip, pick(state, name), t));
    const strategy = { ...early?.state, ...clipped.state, ...late?.state };
    const paramsAfter = group(next, 'params');
    // A bound cuts the update short, and a skipped step leaves nothing of it.
    const isWhole = max_weight_norm === undefined && skip === undefined;
    const measured = {
      gradient,
      clipped: clipped.grads,
      update: isWhole ? whole : mapTensors(params, (w, name) => pick(paramsAfter, name).sub(w)),
      params: paramsAfter,
    };
    return {
      state: { ...next, ...join({ strategy }) },
      scalars: {
        loss,
        ...measure(telemetry, measured),
        ...join({ info: telemetry === 'off' ? {} : reportOf([...acting.map(({ info }) => info ?? {}), passed]) }),
      },
    };
  };
}

/** A strategy on the gradient of every micro-batch, one after the other, and the mean of what it leaves. */
export function onEach(strategy: Transform, raws: Tensors[], state: Tensors, context: UpdateContext): Update {
  const updates: Update[] = [];
  for (const raw of raws) {
    updates.push(strategy.update(raw, updates.at(-1)?.state ?? state, { ...context, gradient: raw }));
  }
  return {
    grads: meansOf(updates.map(({ grads }) => grads)),
    state: updates.at(-1)?.state ?? state,
    info: asScalars(meansOf(updates.map(({ info }) => info ?? {}))),
    ...skipOf(updates.flatMap(({ skip }) => skip ?? [])),
  };
}

/** A strategy on the direction in which an update goes: the update without the learning rate, and pointing as the gradient does. */
export function onDirection(strategy: Transform, update: Tensors, state: Tensors, context: UpdateContext): Update {
  const back = context.learning_rate.neg();
  const direction = mapTensors(update, (u) => u.div(back));
  const { grads, info, ...others } = strategy.update(direction, state, context);
  const [before, after] = [normOf(Object.values(direction)), normOf(Object.values(grads))];
  return {
    ...others,
    grads: mapTensors(grads, (d) => d.mul(back)),
    info: { ...info, update_coef: tf.where(before.equal(0), tf.onesLike(before), after.div(before)).asScalar() },
  };
}

/** Gradients of parts of a batch as one tensor for each parameter, [parts, ...shape]. */
function stacked(each: Tensors[]): Tensors {
  return mapTensors(each[0] ?? {}, (_, name) => tf.stack(each.map((tensors) => pick(tensors, name))));
}

/** `tensors` with a share of the parameters added. */
function decayed(tensors: Tensors, params: Tensors, share: tf.Scalar | undefined): Tensors {
  return share === undefined ? tensors : mapTensors(tensors, (t, name) => t.add(pick(params, name).mul(share)));
}

/** What is reported at several places of a step. A run was clipped as far as it was anywhere. */
function reportOf(infos: Record<string, tf.Scalar>[]): Record<string, tf.Scalar> {
  const most = (name: string) => {
    const values = infos.flatMap((info) => info[name] ?? []);
    return values.length < 2 ? {} : { [name]: tf.stack(values).max().asScalar() };
  };
  return Object.assign({}, ...infos, most('clipped_fraction'), most('raised'));
}

/** The gradient as strategies see it: with penalties, scaled, then noisy. */
function withControls(raw: Tensors, params: Tensors, control: ControlScalars, inputs: Tensors, normal: Noise): Tensors {
  const { gradient_scale, gradient_noise } = inputs;
  const full = penalized(raw, params, control);
  const scaled = gradient_scale === undefined ? full : mapTensors(full, (g) => g.mul(gradient_scale));
  return gradient_noise === undefined ? scaled : noisy(scaled, params, gradient_noise, normal);
}
