import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { type Column, evalColumns, stepColumns } from '../src/columns.ts';
import { loadBackend } from '../src/engine/backend.ts';
import { eager } from '../src/engine/eager.ts';
import { stream } from '../src/engine/random.ts';
import { build, examplesOf, find, parts } from '../src/parts.ts';
import { join } from '../src/tensors.ts';
import { assemble } from '../src/train/assemble.ts';
import { chain } from '../src/train/chain.ts';
import { evaluate } from '../src/train/evaluate.ts';
import { train } from '../src/train/loop.ts';
import { initialState, makeStep } from '../src/train/step.ts';
import { type EvalRow, hashParams, isBetter, label, summarize, type Trace } from '../src/train/summary.ts';
import { measure } from '../src/train/telemetry.ts';
import type { Cell, Model, Task, Tensors, Transform } from '../src/types.ts';
import { addingCell, choice, curve, digitsCell, optimizer, strategy, trained } from './support/cells.ts';
import { variants } from './support/choices.ts';
import { assertNear, bitsOf, freed, hostTensor, toHost, toTensors } from './support/host.ts';
import { asMatrix, combine, learn, lengthOf, type Network } from './support/perceptron.ts';
import { transform } from './support/transforms.ts';

before(() => loadBackend());

const valueAt = (clip_value: number) => strategy('value', { clip_value });
const normAt = (max_norm: number) => strategy('norm', { max_norm });
const globalNormAt = (max_norm: number, semantics = 'safe') => strategy('global_norm', { max_norm, semantics });

test('the same cell gives the same summary, to the last bit', () => {
  for (const cell of [addingCell({ strategy: [globalNormAt(0.1)] }), digitsCell({ optimizer: optimizer('adam') })]) {
    assert.deepEqual(trained(cell), trained(cell));
  }
});

test('loss and gradient norm of step 0 are the same bits for every strategy, threshold and optimizer', () => {
  // Those inside back-propagation change the gradient itself; strategies_optimizers.test.ts has what they do.
  const outside = parts.strategies.filter(({ needs }) => needs !== 'backward');
  const strategies = [
    ...outside.flatMap((part) => variants(part).map((options) => ({ name: part.name, options }))),
    valueAt(1e-3),
    normAt(1e-3),
    globalNormAt(1e-3),
  ];
  const pairs = [
    ...strategies.map((chosen) => [chosen, 'sgd'] as const),
    ...parts.optimizers.map(({ name }) => [globalNormAt(1e-3), name] as const),
  ];
  for (const cellWith of [addingCell, digitsCell]) {
    const firsts = new Set<string>();
    for (const [chosen, name] of pairs) {
      const { steps } = trained(cellWith({ strategy: [chosen], optimizer: optimizer(name), steps: 1, eval_every: 1 }));
      firsts.add(`${steps[0]?.scalars.loss} ${steps[0]?.scalars.grad_norm}`);
    }
    assert.equal(firsts.size, 1, [...firsts].join('; '));
  }
});

test('another seed is another start and other batches', () => {
  const [one, other] = [0, 1].map((seed) => trained(addingCell({ seed })));
  assert.notEqual(one?.evals[0]?.loss, other?.evals[0]?.loss);
  assert.notDeepEqual(one && curve(one, 'loss'), other && curve(other, 'loss'));
});

test('a threshold that is never reached trains bit for bit as no clipping', () => {
  const plain = trained(addingCell());
  for (const chosen of [valueAt(1e6), normAt(1e6), globalNormAt(1e6)]) {
    const { params_hash, label: labelled, ...clipped } = trained(addingCell({ strategy: [chosen] }));
    assert.deepEqual(curve({ ...plain, steps: clipped.steps }, 'loss'), curve(plain, 'loss'));
    assert.equal(params_hash, plain.params_hash);
    assert.equal(labelled, 'never');
  }
});

