/** A worker process: trains the cells it is sent, one after the other, and commits each. Started by `pool.ts`. */
import { hostname } from 'node:os';
import { timingColumns } from '../columns.ts';
import { loadBackend } from '../engine/backend.ts';
import { fingerprintId, fingerprintOf } from '../engine/fingerprint.ts';
import { build, find, parts } from '../parts.ts';
import { train } from '../train/loop.ts';
import { type Cell, UsageError } from '../types.ts';
import { assignmentSchema, type WorkerMessage } from './messages.ts';
import { openSegment, type Segment } from './store.ts';
import { csvText, runText } from './text.ts';

const [folder = '', name = ''] = process.argv.slice(2);
const numerics = process.argv[4] === 'fast' ? 'fast' : 'repro';

process.on('disconnect', () => process.exit());

const tell = (message: WorkerMessage) => process.send?.(message);

try {
  const backend = await loadBackend(numerics);
  const fingerprint = fingerprintOf(backend);
  let segment: Segment | undefined;
  process.on('message', (message) => {
    const { cell_id, cell } = assignmentSchema.parse(message);
    try {
      segment ??= openSegment(folder, `${name}-${new Date().toISOString().replaceAll(/[-:.]/g, '')}-${process.pid}`);
      tell({ kind: 'done', cell_id, status: runCell(segment, fingerprintId(fingerprint), cell_id, cell) });
    } catch (error) {
      tell({ kind: 'failed', cell_id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  tell({ kind: 'ready', fingerprint, reason: backend.reason ?? '' });
} catch (error) {
  tell({
    kind: 'unusable',
    usage: error instanceof UsageError,
    error: error instanceof Error ? error.message : String(error),
  });
}

function runCell(segment: Segment, fingerprint: string, cell_id: string, cell: Cell): 'completed' | 'diverged' {
  const started = new Date();
  const start = performance.now();
  const summary = train(cell, () => performance.now());
  const taken = summary.diverged_at === undefined ? cell.steps : summary.diverged_at + 1;
  const timing = {
    cell_id,
    host: hostname(),
    worker: name,
    started: started.toISOString(),
    seconds: Number(((performance.now() - start) / 1000).toFixed(3)),
    ms_per_step: Number(((summary.train_seconds / taken) * 1000).toFixed(3)),
  };
  segment.commit(runText(cell_id, cell, summary), {
    fingerprint,
    cell_id,
    status: summary.status,
    timing: csvText(timingColumns, [timing]),
    data: build(find(parts.tasks, cell.task.name), cell.task).data(),
  });
  return summary.status;
}
