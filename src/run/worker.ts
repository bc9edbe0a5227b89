/** A worker process: trains the cells it is sent, one after the other, and commits each. Started by `worker-process.ts`. */
import { hostname } from 'node:os';
import { timingColumns } from '../columns.ts';
import { loadBackend } from '../engine/backend.ts';
import { engineNamed, engineNameFor } from '../engine/engine.ts';
import { fingerprintId, fingerprintOf } from '../engine/fingerprint.ts';
import { build, find, parts } from '../parts.ts';
import { train } from '../train/loop.ts';
import type { Summary } from '../train/summary.ts';
import { type Engine, UsageError } from '../types.ts';
import { csvText } from './csv.ts';
import { systemCode } from './files.ts';
import { type Assignment, assignmentSchema, setupSchema, type WorkerMessage } from './messages.ts';
import { openSegment, type Segment } from './store.ts';
import { runText } from './text.ts';
import { endWithParent } from './watch.ts';

const setup = setupSchema.parse(JSON.parse(process.argv[2] ?? ''));
endWithParent(setup.parent);
process.on('disconnect', () => process.exit());

const tell = (message: WorkerMessage) => process.send?.(message);

try {
  const backend = await loadBackend(setup.numerics);
  const name = engineNameFor(backend.name, setup.engine);
  const fallbacks: string[] = [];
  const engine = engineNamed(name, setup.numerics, (reason) => fallbacks.push(reason));
  const fingerprint = fingerprintOf(backend, name);
  let segment: Segment | undefined;
  const open = () => {
    segment ??= openSegment(setup.folder, setup.name, new Date());
    return segment;
  };
  const own = { engine, fallbacks, fingerprint: fingerprintId(fingerprint), open };
  process.on('message', (message) => tell(runCell(assignmentSchema.parse(message), own)));
  tell({ kind: 'ready', fingerprint, reason: backend.reason ?? '' });
} catch (error) {
  tell({
    kind: 'unusable',
    usage: error instanceof UsageError,
    error: error instanceof Error ? error.message : String(error),
  });
}

/** What a worker has for all its cells. */
interface Own {
  engine: Engine;
  /** Filled by the engine. */
  fallbacks: string[];
  fingerprint: string;
  /** Opens its segment with the first result. */
  open(): Segment;
}

function runCell(assignment: Assignment, own: Own): WorkerMessage {
  const started = new Date();
  const start = performance.now();
  try {
    const summary = train(assignment.cell, () => performance.now(), own.engine);
    const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
    return commit(assignment, summary, { started, seconds }, own);
  } catch (error) {
    return { kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

interface Times {
  started: Date;
  seconds: number;
}

function commit(
  { cell_id, cell }: Assignment,
  summary: Summary,
  { started, seconds }: Times,
  { fingerprint, fallbacks, open }: Own,
): WorkerMessage {
  const taken = summary.diverged_at === undefined ? cell.steps : summary.diverged_at + 1;
  const timing = {
    cell_id,
    host: hostname(),
    worker: setup.name,
    started: started.toISOString(),
    seconds,
    ms_per_step: Number(((summary.train_seconds / taken) * 1000).toFixed(3)),
  };
  const facts = {
    status: summary.status,
    fingerprint,
    cell_id,
    timing: csvText(timingColumns, [timing]),
    seconds,
    data: build(find(parts.tasks, cell.task.name), cell.task).data(),
    code: setup.code,
  };
  const text = runText(cell_id, cell, summary);
  try {
    open().commit(text, facts);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    return { kind: 'unwritable', code };
  }
  return { kind: 'done', status: summary.status, seconds, fallbacks: fallbacks.splice(0) };
}