test('without clipping the coefficient is exactly 1 and the norm afterwards is the norm before, bit for bit', () => {
  for (const cell of [addingCell({ telemetry: 'full' }), digitsCell({ telemetry: 'full' })]) {
    const summary = trained(cell);
    assert.deepEqual(curve(summary, 'clip_coef'), [1, 1, 1, 1, 1, 1]);
    assert.deepEqual(curve(summary, 'clipped_norm'), curve(summary, 'grad_norm'));
    assert.deepEqual(curve(summary, 'clipped_fraction'), [0, 0, 0, 0, 0, 0]);
    assert.equal(summary.label, 'never');
    assert.equal(summary.clipped_steps, 0);
  }
});

test('what is measured does not change what is trained', () => {
  for (const cellWith of [addingCell, digitsCell]) {
    const levels = (['off', 'basic', 'full'] as const).map((telemetry) =>
      trained(cellWith({ telemetry, strategy: [globalNormAt(0.05)], optimizer: optimizer('sgd', { momentum: 0.9 }) })),
    );
    const [off] = levels;
    for (const summary of levels) {
      assert.deepEqual(curve(summary, 'loss'), off && curve(off, 'loss'));
      assert.equal(summary.params_hash, off?.params_hash);
      assert.deepEqual(summary.evals, off?.evals);
    }
    assert.deepEqual(
      levels.map((summary) => summary.label),
      [undefined, 'binding', 'binding'],
    );
  }
});

test('a run leaves no tensor behind', () => {
  trained(addingCell({ steps: 1 }));
  const count = tf.memory().numTensors;
  for (const changes of [
    {},
    { optimizer: optimizer('adam') },
    { strategy: [valueAt(0.1), globalNormAt(0.1)] },
    { gradient_scale: 1e30 },
  ]) {
    trained(addingCell({ telemetry: 'full', ...changes }));
    assert.equal(tf.memory().numTensors, count, JSON.stringify(changes));
  }
});

test('the time of a run counts its steps, not its evaluations', () => {
  let clock = 0;
  const { train_seconds } = train(addingCell({ steps: 4, eval_every: 1 }), () => {
    clock += 1000;
    return clock;
  });
  assert.equal(train_seconds, 4);
});

test('evaluations come at 0, at every eval_every and at the end; the test split at the best and last step only', () => {
  const { evals, best_step, final, best } = trained(digitsCell({ steps: 5, eval_every: 2, learning_rate: 0.01 }));
  const at = (split: string) => evals.filter((row) => row.split === split).map(({ step }) => step);
  assert.deepEqual(at('train'), [0, 2, 4, 5]);
  assert.deepEqual(at('val'), [0, 2, 4, 5]);
  assert.deepEqual(at('test'), [...new Set([best_step, 5])]);
  assert.deepEqual(Object.keys(final).sort(), ['test', 'train', 'val']);
  assert.deepEqual(Object.keys(best).sort(), ['test', 'train', 'val']);
});

test('an evaluation counts every example once, in evaluation mode, and has no metric where the loss is not finite', () => {
  const shape = { input: [2], output: 1 };
  const modes = new Set<boolean>();
  const model: Model = {
    init: () => ({ params: {}, state: {} }),
    apply(_, state, x, { training }) {
      modes.add(training);
      return [
        x
          .sum(1, true)
          .add(1)
          .as2D(x.shape[0] ?? 0, 1),
        state,
      ];
    },
  };
  const task: Task = { ...assemble(addingCell()).task, shape };
  for (const size of [1, 7, 499, 500, 501, 1003]) {
    const x = Float32Array.from({ length: 2 * size }, (_, i) => (i % 5) / 8);
    // Off by 1 where the number is even, else right.
    const outputs = Array.from({ length: size }, (_, i) => (x[2 * i] ?? 0) + (x[2 * i + 1] ?? 0) + 1);
    const y = Float32Array.from(outputs, (output, i) => output - ((i + 1) % 2));
    const even = Math.ceil(size / 2);
    const score = () => evaluate(eager, { task, model, structure: '' }, { params: {}, state: {} }, [{ size, x, y }]);
    const right = (size - even) / size;
    assert.deepEqual(score(), [{ loss: even / size, mean: right, metric: right }]);
    x[0] = Number.NaN;
    assert.deepEqual(score(), [{ loss: Number.NaN, mean: Number.NaN, metric: Number.NaN }]);
  }
  assert.deepEqual([...modes], [false]);
});

