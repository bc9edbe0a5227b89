/** From a cell, which is plain data, to the functions that it names. */
import { canonical } from '../canonical.ts';
import { build, constants, contentOf, find, parts, structureOf, thresholdRule } from '../parts.ts';
import { join } from '../tensors.ts';
import type { Cell, Schedule } from '../types.ts';
import { controlConstants, controlStructure } from './controls.ts';
import { byPlace, membersOf, optionsOf } from './members.ts';
import type { StepParts } from './step.ts';

export interface Assembled extends StepParts {
  schedule: Schedule;
  /** Controls, and numeric options of model, strategy and optimizer, named as the step's inputs. */
  constants: Record<string, number>;
  /** What a schedule makes change from step to step instead, named likewise. */
  fed(step: number): Record<string, number>;
  /** What shapes the computation: cells that differ in thresholds, rates and seeds only have it in common. */
  structure: string;
}

export function assemble(cell: Cell): Assembled {
  const members = membersOf(cell.strategy);
  const isScheduled = cell.strategy.some((clip) => thresholdRule(clip) !== undefined);
  const strategyAt = (step: number) => join({ strategy: optionsOf(members, step, cell.steps) });
  const optimizer = find(parts.optimizers, cell.optimizer.name);
  const model = find(parts.models, cell.model.name);
  return {
    task: build(find(parts.tasks, cell.task.name), cell.task),
    model: build(model, cell.model),
    strategies: byPlace(members),
    needs: members.find(({ place, needs }) => place !== 'backward' && needs !== 'batch')?.needs ?? 'batch',
    optimizer: build(optimizer, cell.optimizer),
    schedule: build(find(parts.schedules, cell.schedule.name), cell.schedule),
    telemetry: cell.telemetry,
    accumulate: cell.accumulate,
    decay: cell.decay,
    structure: canonical({
      task: contentOf(cell.task),
      model: structureOf(model, cell.model),
      strategy: members.map(({ structure }) => structure),
      optimizer: structureOf(optimizer, cell.optimizer),
      scheduled: isScheduled,
      telemetry: cell.telemetry,
      controls: controlStructure(cell),
    }),
    fed: isScheduled ? strategyAt : () => ({}),
    constants: {
      ...(!isScheduled && strategyAt(0)),
      ...join({
        control: controlConstants(cell),
        model: constants(model, cell.model),
        optimizer: constants(optimizer, cell.optimizer),
      }),
    },
  };
}
