/** A measuring process: takes one group from standard input, measures it, and sends what it found to the process that started it. */
import { z } from 'zod';
import { loadBackend } from '../engine/backend.ts';
import { engineNamed, engineNameFor } from '../engine/engine.ts';
import type { Engine } from '../types.ts';
import { type Findings, measure, type Order } from './measure.ts';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
const order = z.custom<Order>().parse(JSON.parse(Buffer.concat(chunks).toString()));

/** Fixed work takes no backend, and is up sooner without one. */
const isPlain = order.group.variants.every(({ work }) => ['copy', 'arithmetic', 'sleep'].includes(work.kind));
const none = { name: 'none', tfjs: '', tensorflow: '' } as const;
const backend = isPlain ? none : await loadBackend(order.group.numerics);
const fallbacks: string[] = [];
const name = backend.name === 'none' ? 'eager' : engineNameFor(backend.name, order.group.engine);
const engine: Engine = engineNamed(name, order.group.numerics, (why) => fallbacks.push(why));
const before = process.resourceUsage();
const start = performance.now();
const { turns, footprints, doubts } = await measure(order, engine);
const seconds = (performance.now() - start) / 1000;
const findings: Findings = {
  turns,
  footprints,
  doubts,
  fallbacks,
  backend: backend.name,
  engine: name,
  versions: { tfjs: backend.tfjs, tensorflow: backend.tensorflow, node: process.version },
  switches: (process.resourceUsage().involuntaryContextSwitches - before.involuntaryContextSwitches) / seconds,
};
process.send?.(findings, () => process.disconnect());
