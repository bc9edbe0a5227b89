/**
 * The nouns of clipbench. Read this file first; `train/step.ts` second.
 *
 * Everything that learns is a pair of pure functions over named tensors, the idea of optax:
 * `init(params) -> state` and `update(grads, state, context) -> {grads, state}`. A clip strategy and an
 * optimizer have the same shape, so any order of them is plain composition.
 */
import type * as tf from '@tensorflow/tfjs';
import type { z } from 'zod';

/**
 * Named tensors. Insertion order is the order of every sum over them, so it is part of the result;
 * names match ^[a-z][a-z0-9_./]*$ (JavaScript would reorder names that look like integers).
 */
export type Tensors = Record<string, tf.Tensor>;

/** A value that an option can take in YAML, in a cell and in CSV. */
export type OptionValue = number | string | boolean | OptionValue[] | ThresholdRule;
export type Options = Record<string, OptionValue>;

/** What an option says of itself: given to zod with `.meta()`, which checks it. */
declare module 'zod' {
  interface GlobalMeta {
    description?: string;
    /** `structural` options shape the computation and go to `make`; `numeric` ones are float32 scalars read in `update`. */
    role?: 'structural' | 'numeric';
    /** The value of a numeric option that leaves its computation out: `make` is told whether there is one. */
    absent?: number;
    /** The option that the `threshold` column and the heatmaps show; at most one in a part. */
    threshold?: boolean;
    /** Where to look for good values, and on which scale. */
    search?: { min: number; max: number; scale: 'log' | 'linear' };
    /** Of a task: says what is measured, not what is learned from. Its examples don't depend on it. */
    measure?: boolean;
  }
}

/**
 * The gradients that a strategy works on: the mean over the batch, those of its micro-batches, [micro-batches, ...shape], or
 * those of its examples, [examples, ...shape]. A strategy that needs several returns one.
 */
export type Needs = 'batch' | 'micro_batch' | 'example' | 'backward';

/** What one file in strategies/ optimizers/ models/ tasks/ exports. `T` is what it makes. */
export interface Part<Structure extends Options, T> {
  /** The one name: of the file, in YAML, in CSV and in legends. */
  name: string;
  summary: string;
  equation: string;
  /** Paper (year, section) or the function of another library whose behaviour this follows. */
  reference: string;
  /** What a strategy looks at to decide: entries, units (the weights into one output), tensors, the whole gradient, ... */
  scope?: 'element' | 'unit' | 'tensor' | 'group' | 'global' | 'example' | 'update' | 'step' | 'backward';
  /**
   * What it adds to a step without it: R and W are passes that read or write all N entries of a gradient, B the examples of a batch.
   */
  cost?: string;
  /** Default: batch. */
  needs?: Needs;
  options: z.ZodObject;
  /** Constants computed on the host in double: `1 - beta` in float32 is off by 1e-5 at 0.999. */
  derive?(options: Options): Record<string, number>;
  /** Builds the functions. Sees the structural options only, so one built step serves every threshold, rate and seed. */
  make(structure: Structure): T;
}

/**
 * Uniform in [0, 1), of this shape: other numbers for each site (a name) and step, the same for the same seed whatever the
 * backend, engine, strategy or optimizer.
 */
export type Noise = (site: string, shape: number[]) => tf.Tensor;

/** `Numeric` names the numeric options and derived constants that a part reads. */
export interface UpdateContext<Numeric extends string = string> {
  params: Tensors;
  /** The raw gradient, before any strategy. */
  gradient: Tensors;
  /** The part's numeric options and what `derive` returned, as float32 scalars. */
  options: Record<Numeric, tf.Scalar>;
  /** The only learning rate an optimizer reads. */
  learning_rate: tf.Scalar;
  loss: tf.Scalar;
  /** Optimizer updates made so far, from 0. */
  step: tf.Scalar;
  noise: Noise;
  /** Standard normal numbers, drawn as `noise` is. */
  normal: Noise;
}

