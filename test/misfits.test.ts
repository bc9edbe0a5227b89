/** What is refused because it doesn't go together, though each piece is right by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { parts } from '../src/parts.ts';
import { UsageError } from '../src/types.ts';

interface Changes {
  task?: string;
  optimizer?: string;
  /** Lines 7 and on. */
  more?: string;
}

const file = ({ task = 'adding', optimizer = 'sgd, learning_rate: 0.1', more = '' }: Changes) => `question: q
steps: [20, 5]
seeds: 1
task: {name: ${task}}
optimizer: {name: ${optimizer}}
strategy: none
model: mlp
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
