/** What is refused because it doesn't go together, though each piece is right by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { parts } from '../src/parts.ts';
import { UsageError } from '../src/types.ts';

interface Changes {
  task?: string;
  optimizer?: string;
  strategy?: string;
  model?: string;
  /** Lines 7 and on. */
  more?: string;
}

const file = ({
  task = 'adding',
  optimizer = 'sgd, learning_rate: 0.1',
  strategy = 'none',
  model = 'mlp',
  more = '',
}: Changes) => `question: q
steps: [20, 5]
seeds: 1
task: {name: ${task}}
optimizer: {name: ${optimizer}}
strategy: ${strategy}
model: ${model}
${more}`;

const cellsOf = (changes: Changes) => [...parseExperiment(file(changes), 'x.yaml').cells.values()];
const refusalOf = (changes: Changes): string => {
  try {
    cellsOf(changes);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return 'nothing was refused';
};

const refusals: [what: string, changes: Changes, message: RegExp][] = [
  [
    'an update that is compared with the gradient, at the gradient',
    { strategy: 'cautious' },
    /^x\.yaml:6:11: strategy "cautious" compares an update with the gradient; write place: update$/,
  ],
  [
    'gradients of examples that batch norm mixes',
    { strategy: '{name: dp_sgd, max_norm: 1}', model: '{name: mlp, norm: [none, batch]}' },
    /^x\.yaml:6:11: strategy "dp_sgd" works on gradients by example, which batch norm of model "mlp" mixes; use another norm$/,
  ],
  [
    'gradients of examples in micro-batches',
    { strategy: 'dp_automatic', more: 'accumulate: 2' },
    /^x\.yaml:6:11: strategy "dp_automatic" works on gradients by example; leave accumulate at 1$/,
  ],
  [
    'gradients of examples after another strategy',
    { strategy: '{chain: [sign, dp_quantile]}' },
    /^x\.yaml:6:\d+: strategy "dp_quantile" works on gradients by example, which only the first of a chain is given, at place gradient; move it there$/,
  ],
  [
    'more noise on the gradient than noise on the count allows',
    { strategy: '{name: dp_quantile, noise_multiplier: [0.5, 2], count_noise: 1}' },
    /^x\.yaml:6:\d+: strategy "dp_quantile": noise_multiplier is 2; give less than 2 count_noise: a count with so little noise takes all the privacy there is$/,
  ],
  [
    'clipping inside back-propagation at another place',
    { strategy: '{name: backward_value, clip_value: 1, place: update}' },
    /^x\.yaml:6:11: strategy "backward_value" acts inside back-propagation, where place means nothing; leave it out$/,
  ],
  [
    'clipping inside back-propagation of a model that has no place for it',
    { task: 'mnist', model: 'cnn', strategy: '{name: backward_value, clip_value: 1}' },
    /^x\.yaml:6:11: strategy "backward_value" finds no place to act in model "cnn"; recurrent models, mlp and deep_linear have some$/,
  ],
  [
    'a kind of decay without decay',
    { more: 'decay: coupled' },
    /^x\.yaml:8:8: decay coupled acts on nothing, since weight_decay is 0; set weight_decay, or leave decay out$/,
  ],
  [
    'kinds of decay without decay',
    { more: 'decay: [decoupled, coupled]\nweight_decay: 0' },
    /^x\.yaml:8:8: decay coupled acts on nothing, since weight_decay is 0; /,
  ],
  [
    'a size of spikes without spikes',
    { more: 'spike_factor: 50' },
    /^x\.yaml:8:15: spike_factor 50 acts on nothing, since spike_every is 0; set spike_every, or leave spike_factor out$/,
  ],
  [
    'decay beside that of the optimizer',
    { optimizer: 'adamw, learning_rate: 0.1', more: 'weight_decay: [0, 0.1]' },
    /^x\.yaml:8:15: weight_decay 0\.1 comes on top of the 0\.01 of optimizer "adamw", so weights would decay twice; leave it out, or give the optimizer weight_decay: 0$/,
  ],
  [
    'spikes beyond float32',
    { more: 'gradient_scale: [1, 1.0e+25]\nspike_every: 2\nspike_factor: 1.0e+24' },
    /^x\.yaml:10:15: gradient_scale 1e\+25 times spike_factor 1e\+24 is out of float32's range; keep the product within 1e-45 to 3\.4e38$/,
  ],
  [
    'usual spikes of gradients that are as large as can be',
    { more: 'gradient_scale: 1.0e+37\nspike_every: 2' },
    /^x\.yaml:8:17: gradient_scale 1e\+37 times spike_factor 100 is out/,
  ],
  [
    'spikes that are 0 in float32',
    { more: 'gradient_scale: 1.0e-30\nspike_every: 2\nspike_factor: 1.0e-30' },
    /^x\.yaml:10:15: gradient_scale 1e-30 times spike_factor 1e-30 is out/,
  ],
  [
    'a warm-up as long as the shortest run',
    { more: 'schedule: {name: [cosine, linear], warmup: [0, 5]}' },
    /^x\.yaml:8:44: schedule "cosine": warmup is 5, so a run of 5 steps never reaches its learning rate; take 4 at most, or more steps\nx\.yaml:8:44: schedule "linear": /,
  ],
];
for (const [what, changes, message] of refusals) {
  test(`refuses ${what}, where it is written`, () => assert.match(refusalOf(changes), message));
}

test('every optimizer with decay of its own is refused beside weight_decay, unless its own is 0', () => {
  const own = parts.optimizers.filter(({ options }) => 'weight_decay' in options.shape).map(({ name }) => name);
  assert.ok(own.length >= 4, own.join(' '));
  for (const name of own) {
    const optimizer = (decay: number) => `${name}, learning_rate: 0.1, weight_decay: ${decay}`;
    const more = 'weight_decay: 0.1';
    assert.match(refusalOf({ optimizer: optimizer(0.2), more }), new RegExp(`the 0.2 of optimizer "${name}"`));
    assert.equal(cellsOf({ optimizer: optimizer(0), more }).length, 2);
    assert.equal(cellsOf({ optimizer: optimizer(0.2) }).length, 2);
  }
});

test('what acts in a part of a block is taken there, and is as unsaid in the rest', () => {
  const cells = cellsOf({
    more: 'weight_decay: [0, 0.1]\ndecay: coupled\nspike_every: [0, 4]\nspike_factor: 50\ngradient_scale: 1.0e+36',
  });
  assert.deepEqual(
    cells.slice(0, 4).map(({ weight_decay, decay, spike_every, spike_factor }) => [
      [weight_decay, decay],
      [spike_every, spike_factor],
    ]),
    [
      [
        [0, 'decoupled'],
        [0, 100],
      ],
      [
        [0, 'decoupled'],
        [4, 50],
      ],
      [
        [0.1, 'coupled'],
        [0, 100],
      ],
      [
        [0.1, 'coupled'],
        [4, 50],
      ],
    ],
  );
});

test('a warm-up of all steps but the last is taken', () =>
  assert.equal(cellsOf({ more: 'schedule: {name: cosine, warmup: 4}' }).length, 2));
