/** Any optimizer of TensorFlow.js with clipping before it, or on what it does. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { type Spec, specSchema } from '../apply/spec.ts';
import { mapTensors, pick } from '../tensors.ts';
import { Finding, type Tensors, UsageError } from '../types.ts';
import {
  changed,
  contextOf,
  copies,
  holds,
  initialState,
  isPerVariable,
  notFinite,
  type ReadyClip,
  raises,
  readers,
  readyClip,
  refuseUnseen,
} from './clip.ts';
import { plainNames, privates, rateOf, renamed, setRate, variable } from './optimizer.ts';

/** Of what is saved beside the wrapped optimizer's own. */
const saved = 'clipped/';

/**
 * An optimizer that clips, for `model.compile`, `minimize` and `applyGradients`. It owns `optimizer`: what it saves, restores and frees
 * is of both. A learning rate that changes is changed on `optimizer`, or as `learningRate` of what comes back. A step that is left out changes neither the weights nor `optimizer`.
 * Where a strategy may leave steps out, or end the run (`non_finite: raise`), one number is read at every step, so such need a backend
 * with synchronous reads (all but WebGPU).
 *
 * @param spec as in a matrix, or by a number of the catalogue: a name, {name, option: value} or {chain: [...]}
 * @throws UsageError for a spec that can't be had here. Steps throw it where a strategy needs the loss, which only `minimize`
 * knows, and Finding where `non_finite: raise` met what isn't finite
 */
export function clipped(optimizer: tf.Optimizer, spec: Spec): tf.Optimizer {
  return new ClippedOptimizer(optimizer, spec);
}

interface NamedTensor {
  name: string;
  tensor: tf.Tensor;
}

class ClippedOptimizer extends tf.Optimizer {
  static readonly className = 'ClippedOptimizer';
  private readonly clip: ReadyClip;
  private state: Record<string, tf.Variable> | undefined;
  private isRestored = false;
  /** Of the variables that had gradients in the step before, as strategies see them. */
  private names: string | undefined;
  /** Of the step that is being made, where it is known. */
  private loss: tf.Scalar | undefined;

  private readonly optimizer: tf.Optimizer;
  private readonly spec: Spec;

  constructor(optimizer: tf.Optimizer, spec: Spec) {
    super();
    refuseOptimizer(optimizer);
    this.optimizer = optimizer;
    this.spec = spec;
    this.clip = readyClip(spec);
    const comparing = this.clip.clips.find(({ name, place }) => readers.gradient.includes(name) && place !== 'update');
    if (comparing !== undefined) {
      throw new UsageError(`strategy "${comparing.name}" compares an update with the gradient; write place: update`);
    }
    if (this.clip.update !== undefined && rateOf(optimizer) === undefined) {
      throw new UsageError(`place: update needs a learning rate, and ${optimizer.getClassName()} has none`);
    }
  }

  /** That of the wrapped optimizer; a new one is set there. */
  get learningRate(): number {
    return rateOf(this.optimizer) ?? Number.NaN;
  }

  set learningRate(rate: number) {
    setRate(this.optimizer, rate);
  }

  override minimize(f: () => tf.Scalar, returnCost = false, varList?: tf.Variable[]): tf.Scalar | null {
    const { value, grads } = this.computeGradients(f, varList);
    try {
      this.applyGradients(grads);
    } catch (error) {
      value.dispose();
      throw error;
    } finally {
      tf.dispose(grads);
    }
    if (returnCost) return value;
    value.dispose();
    return null;
  }

  override computeGradients(f: () => tf.Scalar, varList?: tf.Variable[]) {
    const computed = super.computeGradients(f, varList);
    this.loss = computed.value;
    return computed;
  }

  override applyGradients(given: tf.NamedTensorMap | NamedTensor[]): void {
    const list = Array.isArray(given) ? given : Object.entries(given).map(([name, tensor]) => ({ name, tensor }));
    // A variable that the loss doesn't depend on has none.
    const grads = Object.fromEntries(list.flatMap(({ name, tensor }) => (tensor ? [[name, tensor]] : [])));
    const loss = this.loss?.isDisposed ? undefined : this.loss;
    this.loss = undefined;
    const names = plainNames(Object.keys(grads), this.clip.patterns);
    if (names.size === 0) this.optimizer.applyGradients(list);
    else tf.tidy(() => this.keep(this.step(list, grads, names, loss)));
    // Only now: a step that ended the run has not happened.
    if (names.size > 0) [this.names, this.isRestored] = [namesText(names), false];
    this.incrementIterations();
  }

  /** Returns the strategies' next state. */
  private step(list: NamedTensor[], grads: Tensors, names: Map<string, string>, loss: tf.Scalar | undefined): Tensors {
    const { clip, optimizer } = this;
    const plain = renamed(grads, names);
    const params = renamed(copies(mapTensors(grads, (_, name) => variable(name))), names);
    const known = { params, loss, learning_rate: rateOf(optimizer), gradient: plain };
    const state = this.stateOf(params, namesText(names));
    const context = contextOf(clip, plain, this.iterations, known);
    const early = clip.gradient?.update(plain, state, context) ?? { grads: plain, state: {} };
    if (raises(early)) throw new Finding(notFinite);
    if (holds(early.skip)) return { ...state, ...early.state };
    const clippedOf = (name: string) => early.grads[names.get(name) ?? name];
    optimizer.applyGradients(list.map(({ name, tensor }) => ({ name, tensor: clippedOf(name) ?? tensor })));
    // At a rate of 0 (a warm-up's first step) there is no direction, and nothing moved.
    if (clip.update === undefined || rateOf(optimizer) === 0) return { ...state, ...early.state };
    const own = new Map([...names].map(([name, short]) => [short, variable(name)]));
    const back = context.learning_rate.neg();
    const moved = (name: string) => own.get(name) ?? tf.scalar(Number.NaN);
    const direction = mapTensors(params, (w, name) => moved(name).sub(w).div(back));
    const late = clip.update.update(direction, state, context);
    const isRaised = raises(late);
    for (const [name, w] of Object.entries(params)) {
      own.get(name)?.assign(isRaised ? w : w.add(pick(late.grads, name).mul(back)));
    }
    if (isRaised) throw new Finding(notFinite);
    return { ...early.state, ...late.state };
  }

