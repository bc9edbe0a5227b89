/** Timing, by tinybench: what a sample is, and how many calls go into one. */
import { Bench } from 'tinybench';
import type { Subject } from './subject.ts';

/** However long a call is: a sample of fewer would be one call's luck. */
const FEWEST_CALLS = 2;
/** From here on one call is a sample, in ms. */
const LONG_CALL = 200;

/**
 * ms of a call, in `count` samples of so many calls each. One sample goes before, untimed: it brings back into the caches what others that
 * were measured meanwhile have driven out.
 */
export function samplesOf({ call, fresh }: Subject, calls: number, count: number): number[] {
  const bench = new Bench({
    time: 0,
    iterations: count,
    warmup: fresh !== true,
    warmupTime: 0,
    warmupIterations: 1,
    retainSamples: true,
    throws: true,
  });
  bench.add('calls', () => call(calls));
  bench.runSync();
  const result = bench.tasks[0]?.result;
  if (result === undefined || !('latency' in result)) throw new Error('tinybench has no result');
  const samples: readonly number[] | undefined = result.latency.samples;
  if (samples === undefined) throw new Error('tinybench kept no samples');
  return samples.map((ms) => ms / calls);
}

/** So many calls that they take at least `sampleMs`. They also are its warm-up: compiling, and growing of memory. */
export function callsFor(subject: Subject, sampleMs: number): number {
  if (subject.fresh) return 1;
  subject.call(1); // what compiles, compiles here
  for (let calls = 1; ; calls *= 2) {
    const [first = 0, second = first] = samplesOf(subject, calls, 2);
    const each = Math.min(first, second);
    if (each > LONG_CALL) return 1;
    // A little more than it takes, since they get faster once they are warm.
    if (each * calls >= sampleMs / 2) return Math.max(FEWEST_CALLS, Math.ceil((1.2 * sampleMs) / each));
  }
}
