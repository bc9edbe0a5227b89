/** What ends a verb before it is done. */

export type Reason = 'interrupted' | 'out of budget';

export interface Stop {
  /** Aborted: nothing further is started, what is in hand is finished. */
  signal: AbortSignal;
  /** Why, once it is. */
  reason(): Reason | undefined;
}

/** Ctrl-C and the like, and the end of the budget (in ms). A second signal ends the process at once. */
export function stopSignals(
  budget: number,
  meaning = 'stopping when the cells in hand are done (again: at once)',
): Stop {
  const stop = new AbortController();
  let reason: Reason | undefined;
  const interrupt = () => {
    if (reason === 'interrupted') process.exit(130);
    console.error(`\n${meaning}`);
    reason = 'interrupted';
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  const spent = () => {
    reason ??= 'out of budget';
    stop.abort();
  };
  // Longer than this a timer can't run, and nobody waits.
  if (budget < 2 ** 31) setTimeout(spent, budget).unref();
  return { signal: stop.signal, reason: () => reason };
}