  /** In variables, as the optimizers keep theirs: what getWeights gives stays good while training goes on. */
  private keep(tensors: Tensors): void {
    const next = copies(tensors);
    const before = this.state;
    if (before === undefined || Object.keys(before).join() !== Object.keys(next).join()) {
      this.state = Object.fromEntries(Object.entries(next).map(([name, tensor]) => [name, tf.variable(tensor, false)]));
      tf.dispose(before);
    } else for (const [name, tensor] of Object.entries(next)) before[name]?.assign(tensor);
  }

  /** What was restored goes by its order: variables may have other names in another program. */
  private stateOf(params: Tensors, names: string): Tensors {
    if (this.state !== undefined && !this.isRestored) {
      if (this.names !== names && isPerVariable(this.clip, params)) throw new UsageError(changed(this.names, names));
      return this.state;
    }
    refuseUnseen(this.clip, Object.keys(params));
    const initial = initialState(this.clip, params);
    const restored = Object.values<tf.Tensor>(this.state ?? initial);
    const keys = Object.keys(initial);
    if (keys.length !== restored.length) {
      throw new UsageError(`the strategy's state has ${keys.length} tensors; ${restored.length} were restored`);
    }
    return Object.fromEntries(restored.map((tensor, i) => [keys[i] ?? '', tensor]));
  }

  /** Those of the wrapped optimizer, then those it keeps to itself (Adam's powers of its betas), then the strategy's. */
  override async getWeights(): Promise<NamedTensor[]> {
    const [iterations, ...own] = await this.optimizer.getWeights();
    return [
      await this.saveIterations(),
      ...own,
      ...(iterations === undefined ? [] : [{ ...iterations, name: `${saved}iter` }]),
      ...privates(this.optimizer).map(([name, tensor]) => ({ name: `${saved}own/${name}`, tensor })),
      ...Object.entries(this.state ?? {}).map(([name, tensor]) => ({ name: stateName(name), tensor })),
    ];
  }

  override async setWeights(weights: NamedTensor[]): Promise<void> {
    const others = (await this.extractIterations(weights)).filter(({ name }) => !name.startsWith(saved));
    const tensorOf = (name: string) => weights.find((weight) => weight.name === `${saved}${name}`)?.tensor;
    const iterations = tensorOf('iter');
    if (iterations === undefined) throw new UsageError('these are not the weights of a clipped optimizer');
    await this.optimizer.setWeights([{ name: 'iter', tensor: iterations }, ...others]);
    for (const [name, own] of privates(this.optimizer)) {
      const tensor = tensorOf(`own/${name}`);
      // They may be its own, as getWeights gives them.
      if (tensor !== undefined && tensor !== own) own.assign(tensor);
    }
    const state = weights.flatMap(({ name, tensor }): [string, tf.Tensor][] =>
      name.startsWith(stateName('')) ? [[name.slice(stateName('').length), tensor]] : [],
    );
    const before = this.state;
    const kept = Object.fromEntries(state.map(([name, tensor]) => [name, tf.variable(tensor, false)]));
    // Before the first step there is none.
    [this.state, this.isRestored] = this.iterations === 0 ? [undefined, false] : [kept, true];
    tf.dispose(this.iterations === 0 ? [before, kept] : before);
  }

  override dispose(): void {
    this.optimizer.dispose();
    tf.dispose(this.state);
    this.state = undefined;
  }

  /** As character codes: tfjs-layers changes case and underscores in every text of a configuration. */
  getConfig(): tf.serialization.ConfigDict {
    const { optimizer, spec } = this;
    const text = JSON.stringify({ name: optimizer.getClassName(), config: optimizer.getConfig(), spec });
    return { written: Array.from(text, (_, i) => text.charCodeAt(i)) };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    { written }: tf.serialization.ConfigDict,
  ): T {
    const codes = z.array(z.number()).parse(written);
    const { name, config, spec } = configSchema.parse(JSON.parse(String.fromCharCode(...codes)));
    const [Wrapped, make] = tf.serialization.SerializationMap.getMap().classNameMap[name] ?? [];
    if (Wrapped === undefined || make === undefined) throw new UsageError(`there is no optimizer class ${name}`);
    return new cls(make(Wrapped, config), spec);
  }
}
tf.serialization.registerClass(ClippedOptimizer);

const configSchema = z.object({
  name: z.string(),
  config: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  spec: specSchema,
});

const stateName = (name: string) => `${saved}state/${name}`;

const namesText = (names: Map<string, string>): string => JSON.stringify([...names.values()]);

/** @throws UsageError for what is no optimizer, or clips already */
function refuseOptimizer(optimizer: tf.Optimizer): void {
  if (typeof optimizer?.applyGradients !== 'function') {
    throw new UsageError(
      `${JSON.stringify(optimizer)} is no optimizer; give one of TensorFlow.js, such as adam(0.001)`,
    );
  }
  // instanceof would say so of every optimizer: tf.Optimizer goes by the methods.
  if (optimizer.getClassName() === ClippedOptimizer.className) {
    throw new UsageError('the optimizer is clipped already; write both strategies as {chain: [...]}');
  }
}