test('losses leave penalties out, and evaluated ones what is done to labels and errors, as the columns say', () => {
  const meaningOf = (columns: Column[]) => columns.find(({ name }) => name === 'loss')?.meaning ?? '';
  assert.match(meaningOf(stepColumns), /without the penalties l1, l2 and omega$/);
  assert.match(meaningOf(evalColumns), /: clean labels, no smoothing, Huber or penalties$/);
  const start = (cell: Cell) => {
    const { steps, evals } = trained({ ...cell, steps: 1, eval_every: 1 });
    return { trained: steps[0]?.scalars.loss, evaluated: evals.filter(({ step }) => step === 0) };
  };
  const omega = choice(parts.models, 'rnn', { hidden: [4], omega: 0.5 });
  assert.deepEqual(start(addingCell({ l1: 0.5, l2: 0.5, model: omega })), start(addingCell()));
  assert.deepEqual(start(addingCell({ huber: 0.01 })).evaluated, start(addingCell()).evaluated);
  assert.notDeepEqual(start(addingCell({ huber: 0.01 })).trained, start(addingCell()).trained);
  const soiled = digitsCell({ label_noise: 0.5, label_smoothing: 0.3 });
  assert.deepEqual(start(soiled).evaluated, start(digitsCell()).evaluated);
  assert.notDeepEqual(start(soiled).trained, start(digitsCell()).trained);
});

test('rows are logged at every log_every', () => {
  const steps = trained(addingCell({ steps: 7, log_every: 3 })).steps.map(({ step }) => step);
  assert.deepEqual(steps, [0, 3, 6]);
});

test('clipped steps are counted whether logged or not', () => {
  const cell = addingCell({ steps: 7, strategy: [globalNormAt(1e-4)] });
  for (const log_every of [1, 5]) {
    const { clipped_steps, label: labelled } = trained({ ...cell, log_every });
    assert.deepEqual([clipped_steps, labelled], [7, 'binding']);
  }
});

/** What the rows and the last evaluation of `cell` should be, for sgd with momentum after global_norm. */
function trainByHand(cell: Cell, max_norm: number, momentum: number) {
  const { task, model } = assemble(cell);
  const streams = (name: string, shape: number[]) => stream('init', cell.seed, name, shape);
  const start = freed(() => toHost(model.init(streams, task.shape).params));
  const [w0 = [], b0 = [], w1 = [], b1 = []] = ['w0', 'b0', 'w1', 'b1'].map((name) =>
    asMatrix(start[name] ?? hostTensor([], [])),
  );
  let params: Network = { w0, b0, w1, b1 };
  let buffer = combine(params, params, () => 0);
  const next = task.batches(stream('data', cell.seed, examplesOf(cell.task)));
  const rows = Array.from({ length: cell.steps }, () => {
    const { loss, gradient } = learn(params, next(cell.batch_size));
    const grad_norm = lengthOf(gradient);
    const clip_coef = Math.min(1, max_norm / grad_norm);
    buffer = combine(buffer, gradient, (m, g) => momentum * m + clip_coef * g);
    params = combine(params, buffer, (w, m) => w - cell.learning_rate * m);
    const [update_norm, param_norm] = [cell.learning_rate * lengthOf(buffer), lengthOf(params)];
    return { loss, grad_norm, clipped_norm: clip_coef * grad_norm, clip_coef, update_norm, param_norm };
  });
  return { rows, final: learn(params, task.split('val', stream())) };
}

