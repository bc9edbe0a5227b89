/**
 * The catalogue of clipping, S00 to S33, in the words of its golden file (test/golden/clip.json): which part each entry is here, and
 * what its parameters are called.
 */

import { UsageError } from './types.ts';

type Given = Record<string, unknown>;

/** A part as it is written in a matrix. */
export interface Written {
  kind: 'strategy' | 'optimizer';
  name: string;
  options: Record<string, unknown>;
  /** Where the entry's rule depends on it. */
  learning_rate?: unknown;
  /** Of a strategy that is shown beside an optimizer: which, and the decay of the weights beside both. */
  optimizer?: { name: string; options: Given };
  decay?: { share: unknown; isCoupled: boolean };
  /** How many examples or workers every step has, and what says so. */
  count?: { said: string; count: unknown };
}

export interface Entry {
  name: string;
  /** Where it isn't a strategy here. */
  kind?: 'optimizer';
  /** Our option for each of the entry's parameters. */
  options: Record<string, string>;
  /** Parameters that say what is so anyway, with what they may say. */
  implied?: Record<string, unknown[]>;
  /** Parameters of something else in the same step: an optimizer, a model, its data. */
  foreign?: string[];
  /** The parameter that says how many examples, workers or micro-batches there are. */
  counted?: string;
  /** Our word for the entry's `semantics`, where it is another; '' where our default is meant. */
  semantics?: Record<string, string>;
  /** Parameters that `also` reads. */
  reads?: string[];
  /** The optimizer that its parameters speak of. */
  beside?(given: Given): Pick<Written, 'optimizer' | 'decay'>;
  /** Options that a rule has where nothing else is said. */
  usually?(semantics?: string): Given;
  /** Options that aren't a parameter by another name, or not always. */
  also?(given: Given, semantics?: string): Given;
}

/** Some numbers stand for several parts; which it is depends on the parameters. */
interface Several {
  among: Entry[];
  choose(given: Given): Entry;
}

/** No bound: Infinity in float32. A number, so that it is one in JSON too. */
export const off = Number.MAX_VALUE;

/** Of the moments of Adam's kind. */
const betasOf = ({ betas }: Given): Given => (Array.isArray(betas) ? { beta1: betas[0], beta2: betas[1] } : {});

const trusted = { trustCoefficient: 'trust_coefficient', weightDecay: 'weight_decay' };
const lars: Entry = {
  name: 'lars',
  kind: 'optimizer',
  options: { ...trusted, momentum: 'momentum' },
  implied: { eps: [0] },
  semantics: { optax: '' },
};
const larc: Entry = { name: 'larc', options: { ...trusted, eps: 'eps', clip: 'clip' }, semantics: { apex: '' } };
const trustRatio: Entry = {
  name: 'trust_ratio',
  options: { trustCoefficient: 'trust_coefficient' },
  implied: { minNorm: [0], eps: [0], weightDecay: [0] },
};
const lamb: Entry = {
  name: 'lamb',
  kind: 'optimizer',
  options: { eps: 'epsilon', weightDecay: 'weight_decay' },
  semantics: { optax: '', keras: '', tf: '', torch: '', paper: '' },
  reads: ['betas'],
  also: betasOf,
};

/** What the golden file calls the places of eps. */
const epsModes: Record<string, string> = {
  'norm+eps': 'add',
  'max(norm,eps)': 'max',
  'sqrt(max(sumsq,eps))': 'max_square',
};

/** What the golden file calls the rules of S22. */
const automatic: Record<string, string> = { psac: 'psac', globalDrop: 'drop' };
const automaticBy = (rule: string): Entry => ({
  name: 'dp_automatic',
  options: { R: 'max_norm', C: 'max_norm', Z: 'max_norm', gamma: 'gamma', r: 'r' },
  semantics: { autoS: '', autoV: '', psac: '', globalDrop: '' },
  also: (_given, semantics) => ({ rule: automatic[String(semantics)] ?? rule }),
});

