/** Measures one group in this process. */
import type { Engine } from '../types.ts';
import { orderOf } from './order.ts';
import { callsFor, samplesOf } from './sample.ts';
import { open, type Subject } from './subject.ts';
import type { Bench, Footprint, Group, Turn } from './variant.ts';

/** What a measuring process is asked for. */
export interface Order extends Pick<Bench, 'samples' | 'sample_ms' | 'seed'> {
  group: Group;
  process: number;
  /** Rather than times, the most memory that this variant alone takes. */
  peak_of?: string;
}

export interface Found {
  turns: Turn[];
  /** By variant. */
  footprints: Record<string, Footprint>;
  /** Why times of a variant may mislead, by variant. */
  doubts: Record<string, string>;
}

/** What a measuring process answers. */
export interface Findings extends Found {
  /** Why functions that were to be compiled ran op by op. */
  fallbacks: string[];
  backend: string;
  engine: string;
  versions: Record<string, string>;
  /** How often a second it was taken off its core. */
  switches: number;
}

/** Times in each process for each variant: there, back, there, back. */
export const PASSES = 4;

export async function measure(order: Order, engine: Engine): Promise<Found> {
  const { group, process: number, samples, sample_ms, seed, peak_of } = order;
  if (peak_of !== undefined) return peak(group, peak_of, engine);
  const found: Found = { turns: [], footprints: {}, doubts: {} };
  const variants = group.variants;
  const ready = new Map<string, { subject: Subject; calls: number }>();
  const readied = async (i: number) => {
    const variant = variants[i];
    if (variant === undefined) throw new Error(`no variant ${i}`);
    const known = ready.get(variant.name);
    if (known?.subject !== undefined) return { variant, ...known };
    const subject = open(variant.work, engine);
    if (number === 0 && found.footprints[variant.name] === undefined)
      found.footprints[variant.name] = (await subject.footprint?.()) ?? {};
    const made = { subject, calls: callsFor(subject, sample_ms) };
    ready.set(variant.name, made);
    return { variant, ...made };
  };
  const close = (name: string) => {
    const made = ready.get(name);
    const doubt = made?.subject.doubt?.();
    if (doubt !== undefined) found.doubts[name] = doubt;
    made?.subject.close();
    ready.delete(name);
  };

  const passes = orderOf(variants.length, PASSES, seed, group.name, number);
  if (!group.alone) for (const i of passes[0] ?? []) await readied(i);
  for (const [pass, order] of passes.entries()) {
    for (const i of order) {
      const { variant, subject, calls } = await readied(i);
      const ms = samplesOf(subject, calls, samples / PASSES);
      found.turns.push({ group: group.name, variant: variant.name, process: number, pass, calls, ms });
      if (group.alone) close(variant.name);
    }
  }
  for (const name of [...ready.keys()]) close(name);
  return found;
}

/** In a process that does nothing else. */
function peak(group: Group, name: string, engine: Engine): Found {
  const variant = group.variants.find((one) => one.name === name);
  if (variant === undefined) throw new Error(`no variant ${name}`);
  const most = () => process.resourceUsage().maxRSS / 1e3;
  const before = most();
  const subject = open(variant.work, engine);
  subject.call(2);
  subject.close();
  return { turns: [], footprints: { [name]: { peak_mb: most() - before } }, doubts: {} };
}