export interface Update {
  grads: Tensors;
  state: Tensors;
  /** Bool scalar: true keeps params, optimizer state and model state exactly as they were. */
  skip?: tf.Scalar;
  /** Bool scalar: a norm on which it rests overflowed. With `non_finite: raise` the run ends then too. */
  overflowed?: tf.Tensor;
  /**
   * Scalars for telemetry; `clipped_fraction` and `threshold` have columns, others go to signals.csv. A run ends where `raised` isn't 0.
   */
  info?: Record<string, tf.Scalar>;
}

/**
 * A clip strategy or an optimizer. `update` is pure and never reads a tensor's values (no dataSync, no `if` on them),
 * so that it can be recorded. An optimizer returns in `grads` what is to be added to the params.
 */
export interface Transform<Numeric extends string = string> {
  /** `parts`: how many gradients arrive for each parameter where the part needs those of micro-batches; 1 where it isn't said. */
  init(params: Tensors, parts?: number): Tensors;
  update(grads: Tensors, state: Tensors, context: UpdateContext<Numeric>): Update;
  /**
   * What the threshold is compared with: of entries, units or tensors the largest. A relative threshold is relative to it; strategies
   * without it take absolute ones only.
   */
  statistic?(grads: Tensors, context: UpdateContext<Numeric>): tf.Scalar;
  /** Of an optimizer: the weights that are evaluated and hashed, where they aren't the params. `state` is its own. */
  readout?(params: Tensors, state: Tensors): Tensors;
}

/** A named stream of random numbers; the same on every backend and machine. */
export interface Stream {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** 0 .. n-1 in random order. */
  permutation(n: number): Uint32Array;
}
/**
 * The stream from which one parameter's start is drawn; named by seed, parameter and shape, so equal layers start equal. None
 * where shapes are all that is asked for: then nothing is drawn, and the parameter is zeros.
 */
export type InitStreams = (parameter: string, shape: number[]) => Stream | undefined;

export interface TaskShape {
  /** Of one example: [features], [height, width, channels], [time, features] for a sequence, or [time] for one of tokens. */
  input: number[];
  /** Where x holds tokens: how many there are. They are whole numbers from 0. */
  vocabulary?: number;
  /** Numbers in an output: one for each class or value. */
  output: number;
  /** Where there is an output for each time of a sequence and not one for all of it: how many times that are. */
  times?: number;
  /** Numbers in a target, where they aren't as many as in all outputs: class numbers, say. */
  target?: number;
}

/** Host-side examples, row-major: `x` is [size, ...shape.input], `y` the targets (one-hot for classes, unless the shape says other). */
export interface Batch {
  size: number;
  x: Float32Array;
  y: Float32Array;
}

export type Split = 'train' | 'val' | 'test';

export interface Task {
  shape: TaskShape;
  /**
   * The run's endless sequence of training examples: the next so many. They are the same, in the same order, however many are
   * asked for at once. Call once per run: the result keeps the place in the epoch, and may write its next batch over the last.
   *
   * @param relabel changes targets in a batch, where labels are to be noisy
   */
  batches(stream: Stream, relabel?: Relabel): (size: number) => Batch;
  /**
   * The examples on which a split is evaluated, the same for every run; `train` is a fixed part of the training data.
   * `stream` is for tasks that generate theirs; it depends on the task's options alone.
   */
  split(name: Split, stream: Stream): Batch;
  /** Which controls on the loss make sense: label smoothing and noise with classes, Huber's where the error is squared, or neither. */
  kind: 'classification' | 'regression' | 'other';
  /**
   * Loss of each example, [batch]; the loop averages. `y` is what the model returned, `target` [batch, numbers in a target].
   * In training there may be `controls` on it.
   */
  loss(y: tf.Tensor2D, target: tf.Tensor2D, controls?: LossControls): tf.Tensor1D;
  metric: Metric;
  /** sha256 of the data the task reads, by name, for the manifest; empty for generated tasks. */
  data(): Record<string, string>;
}

export interface Metric {
  name: string;
  better: 'higher' | 'lower';
  /** Metric of each example, [batch]; the evaluation averages. */
  perExample(y: tf.Tensor2D, target: tf.Tensor2D): tf.Tensor1D;
  /** The metric from the mean over all examples, on the host in double, where it isn't the mean itself: exp for perplexity. Increasing. */
  of?(mean: number): number;
}

