/** Where strategies have to do as another system does, or not as it does: one row, one case; worked out in float64. */
import assert from 'node:assert/strict';
import { applySteps } from '../src/apply/steps.ts';
import { eager } from '../src/engine/eager.ts';
import { UsageError } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { given } from './support/golden_apply.ts';
import { assertNear } from './support/host.ts';

type Entry = number | 'NaN' | 'Infinity';
const vector = (d: Entry[]) => ({ s: [d.length], d });

const rows: [what: string, strategy: Record<string, unknown>, grads: Entry[], expected: Entry[], weights?: number[]][] =
  [
    [
      'tf_average: an infinite entry is NaN, the others 0',
      { name: 'S02', clipNorm: 1, norm: 'l2/size' },
      ['Infinity', 2],
      ['NaN', 0],
    ],
    ['tf_average: a norm that overflows is 0', { name: 'S02', clipNorm: 1, norm: 'l2/size' }, [1e30, 2], [0, 0]],
    ['tf: multiplies before it divides', { name: 'S02', clipNorm: 1e25, semantics: 'tf' }, [1e15, 1], ['Infinity', 1]],
    ['keras: a clipnorm below 0 is off', { name: 'S02', clipNorm: -1, semantics: 'keras' }, [3, 4], [3, 4]],
    [
      'keras: a global_clipnorm below 0 is off',
      { name: 'S03', maxNorm: -1, semantics: 'keras' },
      ['Infinity', 4],
      ['Infinity', 4],
    ],
    ['keras: a clipvalue of 0 is off', { name: 'S01', clipValue: 0, semantics: 'keras' }, [3, -4], [3, -4]],
    ['sqrt: huge entries meet the bound', { name: 'S18', c: 2, fn: 'sqrt' }, [1e30, -1e30], [2, -2]],
    [
      'sqrt of the paper: huge entries meet the bound',
      { name: 'S18', c: 0.5, fn: 'sqrt', semantics: 'paper' },
      [1e30, 3e38],
      [0.5, 0.5],
    ],
    [
      'sqrt of the paper: an infinite one is NaN',
      { name: 'S18', c: 2, fn: 'sqrt', semantics: 'paper' },
      ['Infinity', 0],
      ['NaN', 0],
    ],
    ['without eps: huge ones have length 1', { name: 'S04', semantics: 'none' }, [3e30, 4e30], [0.6, 0.8]],
    ['without eps: tiny ones have length 1', { name: 'S04', semantics: 'none' }, [3e-30, 4e-30], [0.6, 0.8]],
    ['without eps: zeros are 0 / 0', { name: 'S04', semantics: 'none' }, [0, 0], ['NaN', 'NaN']],
    [
      'optax trust ratio: a norm that overflows is 0',
      { name: 'S16', trustCoefficient: 1, semantics: 'optax' },
      [1e30, 1],
      [0, 0],
      [3, 4],
    ],
    [
      'optax trust ratio: squares that underflow stay',
      { name: 'S16', trustCoefficient: 1, semantics: 'optax' },
      [1e-30, 0],
      [1e-30, 0],
      [3, 4],
    ],
    [
      'optax trust ratio: NaN spreads over the tensor',
      { name: 'S16', trustCoefficient: 1, semantics: 'optax' },
      ['NaN', 1],
      ['NaN', 'NaN'],
      [3, 4],
    ],
    ['larc: NaN spreads over the tensor', { name: 'larc' }, ['NaN', 1], ['NaN', 'NaN'], [3, 4]],
  ];

for (const [what, strategy, grads, expected, weights] of rows) {
  onBackends(['native', 'wasm', 'cpu'], what, () => {
    const input = { strategy, ...(weights && { weights: [vector(weights)] }), steps: [{ grads: [vector(grads)] }] };
    const got = JSON.parse(JSON.stringify(applySteps(given(input), eager)));
    assertEntries(got.steps[0].grads[0].d, expected);
  });
}