test('training a small network with global_norm is what plain arithmetic in double makes of it', () => {
  const cell = digitsCell({
    steps: 12,
    telemetry: 'full',
    strategy: [globalNormAt(1.5)],
    optimizer: optimizer('sgd', { momentum: 0.9 }),
  });
  const summary = trained(cell);
  const wanted = trainByHand(cell, 1.5, 0.9);
  wanted.rows.forEach((row, step) => {
    for (const [name, value] of Object.entries(row)) {
      const got = summary.steps[step]?.scalars[name];
      assertNear(got, value, 1e-5 * value, `${name} at ${step}`);
    }
  });
  const coefficients = wanted.rows.map(({ clip_coef }) => clip_coef);
  assert.ok(
    coefficients.some((coefficient) => coefficient < 1) && coefficients.includes(1),
    'some steps are clipped, others not',
  );
  const val = summary.final.val ?? { loss: Number.NaN, metric: Number.NaN };
  assertNear(val.loss, wanted.final.loss, 1e-5 * wanted.final.loss);
  assertNear(val.metric, wanted.final.metric, 1.5 / 1491);
});

test('a run that diverges ends at its first step that is not finite, and is a result', () => {
  for (const log_every of [1, 4]) {
    const summary = trained(addingCell({ gradient_scale: 1e30, steps: 20, log_every }));
    const { diverged_at = Number.NaN } = summary;
    assert.equal(summary.status, 'diverged');
    // Step 0 has a finite loss and leaves parameters of 1e28; the loss with those overflows.
    assert.equal(diverged_at, 1);
    assert.deepEqual(
      summary.steps.map(({ step }) => step),
      [0, 1],
      'rows end there, logged or not',
    );
    const finite = (step: number) => {
      const row = summary.steps.find((logged) => logged.step === step)?.scalars;
      return Number.isFinite(row?.loss) && Number.isFinite(row?.param_norm);
    };
    assert.deepEqual([finite(0), finite(1)], [true, false]);
    assert.ok(Number(summary.steps[0]?.scalars.grad_norm) > 1e28, 'the norm of telemetry does not overflow');
    assert.deepEqual(summary.final, {});
    assert.deepEqual([summary.best_step, Object.keys(summary.best).sort()], [0, ['test', 'train', 'val']]);
    for (const absent of ['params_hash', 'area']) assert.ok(!(absent in summary), absent);
    assert.equal(
      summary.evals.every(({ step, loss }) => step === 0 && Number.isFinite(loss)),
      true,
    );
  }
});

test('a step whose update is not finite is the one that diverged, though its loss is finite', () => {
  const { diverged_at, steps } = trained(addingCell({ gradient_scale: 1e37, learning_rate: 1e6 }));
  assert.equal(diverged_at, 0);
  assert.equal(Number.isFinite(steps[0]?.scalars.loss), true);
  assert.equal(Number.isFinite(steps[0]?.scalars.param_norm), false);
});

test('where squares overflow, global_norm diverges at once with the semantics of tf and trains with safe', () => {
  const [tfs, safe] = ['tf', 'safe'].map((semantics) =>
    trained(addingCell({ gradient_scale: 1e30, strategy: [globalNormAt(0.5, semantics)] })),
  );
  assert.deepEqual([tfs?.status, tfs?.diverged_at], ['diverged', 0]);
  assert.deepEqual([safe?.status, safe?.diverged_at, safe?.label], ['completed', undefined, 'binding']);
  for (const norm of safe ? curve(safe, 'clipped_norm') : []) assertNear(norm, 0.5, 1e-6);
});

