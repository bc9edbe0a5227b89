/** Runs the cells that are missing: one pool of workers for each numerics, and what becomes of them. */
import type { Cell } from '../types.ts';
import { failureLog } from './failure-log.ts';
import type { Inventory } from './inventory.ts';
import { liveFile } from './live.ts';
import { runPool } from './pool.ts';
import type { RunOptions } from './run.ts';
import { openSegment } from './store.ts';
import type { Environment } from './worker-process.ts';

export interface Executed {
  environment: Environment;
  /** Cells that got a result, or were given up. */
  ran: number;
  /** Why something ran op by op, though it was to be compiled; each once. */
  fallbacks: string[];
}

/**
 * `lookUp` is called once, when the first worker has told what it computes with, and says which cells are asked for then, and
 * what is there already. Undefined when it was stopped before that.
 */
export async function execute(
  options: RunOptions,
  lookUp: (environment: Environment) => { held: Inventory; selected: Map<string, Cell> },
): Promise<Executed | undefined> {
  const { folder, jobs, selected } = options;
  const stop = new AbortController();
  if (options.signal.aborted) stop.abort();
  options.signal.addEventListener('abort', () => stop.abort());
  const live = liveFile(folder, jobs);
  const log = failureLog(folder, () => openSegment(folder, 'parent', new Date()));
  let known: ({ environment: Environment } & ReturnType<typeof lookUp>) | undefined;
  let ran = 0;
  const fallbacks = new Set<string>();
  try {
    for (const numerics of ['repro', 'fast'] as const) {
      const own = (cells: Map<string, Cell>) => new Map([...cells].filter(([, cell]) => cell.numerics === numerics));
      if (own(selected).size === 0 || stop.signal.aborted) continue;
      const plan = (environment: Environment) => {
        known ??= { environment, ...lookUp(environment) };
        return missing(own(known.selected), known.held, environment, options);
      };
      await runPool(plan, {
        ...options,
        numerics,
        code: options.code.source,
        env: {},
        signal: stop.signal,
        onHand: live.take,
        onLost: log.attempt,
        onOutcome(outcome) {
          ran += 1;
          for (const reason of outcome.fallbacks ?? []) {
            if (!fallbacks.has(reason)) options.onFallback(reason);
            fallbacks.add(reason);
          }
          if (outcome.status === 'failed' || outcome.status === 'timeout') {
            log.failure(outcome, known?.environment);
            if (options.failFast) stop.abort();
          }
          options.onOutcome(outcome);
        },
      });
    }
  } finally {
    live.end();
  }
  return known && { environment: known.environment, ran, fallbacks: [...fallbacks] };
}

/** The cells that have to be run. */
function missing(
  cells: Map<string, Cell>,
  { results, failures }: Inventory,
  environment: Environment,
  { retry, onStart }: RunOptions,
): Map<string, Cell> {
  const done = new Set(results.map(({ cell_id }) => cell_id));
  const givenUp = new Set(failures.flatMap(({ cell_id, status }) => (retry.includes(status) ? [] : [cell_id])));
  const open = [...cells].filter(([cell_id]) => !done.has(cell_id));
  const todo = new Map(open.filter(([cell_id]) => !givenUp.has(cell_id)));
  onStart({ environment, todo: todo.size, done: cells.size - open.length, failed: open.length - todo.size });
  return todo;
}