/** Changes the target of a training example, which goes by its number in the data, or in the order in which it is made. */
export type Relabel = (example: number, target: Float32Array) => void;

export interface LossControls {
  /** Share of every target that is spread over all classes (Szegedy et al. 2016, section 7). */
  label_smoothing?: tf.Scalar;
  /** Where the squared error becomes linear (Huber 1964). */
  huber?: tf.Scalar;
}

/** As Noise, where an axis counts the examples (0: the first): an example alone gets what is its own in a batch. */
export type ExampleNoise = (site: string, shape: number[], axis: number) => tf.Tensor;

export interface ModelContext {
  training: boolean;
  /** The task's, as it was given to `init`. */
  shape: TaskShape;
  /** For dropout. There is none in evaluation. */
  noise?: ExampleNoise;
  /** The model's numeric options, such as a dropout rate. They act in training only. */
  options?: Record<string, tf.Scalar>;
  /** What strategies inside back-propagation make of the gradient by what is computed at a site, which has a name. */
  backward?: (site: string, dy: tf.Tensor) => tf.Tensor;
}

export interface Model {
  /** Whether it has sites at which strategies inside back-propagation act. */
  sites?: boolean;
  /** Why this model can't learn a task of this shape, or undefined. Asked while planning, before anything runs. */
  refuse?(shape: TaskShape): string | undefined;
  /** Fresh parameters and state (running statistics and the like). Every layer draws from a stream of its own. */
  init(streams: InitStreams, shape: TaskShape): { params: Tensors; state: Tensors };
  /** Outputs [batch, (shape.times ?? 1) * shape.output] for `x` [batch, ...shape.input], and the next state. */
  apply(params: Tensors, state: Tensors, x: tf.Tensor, context: ModelContext): [y: tf.Tensor2D, state: Tensors];
}

export type TransformPart<S extends Options = Options, Numeric extends string = string> = Part<S, Transform<Numeric>>;
export type ModelPart<S extends Options = Options> = Part<S, Model>;
export type TaskPart<S extends Options = Options> = Part<S, Task>;
/** What a learning rate is multiplied with at step `t` of `steps`. On the host, in double. */
export type Schedule = (t: number, steps: number) => number;
export type SchedulePart<S extends Options = Options> = Part<S, Schedule>;

/**
 * One training step as a pure function of what is learned and what is fed, so that it can be run eagerly or recorded.
 * `state` holds the groups params, model, strategy and optimizer; `inputs` the batch, the rates and the numeric options.
 */
export type Step = (state: Tensors, inputs: Tensors) => { state: Tensors; scalars: Record<string, tf.Scalar> };

/** A tensor's numbers outside TensorFlow. Never written after they were handed over: a tensor may share the memory. */
export interface HostTensor {
  shape: number[];
  values: Float32Array;
}
export type HostTensors = Record<string, HostTensor>;

/** A run of a step, again and again; holds its state between calls. */
export interface Training {
  /** Steps in a row, one for each of the inputs, which may be written over afterwards; returns the scalars of each. */
  call(steps: HostTensors[]): Record<string, number>[];
  /** Copies one group of the state out. */
  read(group: string): HostTensors;
  /** Frees the state. */
  dispose(): void;
}

/** A function of examples with what it holds, such as a model with its parameters. */
export interface Application {
  /** The values of the tensor that the function returns. */
  call(inputs: HostTensors): Float32Array;
  dispose(): void;
}

export const engineNames = ['compiled', 'eager'] as const;

/**
 * How pure functions of tensors are run: op by op (`eager`), or as one graph (`compiled`). `key` names a function's
 * structure: functions with the same key do the same operations on the same shapes.
 */
export interface Engine {
  name: (typeof engineNames)[number];
  /**
   * The engine owns and frees the `initial` state; `constants` are inputs that stay the same for the whole run, such as a
   * threshold.
   */
  train(key: string, step: Step, initial: Tensors, constants: Record<string, number>): Training;
  apply(key: string, f: (held: Tensors, inputs: Tensors) => tf.Tensor, held: HostTensors): Application;
  /** Frees what is kept between runs. */
  dispose(): void;
}

