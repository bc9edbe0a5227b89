/** A measuring process: takes one group from standard input, measures it, and writes what it found to standard output. */
import { writeSync } from 'node:fs';
import { z } from 'zod';
import { loadBackend } from '../engine/backend.ts';
import { engineNamed, engineNameFor } from '../engine/engine.ts';
import type { Engine } from '../types.ts';
import { type Findings, measure, type Order } from './measure.ts';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
const order = z.custom<Order>().parse(JSON.parse(Buffer.concat(chunks).toString()));

const backend = await loadBackend(order.group.numerics);
const fallbacks: string[] = [];
const name = engineNameFor(backend.name, order.group.engine);
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
writeSync(1, JSON.stringify(findings));