const skipSpike: Entry = {
  name: 'skip_spike',
  options: { rollingIntervalLength: 'window', sigmaFactor: 'sigma' },
  semantics: { 'olmo-core': 'olmo' },
};
const skipLarge: Entry = {
  name: 'skip_large',
  options: {},
  semantics: { optax: '' },
  reads: ['maxSquaredNorm'],
  also: ({ maxSquaredNorm }) => ({ max_norm: Math.sqrt(Number(maxSquaredNorm)) }),
};

const mixedClip: Entry = {
  name: 'mixed_clip',
  kind: 'optimizer',
  options: { gamma: 'gamma', beta: 'beta', nu: 'nu', soft: 'soft' },
  semantics: { mixed: '' },
};
const ofTheOptimizer = ['beta', 'betas', 'decay', 'eps', 'momentum', 'nesterov', 'weightDecay'];
/** The optimizer of S26: after clipping, or before it. */
function besideClip({
  order,
  betas,
  eps,
  decay,
  momentum,
  nesterov,
  weightDecay,
}: Given): ReturnType<NonNullable<Entry['beside']>> {
  const [first = 'mean', second = first] = String(order ?? 'clip>mean').split('>');
  const kind = first === 'clip' ? second : first;
  if (betas !== undefined || kind === 'adam') {
    const adam = { beta1: 0.9, beta2: 0.999, epsilon: eps ?? 1e-8, ...betasOf({ betas }) };
    if (weightDecay === undefined) return { optimizer: { name: 'adam', options: adam } };
    return { optimizer: { name: 'adamw', options: { ...adam, weight_decay: weightDecay } } };
  }
  // Momentum as a running mean, of which all is taken.
  if (kind === 'ema') {
    return { optimizer: { name: 'mixed_clip', options: { nu: 1, gamma: off, beta: decay } } };
  }
  if (kind !== 'trace' && momentum === undefined) return {};
  const sgd = { name: 'sgd', options: { momentum: momentum ?? decay ?? 0, nesterov: nesterov ?? false } };
  if (weightDecay === undefined || weightDecay === 0) return { optimizer: sgd };
  return { optimizer: sgd, decay: { share: weightDecay, isCoupled: String(order).includes('l2') } };
}
/** Clipping somewhere in a step; what else the parameters say is of the optimizer in it. */
const placedClip: Entry = {
  name: 'global_norm',
  options: { maxNorm: 'max_norm' },
  semantics: { 'clip>mean': '', 'mean>clip': '' },
  foreign: ofTheOptimizer,
  counted: 'microBatches',
  beside: besideClip,
  reads: ['order', 'threshold'],
  also: ({ order, threshold }) => {
    if (order === 'clip>mean') return { place: 'micro_batch' };
    if (threshold === undefined) return {};
    return { max_norm: threshold, ...(String(order).endsWith('>clip') && { place: 'update' }) };
  },
};
const placedBlockRms: Entry = {
  name: 'block_rms',
  options: { threshold: 'max_rms' },
  foreign: [...ofTheOptimizer, 'order'],
  beside: besideClip,
  also: () => ({ place: 'update' }),
};

