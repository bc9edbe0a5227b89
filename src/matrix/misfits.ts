/** What stands in one block and doesn't go together: a mistake now, not runs that fail, or mean something else, later. */
import { isSeen } from '../clipping/patterns.ts';
import { withoutAdvice } from '../engine/backend.ts';
import { build, find, parts, thresholdOption, thresholdRule } from '../parts.ts';
import { sizeOf } from '../size.ts';
import type { Choice, Clip } from '../types.ts';
import type { Located } from './axes.ts';
import type { Path } from './document.ts';
import { dependents, type Fields, unsaid } from './fields.ts';
import type { Mistakes } from './mistakes.ts';

interface Axes {
  tasks: Located<Choice>[];
  models: Located<Choice>[];
  schedules: Located<Choice>[];
  optimizers: Located<Choice>[];
  strategies: Located<Clip[]>[];
  /** As written. */
  settings: Fields[];
  /** Where a field is written, if it is. */
  pathOf(field: string): Path | undefined;
}

export function refuseMisfits(axes: Axes, mistakes: Mistakes): void {
  refuseModels(axes, mistakes);
  refuseLossControls(axes, mistakes);
  refuseUneven(axes, mistakes);
  refuseSingles(axes, mistakes);
  refuseIdle(axes, mistakes);
  refuseTwoDecays(axes, mistakes);
  refuseSpikes(axes, mistakes);
  refuseWarmUps(axes, mistakes);
  refuseUnseen(axes, mistakes);
  refuseNeeds(axes, mistakes);
  refuseRelative(axes, mistakes);
  refuseBackward(axes, mistakes);
  refuseComparators(axes, mistakes);
}

/** Beside the gradient itself, what compares an update with it has nothing to do. */
function refuseComparators({ strategies }: Axes, mistakes: Mistakes): void {
  for (const { value, path } of strategies) {
    if (!value.some(({ name, place }) => name === 'cautious' && place !== 'update')) continue;
    mistakes.at(path, 'strategy "cautious" compares an update with the gradient; write place: update');
  }
}

/** Models that can't read a task's examples. */
function refuseModels({ tasks, models }: Axes, mistakes: Mistakes): void {
  for (const task of tasks) {
    const { shape } = build(find(parts.tasks, task.value.name), task.value);
    for (const model of models) {
      const refusal = build(find(parts.models, model.value.name), model.value).refuse?.(shape);
      if (refusal !== undefined) {
        mistakes.at(model.path, `model "${model.value.name}" ${refusal}, as task "${task.value.name}" has`);
      }
    }
  }
}

/** Controls on the loss, and the kind of task that each is for. */
const lossControls = [
  ['label_smoothing', 'classification'],
  ['label_noise', 'classification'],
  ['huber', 'regression'],
] as const;

function refuseLossControls({ tasks, settings, pathOf }: Axes, mistakes: Mistakes): void {
  for (const { value: task } of tasks) {
    const { kind } = build(find(parts.tasks, task.name), task);
    for (const [field, meant] of lossControls) {
      if (kind === meant || settings.every((setting) => setting[field] === 0)) continue;
      mistakes.at(
        pathOf(field) ?? [],
        `${field} means nothing for the loss of task "${task.name}"; leave it out, or at 0`,
      );
    }
  }
}

function refuseUneven({ settings, pathOf }: Axes, mistakes: Mistakes): void {
  const uneven = settings.find(({ batch_size, accumulate }) => batch_size % accumulate !== 0);
  if (uneven === undefined) return;
  mistakes.at(
    pathOf('accumulate') ?? [],
    `accumulate ${uneven.accumulate} doesn't divide batch_size ${uneven.batch_size}; the examples of an update fall into equal micro-batches`,
  );
}

/** Batch norm over one example leaves nothing of it; it sees micro-batches, not the whole batch. */
function refuseSingles({ models, settings, pathOf }: Axes, mistakes: Mistakes): void {
  const model = models.find(({ value }) => value.options.norm === 'batch');
  const single = settings.find(({ batch_size, accumulate }) => batch_size / accumulate === 1);
  if (model === undefined || single === undefined) return;
  mistakes.at(
    pathOf(single.accumulate > 1 ? 'accumulate' : 'batch_size') ?? model.path,
    `batch norm of model "${model.value.name}" would see one example at a time; give it two at least, or another norm`,
  );
}

/** Fields that are written and act nowhere in the block. */
function refuseIdle({ settings, pathOf }: Axes, mistakes: Mistakes): void {
  for (const { field, on } of dependents) {
    const idle = settings.find((setting) => setting[field] !== unsaid[field]);
    if (idle === undefined || settings.some((setting) => setting[on] !== 0)) continue;
    mistakes.at(
      pathOf(field) ?? [],
      `${field} ${idle[field]} acts on nothing, since ${on} is 0; set ${on}, or leave ${field} out`,
    );
  }
}

function refuseTwoDecays({ optimizers, settings, pathOf }: Axes, mistakes: Mistakes): void {
  const decaying = settings.find(({ weight_decay }) => weight_decay !== 0);
  if (decaying === undefined) return;
  for (const { value, path } of optimizers) {
    const own = value.options.weight_decay ?? 0;
    if (own === 0) continue;
    mistakes.at(
      pathOf('weight_decay') ?? path,
      `weight_decay ${decaying.weight_decay} comes on top of the ${own} of optimizer "${value.name}", so weights would decay twice; leave it out, or give the optimizer weight_decay: 0`,
    );
  }
}

