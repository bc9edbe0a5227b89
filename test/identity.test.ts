import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonical } from '../src/canonical.ts';
import { parseExperiment } from '../src/matrix/experiment.ts';
import { cellId, cellsById } from '../src/matrix/identity.ts';
import type { Cell } from '../src/types.ts';
import { countOf, fileOf, fits, type Matrix, matrices, neighboursOf } from './support/matrices.ts';
import { oneOf, shuffled, withOtherOrder, yamlOf } from './support/rewritings.ts';

const cellsOf = (text: string) => parseExperiment(text, 'x.yaml').cells;
/** JSON is YAML in its plainest form. */
const cellsOfMatrix = (matrix: Matrix) => cellsOf(JSON.stringify(matrix));
const idsOf = (matrix: Matrix) => [...cellsOfMatrix(matrix).keys()];

test('ids do not depend on how the YAML is written: styles, quotes, number formats, comments, order of keys', () =>
  fc.assert(
    fc.property(matrices, fc.gen(), (matrix, draw) =>
      assert.deepEqual([...cellsOf(yamlOf(matrix, draw)).keys()].sort(), idsOf(matrix).sort()),
    ),
  ));

test('ids do not depend on the order of the members of an axis', () =>
  fc.assert(
    fc.property(matrices, fc.gen(), (matrix, draw) =>
      assert.deepEqual(idsOf(withOtherOrder(matrix, draw)).sort(), idsOf(matrix).sort()),
    ),
  ));

test('neither ids nor their order depend on whether a key stands at the top or in each block', () =>
  fc.assert(
    fc.property(matrices, matrices, fc.gen(), (one, other, draw) => {
      const { question: _, ...first } = one;
      const own = Object.entries(other).filter(([key]) => key !== 'question' && draw(fc.boolean));
      const second = { ...first, ...Object.fromEntries(own) };
      fc.pre(fits({ question: 'q', ...second }));
      const top = Object.keys(first).filter(() => draw(fc.boolean));
      const without = (block: Matrix) =>
        Object.fromEntries(Object.entries(block).filter(([key, value]) => !top.includes(key) || value !== first[key]));
      const shared = Object.fromEntries(Object.entries(first).filter(([key]) => top.includes(key)));
      assert.deepEqual(
        idsOf({ question: 'q', ...shared, matrix: [without(first), without(second)] }),
        idsOf({ question: 'q', matrix: [first, second] }),
      );
    }),
  ));

test('every combination is there once', () =>
  fc.assert(
    fc.property(matrices, (matrix) => {
      const cells = [...cellsOfMatrix(matrix).values()];
      assert.equal(cells.length, countOf(matrix));
      assert.equal(new Set(cells.map(canonical)).size, cells.length);
    }),
  ));

test('blocks that overlap give their union, in the order of first appearance', () =>
  fc.assert(
    fc.property(matrices, fc.gen(), ({ question, ...block }, draw) => {
      const text = JSON.stringify({ question, matrix: [block, withOtherOrder(block, draw)] });
      assert.deepEqual([...cellsOf(text).keys()], idsOf({ question: 'q', ...block }));
    }),
  ));

test('a plan is the same twice, order and all', () =>
  fc.assert(
    fc.property(matrices, fc.gen(), (matrix, draw) => {
      const text = yamlOf(matrix, draw);
      assert.deepEqual([...cellsOf(text)], [...cellsOf(text)]);
    }),
  ));

test('a cell written down as a file is that cell', () =>
  fc.assert(
    fc.property(matrices, fc.gen(), (matrix, draw) => {
      const cells = [...cellsOfMatrix(matrix)];
      const [cell_id, cell] = draw(oneOf<[string, Cell]>, cells);
      assert.deepEqual(idsOf(fileOf(cell)), [cell_id]);
    }),
  ));

test('ids made together are those made one by one', () =>
  fc.assert(
    fc.property(matrices, (matrix) => {
      const cells = [...cellsOfMatrix(matrix).values()];
      const zeros = cells.flatMap((cell) => [cell, { ...cell, target: 0 }, { ...cell, target: -0 }]);
      assert.deepEqual([...cellsById(zeros).keys()], [...new Set(zeros.map(cellId))]);
    }),
  ));

test('another value of any one option is another cell, where it is not refused because it acts on nothing', () =>
  fc.assert(
    fc.property(matrices, fc.gen(), (matrix, draw) => {
      const cells = [...cellsOfMatrix(matrix)];
      const [cell_id, cell] = draw(oneOf<[string, Cell]>, cells);
      const changed = idsOf(shuffled(neighboursOf(fileOf(cell)), draw).find(fits) ?? assert.fail('none fits'));
      assert.equal(changed.length, 1);
      assert.notEqual(changed[0], cell_id);
    }),
  ));

test('a value that acts on nothing makes no other cell', () =>
  fc.assert(
    fc.property(matrices, (matrix) => {
      const { decay: _, spike_factor: __, ...others } = matrix;
      const plain = { ...others, weight_decay: 0, spike_every: 0 };
      const decaying = { ...plain, weight_decay: [0, 0.5], decay: ['decoupled', 'coupled'] };
      fc.pre(fits(decaying));
      const [ids, decays] = [idsOf(plain), idsOf(decaying)];
      assert.equal(decays.length, 3 * ids.length);
      const spikes = idsOf({ ...plain, spike_every: [0, 2], spike_factor: [100, 7, 8] });
      assert.equal(spikes.length, 4 * ids.length);
      for (const more of [decays, spikes])
        assert.deepEqual(
          more.filter((id) => ids.includes(id)),
          ids,
        );
    }),
    { numRuns: 30 },
  ));

test('members of a chain in another order, and another phase, are another cell', () => {
  const strategy = { chain: ['none', { name: 'norm', max_norm: 1 }] };
  const optimizer = { name: 'sgd', learning_rate: 0.1 };
  const matrix = { question: 'q', steps: 1, seeds: 1, task: 'adding', model: 'rnn', optimizer, strategy };
  const ids = [...cellsOfMatrix(matrix).values()].flatMap((cell) => [
    cellId(cell),
    cellId({ ...cell, strategy: cell.strategy.toReversed() }),
    cellId({ ...cell, phase: 'smoke' }),
  ]);
  assert.equal(new Set(ids).size, 3);
});