export const catalogue: Record<string, Entry | Several> = {
  S00: { name: 'none', options: {} },
  S01: {
    name: 'value',
    options: { clipValue: 'clip_value', maxDelta: 'clip_value' },
    reads: ['max', 'min'],
    // One of them alone leaves the other side open.
    also: ({ max, min }) =>
      max === undefined && min === undefined ? {} : { clip_value: max ?? off, lowest: min ?? -off },
  },
  S02: {
    name: 'norm',
    options: { clipNorm: 'max_norm', axes: 'axes' },
    semantics: { group: 'burn' },
    reads: ['norm', 'groups'],
    also: ({ norm, groups }) => ({
      ...(norm === 'l2/size' && { semantics: 'tf_average' }),
      ...(Array.isArray(groups) && { groups: groups.map(namesOf) }),
    }),
  },
  S03: {
    name: 'global_norm',
    options: { maxNorm: 'max_norm', useNorm: 'use_norm' },
    implied: { accumulate: ['float64'] },
    // Theirs is PyTorch's; fairseq takes 0 and below as off, DeepSpeed leaves out what isn't finite.
    semantics: { fairseq: 'torch', megatron: 'torch', deepspeed: 'torch' },
    reads: ['normType', 'errorIfNonfinite'],
    also: ({ maxNorm, normType, errorIfNonfinite }, semantics) => ({
      ...(semantics === 'fairseq' && typeof maxNorm === 'number' && maxNorm <= 0 && { max_norm: off }),
      ...(semantics === 'deepspeed' && { non_finite: 'skip_step' }),
      ...(normType !== undefined && { p: normType === 'Infinity' ? 'inf' : normType }),
      ...(errorIfNonfinite === true && { non_finite: 'raise' }),
    }),
  },
  S04: {
    name: 'normalized',
    options: { eps: 'eps', scope: 'scope', scale: 'scale' },
    semantics: { safe: '', none: '', optax: '', torch: '', tf: '' },
    reads: ['epsMode'],
    also({ epsMode }, semantics) {
      if (epsMode !== undefined) return { eps_mode: epsModes[String(epsMode)] ?? epsMode };
      return semantics === 'none' ? { eps_mode: 'none' } : {};
    },
  },
  S05: { name: 'block_rms', options: { threshold: 'max_rms' } },
  S06: {
    name: 'agc',
    options: { clipping: 'clipping', eps: 'eps', unitAxis: 'unit_axis' },
    implied: { divEps: [1e-6] },
    reads: ['layout'],
    usually: (semantics) =>
      semantics === undefined || semantics === 'safe' ? {} : { unit_axis: semantics === 'optax' ? 'optax' : 'first' },
    also: ({ layout }) => (layout === undefined ? {} : { unit_axis: 'optax' }),
  },
  S12: {
    name: 'spam',
    kind: 'optimizer',
    options: {
      threshold: 'theta',
      deltaT: 'reset_every',
      warmupSteps: 'warmup',
      gradAccuSteps: 'clip_from',
      eps: 'epsilon',
      weightDecay: 'weight_decay',
    },
    semantics: { spam: 'official' },
    reads: ['betas'],
    also: betasOf,
  },
  S13: {
    name: 'stable_spam',
    kind: 'optimizer',
    options: { gamma1: 'gamma1', gamma2: 'gamma2', theta: 'theta', updateGap: 'reset_every', eps: 'epsilon' },
    semantics: { 'stable-spam': '' },
    reads: ['betas', 'resetTiming'],
    also: ({ resetTiming, ...given }) => ({
      ...betasOf(given),
      ...(resetTiming !== undefined && { semantics: resetTiming === 'beforeUse' ? 'before_use' : resetTiming }),
    }),
  },
  S14: {
    name: 'adafactor',
    kind: 'optimizer',
    options: {
      d: 'clipping_threshold',
      eps: 'epsilon',
      eps1: 'epsilon',
      eps2: 'min_scale',
      paramScaleMinRms: 'min_scale',
      decayRate: 'decay_rate',
      relativeStep: 'relative_step',
    },
    semantics: { optax: '', tf: '', keras: '' },
    usually: (semantics) => (semantics === 'torch' ? { epsilon: 1.2e-7 } : {}),
    reads: ['beta2Decay'],
    also: ({ beta2Decay }, semantics) => ({
      ...(beta2Decay !== undefined && { decay_rate: -Number(beta2Decay) }),
      ...(semantics === 'torch' && { relative_step: true }),
    }),
  },
  S15: {
    name: 'stable_adamw',
    kind: 'optimizer',
    options: { eps: 'epsilon', weightDecay: 'weight_decay' },
    semantics: { optimi: '' },
    reads: ['betas'],
    also: betasOf,
  },
  S16: {
    among: [lars, larc, lamb, trustRatio],
    choose({ betas, momentum, clip }) {
      if (betas !== undefined) return lamb;
      if (momentum !== undefined) return lars;
      return clip === undefined ? trustRatio : larc;
    },
  },
  S17: {
    name: 'sign',
    options: {},
    semantics: { sign: '', tf: '', optax: '' },
    reads: ['scope'],
    also: ({ scope }) => ({ scaled: scope === 'tensor' }),
  },
  S18: {
    name: 'soft_value',
    options: { c: 'clip_value', fn: 'fn' },
    semantics: { 'unit slope at 0, bound c': 'paper' },
  },
  S19: {
    name: 'soft_norm',
    options: { gamma: 'max_norm', scope: 'scope', fn: 'fn' },
    semantics: { soft: '' },
  },
  S26: {
    among: [mixedClip, placedClip, placedBlockRms],
    choose({ nu, order }) {
      if (nu !== undefined) return mixedClip;
      return order === 'adam>blockRms' ? placedBlockRms : placedClip;
    },
  },
  S28: {
    name: 'clipped_sstm',
    kind: 'optimizer',
    options: { a: 'a', B: 'bound' },
    // L is 1 / learning rate.
    foreign: ['diagA'],
    reads: ['L'],
    also: ({ L }) => (L === undefined ? {} : { learning_rate: 1 / Number(L) }),
    semantics: { sstm: '' },
  },
  S29: {
    name: 'acclip',
    kind: 'optimizer',
    options: { eps: 'epsilon', alpha: 'alpha' },
    semantics: { acclip: '' },
    reads: ['betas', 'mod'],
    also: ({ mod, ...given }) => ({ ...betasOf(given), ...(mod === 1 && { semantics: 'acclip_pytorch' }) }),
  },
  S27: { name: 'delta_norm', options: { gamma: 'gamma', delta: 'delta' }, semantics: { delta: '' } },
  S31: {
    name: 'centralize',
    options: {},
    semantics: { optax: '', 'out-last': '' },
    reads: ['meanAxes'],
    also: ({ meanAxes }) => ({ unit_axis: meanAxes === 'all but axis 0' ? 'first' : 'last' }),
  },
  S32: { name: 'cautious', options: { rescale: 'rescale' }, semantics: { coptim: '', timm: '' } },
  S07: {
    name: 'autoclip',
    options: { percentile: 'percentile', interpolation: 'percentile_interpolation' },
    implied: { eps: [1e-6] },
    reads: ['historySize'],
    // null: the whole history, which the default window is for as many steps as it has places.
    also: ({ historySize }) => (typeof historySize === 'number' ? { window: historySize } : {}),
  },
  S08: {
    name: 'zclip',
    options: {
      alpha: 'alpha',
      zThresh: 'z_threshold',
      warmupSteps: 'warmup',
      mode: 'mode',
      clipOption: 'clip_option',
      clipFactor: 'clip_factor',
      skipUpdateOnSpike: 'skip_update_on_spike',
    },
    implied: { eps: [1e-6] },
    reads: ['maxGradNorm'],
    // Their default is 1, and null is none, which is ours.
    also: ({ maxGradNorm = 1 }) =>
      maxGradNorm === null || maxGradNorm === 'Infinity' ? {} : { max_norm: maxGradNorm },
  },
  S09: {
    name: 'adagc',
    options: {
      lambdaRel: 'lambda',
      beta: 'beta',
      startClipSteps: 'warmup',
      tStart: 'warmup',
      maxNorm: 'max_norm',
      lambdaAbs: 'max_norm',
      scope: 'scope',
    },
    implied: { eps: [1e-6, 0], warmupInclusive: [true, false] },
    semantics: { adagc: 'official', 'adagc-global': 'official', 'adagc-paper': 'paper' },
  },
  S10: {
    name: 'norm_ema',
    options: { factor: 'ratio', ratio: 'ratio', beta: 'beta', scope: 'scope' },
    implied: { eps: [1e-6], warmupSteps: [1] },
    semantics: { ema: '' },
    usually: (semantics) => (semantics === 'olmo' ? { scope: 'tensor' } : {}),
    reads: ['firstTrackedStep'],
    // OLMo's, which has a mean for every tensor.
    also: ({ firstTrackedStep }) => (firstTrackedStep === undefined ? {} : { scope: 'tensor' }),
  },
  S11: {
    among: [skipSpike, skipLarge],
    choose: ({ maxSquaredNorm }) => (maxSquaredNorm === undefined ? skipSpike : skipLarge),
  },
  S20: {
    name: 'dp_sgd',
    options: { l2NormClip: 'max_norm', maxGradNorm: 'max_norm', noiseMultiplier: 'noise_multiplier' },
    implied: { eps: [1e-6] },
    counted: 'lotSize',
    semantics: { abadi: '' },
  },
  S21: {
    name: 'dp_per_tensor',
    options: { globalL2NormClip: 'max_norm' },
    semantics: { optax: '' },
    reads: ['uniform'],
    also: ({ uniform }) => ({ split: uniform === false ? 'by_size' : 'uniform' }),
  },
  S22: {
    among: [automaticBy('auto')],
    choose: ({ r, Z }) => automaticBy(r !== undefined ? 'psac' : Z !== undefined ? 'drop' : 'auto'),
  },
  S23: {
    name: 'dp_quantile',
    options: {
      learningRate: 'threshold_rate',
      quantile: 'quantile',
      initialClip: 'initial_norm',
      minClip: 'smallest_norm',
      maxClip: 'largest_norm',
      countNoiseStd: 'count_noise',
    },
    semantics: { tfp: '' },
    reads: ['geometric'],
    also: ({ geometric }) => ({ rule: geometric === false ? 'arithmetic' : 'geometric' }),
  },
  S24: { name: 'u_clip', options: { kind: 'kind', c: 'bound' }, semantics: { uclip: '' } },
  S25: { name: 'clip21', options: { tau: 'max_norm' }, counted: 'workers', semantics: { clip21: '' } },
  S30: {
    name: 'skip_non_finite',
    options: { maxConsecutiveErrors: 'max_consecutive' },
    // Of the optimizer after it.
    foreign: ['decay', 'lr'],
    semantics: { optax: '' },
  },
  S33: {
    name: 'backward_value',
    options: { c: 'clip_value' },
    // Of the network and its loss.
    foreign: ['w', 'u', 'h0', 'lossScale', 'target'],
    semantics: { backward: '' },
  },
};