/** Spikes that never come, and factors whose product isn't what it says in float32. */
function refuseSpikes({ settings, pathOf }: Axes, mistakes: Mistakes): void {
  const late = settings.find(({ spike_every, steps }) => spike_every > steps);
  if (late !== undefined) {
    mistakes.at(
      pathOf('spike_every') ?? [],
      `spike_every ${late.spike_every} never comes in ${late.steps} steps; take ${late.steps} at most, or more steps`,
    );
  }
  const beyond = settings.find(({ gradient_scale, spike_every, spike_factor }) => {
    const factor = Math.fround(gradient_scale * spike_factor);
    return spike_every > 0 && (!Number.isFinite(factor) || factor === 0);
  });
  if (beyond === undefined) return;
  const { gradient_scale, spike_factor } = beyond;
  mistakes.at(
    pathOf('spike_factor') ?? pathOf('gradient_scale') ?? [],
    `gradient_scale ${gradient_scale} times spike_factor ${spike_factor} is out of float32's range; keep the product within 1e-45 to 3.4e38`,
  );
}

/** Warm-ups that a run ends in: its rate is never the one that is given. */
function refuseWarmUps({ schedules, settings }: Axes, mistakes: Mistakes): void {
  const steps = settings.reduce((least, setting) => Math.min(least, setting.steps), Number.POSITIVE_INFINITY);
  for (const { value, path } of schedules) {
    const { warmup } = value.options;
    if (typeof warmup !== 'number' || warmup < steps) continue;
    mistakes.at(
      [...path, 'warmup'],
      `schedule "${value.name}": warmup is ${warmup}, so a run of ${steps} steps never reaches its learning rate; take ${steps - 1} at most, or more steps`,
    );
  }
}

/** Strategies whose patterns leave them nothing to see of a model. */
function refuseUnseen({ tasks, models, strategies }: Axes, mistakes: Mistakes): void {
  const narrow = strategies.flatMap(({ value, path }) =>
    value.flatMap((clip) => (clip.include === undefined && clip.exclude === undefined ? [] : [{ clip, path }])),
  );
  if (narrow.length === 0 || mistakes.any()) return;
  withoutAdvice();
  for (const model of models) {
    for (const task of tasks) {
      const { names } = sizeOf(task.value, model.value);
      for (const { clip, path } of narrow) {
        if (names.some((name) => isSeen(name, clip.include, clip.exclude))) continue;
        mistakes.at(
          path,
          `strategy "${clip.name}" sees no parameter of model "${model.value.name}"; change include or exclude (there are ${names.join(', ')})`,
        );
      }
    }
  }
}

/** Thresholds relative to what their strategy doesn't look at. */
function refuseRelative({ strategies }: Axes, mistakes: Mistakes): void {
  for (const { value: clips, path } of strategies) {
    for (const clip of clips) {
      const part = find(parts.strategies, clip.name);
      if (thresholdRule(clip)?.probe === undefined || build(part, clip).statistic !== undefined) continue;
      mistakes.at(
        path,
        `${thresholdOption(part)} of strategy "${clip.name}" isn't compared with the gradient, so it can't be relative to it; give a number`,
      );
    }
  }
}

/** Gradients of examples or micro-batches are there at one place only, and become one gradient there. */
function refuseNeeds({ models, strategies, settings }: Axes, mistakes: Mistakes): void {
  for (const { value: clips, path } of strategies) {
    const needing = clips
      .map((clip) => ({ clip, needs: find(parts.strategies, clip.name).needs ?? 'batch' }))
      .filter(({ needs }) => needs !== 'backward');
    for (const [i, { clip, needs }] of needing.entries()) {
      if (needs === 'batch') continue;
      if (i > 0 || clip.place !== undefined) {
        mistakes.at(
          path,
          `strategy "${clip.name}" works on gradients by ${needs}, which only the first of a chain is given, at place gradient; move it there`,
        );
      }
      const model = models.find(({ value }) => value.options.norm === 'batch');
      if (needs === 'example' && model !== undefined) {
        mistakes.at(
          path,
          `strategy "${clip.name}" works on gradients by example, which batch norm of model "${model.value.name}" mixes; use another norm`,
        );
      }
      if (needs === 'example' && settings.some(({ accumulate }) => accumulate > 1)) {
        mistakes.at(path, `strategy "${clip.name}" works on gradients by example; leave accumulate at 1`);
      }
    }
  }
}

/** Strategies inside back-propagation act at the sites of a model, and nowhere else. */
function refuseBackward({ models, strategies }: Axes, mistakes: Mistakes): void {
  for (const { value: clips, path } of strategies) {
    for (const { name, options: _, ...placement } of clips) {
      if (find(parts.strategies, name).needs !== 'backward') continue;
      const [option] = Object.keys(placement);
      if (option !== undefined) {
        mistakes.at(
          path,
          `strategy "${name}" acts inside back-propagation, where ${option} means nothing; leave it out`,
        );
      }
      for (const model of models) {
        if (build(find(parts.models, model.value.name), model.value).sites) continue;
        mistakes.at(
          path,
          `strategy "${name}" finds no place to act in model "${model.value.name}"; recurrent models, mlp and deep_linear have some`,
        );
      }
    }
  }
}
