/** Any optimizer of TensorFlow.js with clipping before it, or on what it does. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { type Spec, specSchema } from '../apply/spec.ts';
import { mapTensors, pick } from '../tensors.ts';
import { Finding, type Tensors, UsageError } from '../types.ts';
import { contextOf, copies, holds, notFinite, type ReadyClip, raises, readers, readyClip } from './clip.ts';

/** Of what is saved beside the wrapped optimizer's own. */
const saved = 'clipped/';

/**
 * An optimizer that clips, for `model.compile`, `minimize` and `applyGradients`. It owns `optimizer`: what it saves, restores and frees
 * is of both. A learning rate that changes is changed on `optimizer`. A step that is left out changes neither the weights nor `optimizer`.
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
  private state: Tensors | undefined;
  private isRestored = false;
  /** Of the variables that had gradients in the step before. */
  private names: string | undefined;
  /** Of the step that is being made, where it is known. */
  private loss: tf.Scalar | undefined;

  private readonly optimizer: tf.Optimizer;
  private readonly spec: Spec;

  constructor(optimizer: tf.Optimizer, spec: Spec) {
    super();
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
    const before = this.state;
    this.state = tf.tidy(() => keptOf(this.step(list, grads, loss)));
    tf.dispose(before);
    this.incrementIterations();
  }

  /** Returns the strategies' next state. */
  private step(list: NamedTensor[], grads: Tensors, loss: tf.Scalar | undefined): Tensors {
    const { clip, optimizer } = this;
    const params = copies(mapTensors(grads, (_, name) => variable(name)));
    const known = { params, loss, learning_rate: rateOf(optimizer), gradient: grads };
    const state = this.stateOf(params);
    const context = contextOf(clip, grads, this.iterations, known);
    const early = clip.gradient?.update(grads, state, context) ?? { grads, state: {} };
    if (raises(early)) throw new Finding(notFinite);
    if (holds(early.skip)) return { ...state, ...early.state };
    optimizer.applyGradients(list.map(({ name, tensor }) => ({ name, tensor: early.grads[name] ?? tensor })));
    if (clip.update === undefined) return early.state;
    const back = context.learning_rate.neg();
    const direction = mapTensors(params, (w, name) => variable(name).sub(w).div(back));
    const late = clip.update.update(direction, state, context);
    const isRaised = raises(late);
    for (const [name, w] of Object.entries(params)) {
      variable(name).assign(isRaised ? w : w.add(pick(late.grads, name).mul(back)));
    }
    if (isRaised) throw new Finding(notFinite);
    return { ...early.state, ...late.state };
  }

  /** What was restored goes by its order: variables may have other names in another program. */
  private stateOf(params: Tensors): Tensors {
    const names = JSON.stringify(Object.keys(params));
    if (this.state !== undefined && !this.isRestored) {
      if (this.names !== names && isPerVariable(this.clip, params)) {
        throw new UsageError(
          `the variables with gradients were ${this.names} and are ${names}, and the strategy remembers something of each; give each set of variables an optimizer of its own`,
        );
      }
      this.names = names;
      return this.state;
    }
    this.names = names;
    const initial = initialState(this.clip, params);
    const restored = Object.values(this.state ?? initial);
    const keys = Object.keys(initial);
    if (keys.length !== restored.length) {
      throw new UsageError(`the strategy's state has ${keys.length} tensors; ${restored.length} were restored`);
    }
    this.isRestored = false;
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
    for (const [name, own] of privates(this.optimizer)) own.assign(tensorOf(`own/${name}`) ?? own);
    const state = weights.flatMap(({ name, tensor }): [string, tf.Tensor][] =>
      name.startsWith(stateName('')) ? [[name.slice(stateName('').length), tensor]] : [],
    );
    tf.dispose(this.state);
    // Before the first step there is none.
    this.state = this.iterations === 0 ? undefined : keptOf(Object.fromEntries(state));
    this.isRestored = this.iterations > 0;
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

const initialState = ({ gradient, update }: ReadyClip, params: Tensors): Tensors => ({
  ...gradient?.init(params),
  ...update?.init(params),
});

/** Whether the state depends on which variables there are. */
function isPerVariable(clip: ReadyClip, params: Tensors): boolean {
  const shapes = (state: Tensors) => JSON.stringify(Object.entries(state).map(([name, { shape }]) => [name, shape]));
  return shapes(initialState(clip, params)) !== shapes(initialState(clip, {}));
}

const stateName = (name: string) => `${saved}state/${name}`;

/** Outliving the tidy they are made in, and whatever else holds the same tensors. */
const keptOf = (tensors: Tensors): Tensors => mapTensors(copies(tensors), (tensor) => tf.keep(tensor));

/** Where tf.Optimizer keeps variables. */
function variable(name: string): tf.Variable {
  const found = tf.engine().registeredVariables[name];
  if (found === undefined) throw new UsageError(`there is a gradient for ${name}, and no variable`);
  return found;
}

function rateOf(optimizer: tf.Optimizer): number | undefined {
  const { learningRate } = optimizer.getConfig();
  return typeof learningRate === 'number' ? learningRate : undefined;
}

/** Scalars that an optimizer changes and doesn't save; it would compute them anew, with other last bits. */
function privates(optimizer: tf.Optimizer): [string, tf.Variable][] {
  return Object.entries(optimizer).flatMap(([name, value]: [string, unknown]): [string, tf.Variable][] =>
    value instanceof tf.Variable ? [[name, value]] : [],
  );
}
