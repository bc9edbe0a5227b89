import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadBench, parseBench } from '../src/bench/bench_file.ts';
import { UsageError } from '../src/types.ts';

const clip = `question: What does clipping cost?
measure: clip
gradients: {entries: [1000, 8000], tensors: 4}
strategy: [none, {name: value, clip_value: 0.1}]
growth: entries
`;
const step = `question: What does a step cost?
measure: step
task: {name: adding, length: [10, 20]}
model: {name: rnn, hidden: [[4]]}
optimizer: {name: sgd, learning_rate: 0.1}
strategy: [none, {name: norm, max_norm: [0.1, 1]}]
`;
const groupsOf = (text: string) =>
  parseBench(text, 'x.yaml').groups.map(({ name, baseline, again, variants }) => ({
    name,
    baseline,
    again: again.twin,
    variants: variants.map((variant) => `${variant.name}: ${variant.role}`),
  }));
const refused = (given: string, message: RegExp) =>
  assert.throws(
    () => parseBench(given, 'x.yaml'),
    (error) => error instanceof UsageError && message.test(error.message),
  );

test('strategies are laid beside copying, one of them twice, on gradients of each size', () => {
  const found = groupsOf(clip);
  assert.deepEqual(found[0], {
    name: '1000 entries in 4 tensors',
    baseline: 'copy',
    again: 'value again',
    variants: ['none: variant', 'value: variant', 'value again: again', 'copy: reference', 'arithmetic: reference'],
  });
  assert.deepEqual(
    found.map(({ name }) => name),
    ['1000 entries in 4 tensors', '8000 entries in 4 tensors'],
  );
});

test('cells that differ only in what the baseline names take turns; it runs twice', () => {
  assert.deepEqual(groupsOf(step), [
    {
      name: 'length 10',
      baseline: 'none',
      again: 'none again',
      variants: [
        'none: baseline',
        'norm 0.1: variant',
        'norm 1: variant',
        'none again: again',
        'copy: reference',
        'arithmetic: reference',
      ],
    },
    {
      name: 'length 20',
      baseline: 'none',
      again: 'none again',
      variants: [
        'none: baseline',
        'norm 0.1: variant',
        'norm 1: variant',
        'none again: again',
        'copy: reference',
        'arithmetic: reference',
      ],
    },
  ]);
  const telemetry = `${step.replace('strategy: [none, {name: norm, max_norm: [0.1, 1]}]', 'strategy: none')}baseline: {telemetry: off}\ntelemetry: [full, off]\n`;
  assert.deepEqual(groupsOf(telemetry)[0]?.variants.slice(0, 3), [
    'telemetry full: variant',
    'telemetry off: baseline',
    'telemetry off again: again',
  ]);
});

test('another backend or engine makes other groups, since no process has two', () => {
  const found = parseBench(`${step}engine: [compiled, eager]\nbackend: [native, cpu]\n`, 'x.yaml').groups;
  assert.equal(found.length, 2 * 2 * 2);
  assert.equal(found[1]?.name, 'length 10 · native · eager');
});

test('all stands for every strategy that can act there, at its usual options', () => {
  const all = step.replace('[none, {name: norm, max_norm: [0.1, 1]}]', 'all');
  const { groups, notes } = parseBench(all, 'x.yaml');
  const names = groups[0]?.variants.filter(({ role }) => role === 'variant').map(({ name }) => name) ?? [];
  assert.ok(names.length > 20 && names.includes('global_norm') && names.includes('backward_value'), names.join());
  assert.ok(!names.includes('clip21'), 'works on micro-batches');
  assert.deepEqual(notes, []);
  const two = parseBench(`${all}accumulate: 2\n`, 'x.yaml').groups[0];
  assert.deepEqual(two?.variants.map(({ name }) => name).slice(0, 2), ['clip21', 'none']);
  const alone = parseBench(clip.replace('[none, {name: value, clip_value: 0.1}]', 'all'), 'x.yaml');
  assert.match(alone.notes.join(), /backward_value acts within the backward pass/);
  assert.ok(alone.groups[0]?.variants.some(({ name }) => name === 'clip21'));
});

test('a slip is refused where it stands, with what is allowed', () => {
  refused(
    clip.replace('growth: entries', 'growth: length'),
    /^x\.yaml:5:9: growth is over length, of which there is none/,
  );
  refused(clip.replace('[1000, 8000]', '1000'), /growth is over entries, of which there is one value; give several/);
  refused(clip.replace('clip\n', 'step\n'), /gradients are .*; they are what measure clip works on/);
  refused(clip.replace('tensors: 4', 'tensors: 4000'), /1000 entries can't fill 4000 tensors/);
  refused(`${clip}processes: 2\n`, /^x\.yaml:6:12: the bench: processes is 2/);
  refused(`${clip}sampels: 8\n`, /unknown key "sampels".*samples/);
  refused(
    clip.replace(
      '[none, {name: value, clip_value: 0.1}]',
      '{chain: [{name: value, clip_value: 1}, {name: norm, max_norm: 1}]}',
    ),
    /chain is measured in steps alone/,
  );
  refused(`${step}baseline: {strategy: global_norm}\n`, /no variant of length 10 has \{"strategy":"global_norm"\}/);
  refused(`${step}baseline: {strategi: none}\n`, /unknown key of baseline "strategi".*strategy/);
  refused(`${step}workers: 2\n`, /workers and cells are of measure run/);
  refused(`${step.replace('measure: step', 'measure: run')}cells: 10\n`, /10 cells aren't a multiple of 6/);
});

test('runs are measured as the experiment that is written, by workers and by seeds', () => {
  const run = `${step.replace('measure: step', 'measure: run').replace('[10, 20]', '10')}workers: [1, 2]\ncells: [3, 9]\n`;
  const [group] = parseBench(run, 'x.yaml').groups;
  assert.deepEqual(
    group?.variants.map(({ name }) => name),
    [
      '3 cells, 1 worker',
      '3 cells, 2 workers',
      '9 cells, 1 worker',
      '9 cells, 2 workers',
      '3 cells, 1 worker again',
      'arithmetic',
    ],
  );
  const work = group?.variants[2]?.work;
  assert.ok(work?.kind === 'run');
  const { seeds, steps, strategy } = JSON.parse(work.experiment);
  assert.deepEqual([seeds, steps, strategy[0]], [3, 100, 'none']);
});

test('the committed bench files are good', () => {
  const folder = fileURLToPath(new URL('../experiments/bench', import.meta.url));
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  assert.ok(files.length >= 7);
  for (const file of files) assert.ok(loadBench(join(folder, file)).groups.length > 0, file);
});