test('of a gradient of zeros nothing is clipped', () => {
  const summary = trained(
    addingCell({ gradient_scale: 0, strategy: [globalNormAt(1e-3)], optimizer: optimizer('adam') }),
  );
  assert.deepEqual(curve(summary, 'grad_norm'), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(curve(summary, 'clip_coef'), [1, 1, 1, 1, 1, 1]);
  assert.deepEqual([summary.label, summary.status], ['never', 'completed']);
});

test('a skipped step leaves parameters and optimizer as they were, bit for bit; the strategy goes on', () => {
  const assembled = assemble(digitsCell({ optimizer: optimizer('adam') }));
  const { task, model } = assembled;
  const everySecond: Transform = {
    init: () => ({ seen: tf.scalar(0) }),
    update: (grads, { seen = tf.scalar(Number.NaN) }) => ({
      grads,
      state: { seen: seen.add(1) },
      skip: seen.mod(tf.scalar(2)).equal(1).asScalar(),
    }),
  };
  const { params, state } = model.init((name, shape) => stream('init', 0, name, shape), task.shape);
  const parts = { ...assembled, strategies: { gradient: everySecond } };
  const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, one_minus_beta1: 0.1, one_minus_beta2: 0.001 };
  const engine = eager.train('', makeStep(parts), initialState(parts, params, state), join({ optimizer: constants }));
  const { x, y, size } = task.batches(stream('data', 0))(8);
  const groups = () => ['params', 'optimizer'].map((name) => bitsOf(engine.read(name)));
  const states = Array.from({ length: 4 }, (_, t) => {
    engine.call([
      {
        x: hostTensor([size, 784], x),
        y: hostTensor([size, 10], y),
        learning_rate: hostTensor([], [0.1]),
        step: hostTensor([], [t]),
      },
    ]);
    return { groups: groups(), seen: engine.read('strategy').seen?.values[0] };
  });
  engine.dispose();
  const [first, second, third, fourth] = states.map((after) => after.groups);
  assert.deepEqual(second, first);
  assert.notDeepEqual(third, second);
  assert.deepEqual(fourth, third);
  assert.deepEqual(
    states.map(({ seen }) => seen),
    [1, 2, 3, 4],
  );
});

test('what is measured is right by hand, also where squares leave float32', () => {
  for (const scale of [1, 1e30, 1e-30]) {
    const measured = freed(() => {
      const tensors = (a: number[], b: number) =>
        toTensors({
          a: hostTensor(
            [2],
            a.map((x) => x * scale),
          ),
          b: hostTensor([], [b * scale]),
        });
      const scalars = measure('full', {
        gradient: tensors([3, 4], 12),
        clipped: tensors([3, 4], 0),
        update: tensors([-0.6, 0.8], 0),
        params: tensors([1, 2], 2),
      });
      return Object.fromEntries(
        Object.entries(scalars).map(([name, scalar]) => [name, scalar.dataSync()[0] ?? Number.NaN]),
      );
    });
    const { cosine, nonfinite_count, ...norms } = measured;
    const wanted = { param_norm: 3, grad_norm: 13, clipped_norm: 5, update_norm: 1 };
    assert.deepEqual(Object.keys(norms).sort(), Object.keys(wanted).sort());
    for (const [name, norm] of Object.entries(wanted)) {
      assertNear(norms[name], norm * scale, 3e-7 * norm * scale, name);
    }
    assertNear(cosine, 5 / 13, 1e-6, 'cosine');
    assert.equal(nonfinite_count, 0);
  }
  const odd = freed(() => {
    const gradient = toTensors({
      g: hostTensor([4], [Number.NaN, Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY]),
    });
    return measure('full', {
      gradient,
      clipped: gradient,
      update: gradient,
      params: gradient,
    }).nonfinite_count?.dataSync()[0];
  });
  assert.equal(odd, 3);
});

