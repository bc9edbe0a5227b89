/** The machine that measures, and what else it does meanwhile. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, loadavg, platform, release, totalmem } from 'node:os';
import type { Disturbance, Machine } from '../bench_record.ts';
import { vectorFlags } from '../engine/fingerprint.ts';

export const machineOf = (pinned: boolean): Machine => ({
  platform: `${platform()} ${release()} ${process.arch}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memory_gb: Math.round(totalmem() / 2 ** 30),
  governor: firstLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') ?? 'unknown',
  vector: vectorFlags(),
  pinned,
});

/** What is looked at before and after. */
export interface Moment {
  load: number;
  /** Ticks of all cores since the machine started: given to others by the host, and in all. */
  stolen: number | undefined;
  ticks: number;
}

export function moment(): Moment {
  const ticks = (firstLine('/proc/stat') ?? '').split(/\s+/).slice(1, 9).map(Number);
  return { load: loadavg()[0] ?? 0, stolen: ticks[7], ticks: ticks.reduce((sum, own) => sum + own, 0) };
}

export function disturbanceOf(before: Moment, after: Moment, switches: readonly number[]): Disturbance {
  const ticks = after.ticks - before.ticks;
  const stolen = before.stolen === undefined || after.stolen === undefined ? undefined : after.stolen - before.stolen;
  return {
    load_before: before.load,
    load_after: after.load,
    free_memory_gb: Math.round((10 * freemem()) / 2 ** 30) / 10,
    ...(stolen !== undefined && ticks > 0 && { stolen: stolen / ticks }),
    switches_per_second: Math.max(0, ...switches),
  };
}

/** What makes figures doubtful, each in a sentence; none on a quiet machine. */
export function warningsOf(
  { governor, pinned, cores }: Machine,
  { load_before, load_after, stolen }: Disturbance,
): string[] {
  const [busy, mine] = [load_before, load_after - 1];
  return [
    ...(busy > 0.3 ? [`The machine was busy before it began (load ${busy.toFixed(2)}).`] : []),
    ...(mine > 0.3 * cores ? [`Others ran beside it (load ${load_after.toFixed(2)}, of which 1 is its own).`] : []),
    ...((stolen ?? 0) > 0.01
      ? [`The host gave ${((stolen ?? 0) * 100).toFixed(1)} % of the time to other machines.`]
      : []),
    ...(pinned ? [] : ['The measuring processes were free to move between cores.']),
    ...(governor !== 'unknown' && governor !== 'performance'
      ? [`The clock follows the load (governor ${governor}); set it to performance.`]
      : []),
  ];
}

/** Undefined where the system has no such file. */
function firstLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').split('\n')[0];
  } catch {
    return undefined;
  }
}