/** The golden file counts tensors; here they have names, g0, g1, ... */
const namesOf = (group: unknown): unknown => (Array.isArray(group) ? group.map((index) => `g${index}`) : group);

/**
 * An entry of the catalogue as a part with options. Names that the entry doesn't know are passed on: they may be of ours.
 *
 * @param id such as S03
 * @throws RangeError where there is no such entry
 * @throws UsageError where a parameter says what isn't so here
 */
export function fromCatalogue(id: string, params: Given, semantics?: string): Written {
  const found = catalogue[id];
  if (found === undefined) throw new RangeError(`no entry "${id}" (known: ${Object.keys(catalogue).join(', ')})`);
  const { lr: learning_rate, ...given } = params;
  const entry = 'among' in found ? found.choose(given) : found;
  const { implied = {}, foreign = [], reads = [], counted = '' } = entry;
  for (const [key, allowed] of Object.entries(implied)) {
    if (!(key in given) || allowed.includes(given[key])) continue;
    const words = allowed.map((value) => JSON.stringify(value)).join(' or ');
    throw new UsageError(
      `strategy ${id}: ${key} is ${JSON.stringify(given[key])}; ${entry.name} computes with ${words}; leave it out`,
    );
  }
  const said = Object.entries(given).filter(([key]) => !(key in implied) && !foreign.includes(key) && key !== counted);
  const { learning_rate: own_rate, ...more } = entry.also?.(given, semantics) ?? {};
  const rate = learning_rate ?? own_rate;
  const renamed = said
    .filter(([key]) => !reads.includes(key))
    .map(([key, value]): [string, unknown] => [entry.options[key] ?? key, value]);
  const rule = semantics === undefined ? '' : (entry.semantics?.[semantics] ?? semantics);
  return {
    kind: entry.kind ?? 'strategy',
    name: entry.name,
    options: {
      ...(rule !== '' && { semantics: rule }),
      ...entry.usually?.(semantics),
      ...Object.fromEntries(renamed),
      ...more,
    },
    ...(rate !== undefined && { learning_rate: rate }),
    ...entry.beside?.(given),
    ...(counted in given && { count: { said: counted, count: given[counted] } }),
  };
}

/** What a number stands for: several parts, where parameters decide. */
export function entriesOf(id: string): Entry[] {
  const found = catalogue[id];
  if (found === undefined) return [];
  return 'among' in found ? found.among : [found];
}

/** The numbers under which a part is in the catalogue. */
export const namesInCatalogue = (name: string): string[] =>
  Object.keys(catalogue).filter((id) => entriesOf(id).some((entry) => entry.name === name));