test('a chain clips by one strategy after the other, and its signals are prefixed', () => {
  const members = { value: valueAt(0.5), global_norm: globalNormAt(1) };
  const [first, second] = Object.values(members).map(({ name, options }) =>
    transform(find(parts.strategies, name), options),
  );
  const grads = { w: hostTensor([3], [3, -0.25, 0.5]), b: hostTensor([2, 1], [-1, 2]) };
  const byHand = freed(() => {
    const clipped = first?.update(toTensors(grads)).grads ?? {};
    return toHost(second?.update(clipped).grads ?? {});
  });
  const built = Object.entries(members).map(([key, choice]): [string, Transform] => [
    key,
    build(find(parts.strategies, choice.name), choice),
  ]);
  const { out, names, fraction } = freed(() => {
    const update = chain(Object.fromEntries(built)).update(
      toTensors(grads),
      {},
      {
        ...quiet(),
        options: {
          'value.clip_value': tf.scalar(0.5),
          'value.bound': tf.scalar(-0.5),
          'global_norm.max_norm': tf.scalar(1),
        },
      },
    );
    const { info = {} } = update;
    return {
      out: toHost(update.grads),
      names: Object.keys(info).sort(),
      fraction: info.clipped_fraction?.dataSync()[0],
    };
  });
  assert.deepEqual(bitsOf(out), bitsOf(byHand));
  assert.deepEqual(names, [
    'clipped_fraction',
    'global_norm.clipped_fraction',
    'global_norm.threshold',
    'value.clipped_fraction',
    'value.threshold',
  ]);
  // 0.6 of the entries by value; the norm that is left, sqrt(1.0625), exceeds 1.
  assert.equal(fraction, 1);
});

/** A context for strategies that look at their options only. */
function quiet() {
  const [learning_rate, loss, step] = [tf.scalar(0.1), tf.scalar(1), tf.scalar(0)];
  return { params: {}, gradient: {}, learning_rate, loss, step, noise: () => loss, normal: () => loss };
}

test("a chain keeps its members' states apart and skips where any member skips", () => {
  const counting = (by: number, skips: boolean): Transform => ({
    init: () => ({ count: tf.scalar(0) }),
    update: (grads, { count = tf.scalar(Number.NaN) }) => ({
      grads,
      state: { count: count.add(by) },
      skip: tf.scalar(skips, 'bool'),
    }),
  });
  freed(() => {
    for (const skips of [false, true]) {
      const both = chain({ a: counting(1, false), b: counting(10, skips) });
      let state: Tensors = both.init({});
      for (let step = 0; step < 3; step++) {
        const update = both.update({}, state, { ...quiet(), options: {} });
        state = update.state;
        assert.equal(update.skip?.dataSync()[0], skips ? 1 : 0);
      }
      assert.deepEqual(
        Object.entries(toHost(state)).map(([name, { values }]) => [name, values[0]]),
        [
          ['a.count', 3],
          ['b.count', 30],
        ],
      );
    }
  });
});

test('a chain in a cell: options are kept apart, also of one strategy twice', () => {
  const cell = addingCell({ strategy: [valueAt(0.5), globalNormAt(1), valueAt(0.25)] });
  const { constants } = assemble(cell);
  const wanted = {
    'model.dropout': 0,
    'model.omega': 0,
    'strategy.value.clip_value': 0.5,
    'strategy.value.bound': -0.5,
    'strategy.global_norm.max_norm': 1,
    'strategy.value2.clip_value': 0.25,
    'strategy.value2.bound': -0.25,
    'optimizer.momentum': 0,
  };
  assert.deepEqual(constants, wanted);
  const [row] = trained(cell).steps;
  assert.equal(row?.scalars['info.value.threshold'], 0.5);
  assert.equal(row?.scalars['info.value2.threshold'], 0.25);
  assert.ok(!('info.threshold' in (row?.scalars ?? {})), 'a chain has no threshold of its own');
});

test('a chain of strategies that do nothing is none', () => {
  const [chained, none] = [[strategy('none'), strategy('none')], [strategy('none')]].map((chosen) =>
    trained(addingCell({ strategy: chosen })),
  );
  assert.equal(chained?.params_hash, none?.params_hash);
  assert.equal(chained?.label, 'never');
});

test('a tenth of the steps is a safety net, more is binding', () => {
  const labels = [
    [0, 10],
    [1, 10],
    [2, 10],
    [1, 9],
    [100, 1000],
    [101, 1000],
    [1, 1],
    [0, 1],
  ].map(([clipped = 0, steps = 0]) => label(clipped, steps));
  assert.deepEqual(labels, ['never', 'safety_net', 'binding', 'binding', 'safety_net', 'binding', 'binding', 'never']);
});

