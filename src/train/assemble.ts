/** From a cell, which is plain data, to the functions that it names. */
import { canonical } from '../canonical.ts';
import { build, constants, contentOf, find, parts, structureOf } from '../parts.ts';
import { join } from '../tensors.ts';
import type { Cell, Choice, Schedule, Transform } from '../types.ts';
import { chain } from './chain.ts';
import { controlConstants, controlStructure } from './controls.ts';
import type { StepParts } from './step.ts';

export interface Assembled extends StepParts {
  schedule: Schedule;
  /** Controls, and numeric options of model, strategy and optimizer, named as the step's inputs. */
  constants: Record<string, number>;
  /** What shapes the computation: cells that differ in thresholds, rates and seeds only have it in common. */
  structure: string;
}

export function assemble(cell: Cell): Assembled {
  const members = memberKeys(cell.strategy);
  const transforms: Record<string, Transform> = {};
  const options: Record<string, Record<string, number>> = {};
  for (const [key, choice] of Object.entries(members)) {
    const part = find(parts.strategies, choice.name);
    transforms[key] = build(part, choice);
    options[key] = constants(part, choice);
  }
  const [single] = Object.values(options);
  const optimizer = find(parts.optimizers, cell.optimizer.name);
  const model = find(parts.models, cell.model.name);
  return {
    task: build(find(parts.tasks, cell.task.name), cell.task),
    model: build(model, cell.model),
    strategy: chain(transforms),
    optimizer: build(optimizer, cell.optimizer),
    schedule: build(find(parts.schedules, cell.schedule.name), cell.schedule),
    telemetry: cell.telemetry,
    accumulate: cell.accumulate,
    decay: cell.decay,
    structure: canonical({
      task: contentOf(cell.task),
      model: structureOf(model, cell.model),
      strategy: cell.strategy.map((choice) => structureOf(find(parts.strategies, choice.name), choice)),
      optimizer: structureOf(optimizer, cell.optimizer),
      telemetry: cell.telemetry,
      controls: controlStructure(cell),
    }),
    constants: join({
      control: controlConstants(cell),
      model: constants(model, cell.model),
      strategy: cell.strategy.length === 1 && single !== undefined ? single : join(options),
      optimizer: constants(optimizer, cell.optimizer),
    }),
  };
}

/** The members of a chain by name; where a name comes again, it gets a number. */
function memberKeys(strategy: Choice[]): Record<string, Choice> {
  const members: Record<string, Choice> = {};
  for (const choice of strategy) {
    let key = choice.name;
    for (let n = 2; key in members; n++) key = `${choice.name}${n}`;
    members[key] = choice;
  }
  return members;
}
