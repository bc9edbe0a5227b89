/** What other systems refuse, and what becomes of it here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { chosenBy } from '../src/apply/spec.ts';
import { noiseOf, normalOf } from '../src/noise.ts';
import { asScalars } from '../src/tensors.ts';
import { membersOf } from '../src/train/members.ts';
import { UsageError } from '../src/types.ts';
import { onBackends } from './support/backends.ts';
import { type GoldenCase, goldenCases, goldenSemantics, goldenTensors } from './support/golden_clip.ts';
import { bitsOf, freed, toHost, toTensors } from './support/host.ts';

const cases = goldenCases('golden_clip_refusals');
const specOf = (example: GoldenCase) => ({
  name: example.strategy,
  semantics: goldenSemantics(example),
  ...example.params,
});

for (const example of cases.filter(({ inputs }) => inputs.grads === undefined)) {
  test(`${example.id}: refused before anything runs`, () => {
    assert.equal(example.expected.throws, true);
    assert.throws(() => chosenBy(specOf(example)), UsageError);
  });
}

for (const example of cases.filter(({ inputs }) => inputs.grads !== undefined)) {
  onBackends(['native', 'wasm', 'cpu'], `${example.id}: the run ends, or it goes on`, () => {
    const { throws, grads: untouched = example.inputs.grads } = example.expected;
    const [member = assert.fail('no strategy')] = membersOf(chosenBy(specOf(example)).clips);
    freed(() => {
      const grads = toTensors(goldenTensors(example.inputs.grads));
      const zero = tf.scalar(0);
      const noise = noiseOf({ high: zero, low: zero }, zero);
      const { info } = member.transform.update(grads, member.transform.init(grads), {
        params: grads,
        gradient: grads,
        options: asScalars(
          Object.fromEntries(Object.entries(member.options(0, 1)).map(([key, value]) => [key, tf.scalar(value)])),
        ),
        learning_rate: zero,
        loss: zero,
        step: zero,
        noise,
        normal: normalOf(noise),
      });
      assert.equal(info?.raised?.dataSync()[0] === 1, throws);
      assert.deepEqual(bitsOf(toHost(grads)), bitsOf(goldenTensors(untouched)));
    });
  });
}