function assertEntries(got: unknown[], expected: Entry[]): void {
  assert.equal(got.length, expected.length);
  expected.forEach((value, i) => {
    assertNear(Number(got[i]), Number(value), 1e-6 * Math.abs(Number(value)), `entry ${i}`);
  });
}

const norms = (strategy: Record<string, unknown>, values: number[]) => {
  const steps = values.map((value) => ({ grads: [vector([value])] }));
  const { steps: out } = JSON.parse(JSON.stringify(applySteps(given({ strategy, steps }), eager)));
  return out.map((step: { grads: [{ d: [number] }] }) => step.grads[0].d[0]);
};

onBackends(
  ['native', 'wasm', 'cpu'],
  'of two norms equally near, TensorFlow Probability takes the even place from the largest',
  () => {
    const strategy = { name: 'autoclip', percentile: 50, percentile_interpolation: 'nearest', semantics: 'tf' };
    assertEntries(norms(strategy, [1, 2, 3, 4]), [1, 2, 2, 2]);
  },
);

onBackends(['native', 'wasm', 'cpu'], 'errorIfNonfinite ends the run also where only the norm overflows', () => {
  const input = {
    strategy: { name: 'S03', maxNorm: 1, semantics: 'torch', errorIfNonfinite: true },
    steps: [{ grads: [vector([1e30, -2e30])] }],
  };
  assert.throws(() => applySteps(given(input), eager));
});

onBackends(['native', 'wasm', 'cpu'], 'lowest above clip_value is refused, but where a system answers it', () => {
  const input = (semantics?: string) =>
    given({ strategy: { name: 'S01', min: 2, max: 1, semantics }, steps: [{ grads: [vector([0])] }] });
  assert.throws(() => applySteps(input(), eager), UsageError);
  assert.deepEqual(applySteps(input('tf'), eager).steps[0]?.grads, [vector([2])]);
  assert.deepEqual(applySteps(input('torch'), eager).steps[0]?.grads, [vector([1])]);
});

/** Adam's epsilon beside the uncorrected root, the decay of what came out, and bounds made of mean squares of 0. */
onBackends(['native', 'wasm', 'cpu'], 'spam takes the steps of its reference', () => {
  const [lr, wd, eps, b1, b2, theta] = [0.1, 0.5, 1e-6, 0.9, 0.999, 5000];
  const gradients = [
    [1e-5, 0],
    [2e-5, 0],
    [9e-3, 1],
    [1e-5, 2],
  ];
  const [m, v, w] = [
    [0, 0],
    [0, 0],
    [1, -2],
  ];
  const expected = gradients.map((g, t) => {
    g.forEach((raw, i) => {
      const old = v[i] ?? 0;
      const entry = raw * raw > theta * old && t + 1 >= 2 ? Math.sign(raw) * Math.sqrt(theta * old) : raw;
      m[i] = b1 * (m[i] ?? 0) + (1 - b1) * entry;
      v[i] = b2 * old + (1 - b2) * entry * entry;
      const rate = (lr * Math.sqrt(1 - b2 ** (t + 1))) / (1 - b1 ** (t + 1));
      const after = (w[i] ?? 0) - (rate * (m[i] ?? 0)) / (Math.sqrt(v[i] ?? 0) + eps);
      w[i] = after - lr * wd * after;
    });
    return [...w];
  });
  const strategy = {
    name: 'S12',
    semantics: 'spam',
    lr,
    weightDecay: wd,
    eps,
    betas: [b1, b2],
    threshold: theta,
    gradAccuSteps: 2,
  };
  const input = { strategy, weights: [vector([1, -2])], steps: gradients.map((g) => ({ grads: [vector(g)] })) };
  const out = JSON.parse(JSON.stringify(applySteps(given(input), eager)));
  expected.forEach((weights, t) => {
    assertEntries(out.steps[t].weights[0].d, weights);
  });
});