test('of equal metrics the earlier is the best, and NaN is never better', () => {
  assert.equal(isBetter(0.5, undefined, 'higher'), true);
  assert.equal(isBetter(0.5, 0.5, 'higher'), false);
  assert.equal(isBetter(0.5, 0.5, 'lower'), false);
  assert.equal(isBetter(0.6, 0.5, 'higher'), true);
  assert.equal(isBetter(0.6, 0.5, 'lower'), false);
  for (const better of ['higher', 'lower'] as const) {
    assert.equal(isBetter(Number.NaN, undefined, better), false);
    assert.equal(isBetter(Number.NaN, 0.5, better), false);
  }
  // A rate too small to change a digit of the success rate: every evaluation ties.
  const { best_step, evals } = trained(addingCell({ learning_rate: 1e-12, steps: 4, eval_every: 1 }));
  assert.equal(new Set(evals.filter(({ split }) => split === 'val').map(({ metric }) => metric)).size, 1);
  assert.equal(best_step, 0);
});

const evalsOf = (...points: [step: number, metric: number][]): EvalRow[] =>
  points.map(([step, metric]) => ({ step, split: 'val', loss: 1 - metric, metric }));
const traceOf = (changes: Partial<Trace>): Trace => ({
  steps: [],
  evals: [],
  links: [],
  clipped_steps: 0,
  train_seconds: 0,
  ...changes,
});
const last = { w: hostTensor([2, 2], [1, 2, 3, 4]), b: hostTensor([], [5]) };

test('the area is the trapezoid of the validation metric over the steps, divided by them', () => {
  const cell = addingCell({ steps: 5 });
  const evals = evalsOf([0, 0.1], [2, 0.3], [5, 0.6]);
  const { area } = summarize(traceOf({ evals }), cell, 'higher', 5, last);
  assertNear(area, (2 * 0.2 + 3 * 0.45) / 5, 1e-15);
  const real = trained(digitsCell({ steps: 5, eval_every: 2 }));
  const [a = Number.NaN, b = Number.NaN, c = Number.NaN, d = Number.NaN] = real.evals
    .filter(({ split }) => split === 'val')
    .map(({ metric }) => metric);
  assertNear(real.area, (a + b + (b + c) + (c + d) / 2) / 5, 1e-15);
});

test('the first evaluation that reaches the target is counted, in the direction of the metric', () => {
  const evals = evalsOf([0, 0.1], [2, 0.5], [5, 0.6]);
  const to = (target: number, better: 'higher' | 'lower') =>
    summarize(traceOf({ evals }), addingCell({ steps: 5, target }), better, 5, last).steps_to_target;
  assert.deepEqual([to(0.5, 'higher'), to(0.55, 'higher'), to(0.7, 'higher')], [2, 5, undefined]);
  assert.deepEqual([to(0.2, 'lower'), to(0.05, 'lower')], [0, undefined]);
});

test('a diverged run is labelled by the steps it took', () => {
  const cell = addingCell({ steps: 1000 });
  const labelled = (diverged_at: number) =>
    summarize(traceOf({ diverged_at, clipped_steps: 1 }), cell, 'higher', undefined, last).label;
  assert.deepEqual([labelled(9), labelled(8)], ['safety_net', 'binding']);
});

test('the hash of parameters tells names, shapes, order and every bit', () => {
  const { w, b } = last;
  const others = [
    { b, w },
    { v: w, b },
    { w: hostTensor([4], w.values), b },
    { w, b: hostTensor([], [-5]) },
    { w, b: hostTensor([], [5.0000005]) },
  ];
  const hashes = [last, ...others].map(hashParams);
  assert.equal(new Set(hashes).size, hashes.length);
  for (const hash of hashes) assert.match(hash, /^[0-9a-f]{16}$/);
  assert.equal(hashParams({ w: hostTensor([2, 2], [1, 2, 3, 4]), b }), hashes[0]);
  assert.equal(summarize(traceOf({}), addingCell(), 'higher', undefined, last).parameters, 5);
});
