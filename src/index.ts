/** The public API. */
export { loadBackend } from './engine/backend.ts';
export { type CompiledStep, compileStep } from './engine/compile-step.ts';
export { compiledEngine } from './engine/compiled.ts';
export { eager } from './engine/eager.ts';
export { stream } from './engine/random.ts';
export { type Manifest, manifestSchema } from './manifest.ts';
export { type Experiment, loadExperiment, parseExperiment } from './matrix/experiment.ts';
export { filterCells } from './matrix/filter.ts';
export { cellId } from './matrix/identity.ts';
export { parts } from './parts.ts';
export { renderReport, writeReport } from './report/index.ts';
export { type RunOptions, type RunReport, runExperiment } from './run/run.ts';
export { type Status, statusOf } from './run/status.ts';
export { type VerifyOptions, type VerifyReport, verifyResults } from './run/verify.ts';
export { train } from './train/loop.ts';
export { makeStep } from './train/step.ts';
export type * from './types.ts';