/** A part by name, with every option, defaults filled in. */
export interface Choice {
  name: string;
  options: Options;
}

/**
 * In the place of a threshold: what it is measured by, and how it goes on. `quantile` and `multiple` (of the median) are of the
 * strategy's statistic over `probe` unclipped steps from the same start, after which the run begins anew.
 */
export interface ThresholdRule {
  value?: number;
  quantile?: number;
  multiple?: number;
  probe?: number;
  /** Factor on the threshold by step. */
  schedule?: Choice;
}

/**
 * Where in a step a strategy acts: on the gradient of every micro-batch before they are averaged, on the gradient that the
 * optimizer is given, or on the direction that the optimizer returns, before the learning rate.
 */
export const places = ['micro_batch', 'gradient', 'update'] as const;
export type Place = (typeof places)[number];
/** Strategies that need it act while the gradient is computed. */
export type Stage = Place | 'backward';

/** How a strategy is used. What isn't there is the default. */
export interface Placement {
  /** Default: gradient. */
  place?: Place;
  /** Patterns (`*`, `?`) of the parameters it sees; the others' gradients pass. Default: all. */
  include?: string[];
  exclude?: string[];
  /**
   * What becomes of a gradient that isn't finite: the run ends, such entries count as 0, or the step is left out. Default: it goes on
   * as it is, so that a divergence is never hidden.
   */
  non_finite?: 'raise' | 'zero' | 'skip_step';
}

/** A strategy in a run. */
export interface Clip extends Choice, Placement {}

/** What else than clipping may do its job, or call for it. */
export interface Controls {
  schedule: Choice;
  /** Of the weights, after clipping: beside the optimizer's update (`decoupled`), or added to the gradient it sees. */
  weight_decay: number;
  decay: 'decoupled' | 'coupled';
  /** Penalties l1 * sum |w| and l2 * sum w^2: part of the gradient that is clipped. */
  l1: number;
  l2: number;
  label_smoothing: number;
  label_noise: number;
  /** 0 leaves the squared error as it is. */
  huber: number;
  /** eta: normal noise of variance eta / (1 + t)^0.55 on the gradient (Neelakantan et al. 2015, eq. 1), before it is clipped. */
  gradient_noise: number;
  /** Micro-batches of an update; their mean gradient is the gradient. */
  accumulate: number;
  /**
   * Bound on the norm of the weights into each unit, after every update; 0 is none (Srebro & Shraibman 2005; Srivastava et al.
   * 2014). The vector of a token is such a unit; with weight norm and standardized weights it is their lengths that are bounded.
   */
  max_weight_norm: number;
  /** Every so many steps the gradient is multiplied with `spike_factor`; 0 is never. */
  spike_every: number;
  spike_factor: number;
}

/** One fully resolved point of a matrix: what one run does. Its canonical JSON is its identity. */
export interface Cell extends Controls {
  task: Choice;
  model: Choice;
  optimizer: Choice;
  learning_rate: number;
  /** Applied in this order; more than one is a chain. */
  strategy: Clip[];
  seed: number;
  steps: number;
  batch_size: number;
  eval_every: number;
  log_every: number;
  /** Factor on every gradient before the strategy sees it; 1 except in experiments about overflow. */
  gradient_scale: number;
  telemetry: 'off' | 'basic' | 'full';
  /** `repro`: oneDNN off, one set of bits for every engine. `fast`: on. */
  numerics: 'repro' | 'fast';
  /** Validation metric that counts as reached, for steps_to_target. */
  target?: number;
  /** `tune`: one of the trials by which something is chosen, blind to the test split. `smoke`: a few steps to see that everything runs. */
  phase: 'confirm' | 'tune' | 'smoke';
  /** Of a tuning trial: its number among those of the same contest, from 0. */
  trial?: number;
}

/** A mistake of the user: printed as one line, exit code 2. `message` says what, the value, what is allowed, and a remedy. */
export class UsageError extends Error {}

/** Something wrong was found (an altered record, say): printed as one line, exit code 1. */
export class Finding extends Error {}
