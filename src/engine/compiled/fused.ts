/**
 * Small steps under `numerics: fast` are compiled by XLA. That spares what it costs to start operations one by one, most of the
 * time of a small step; large products it does more slowly.
 */
import type { HostTensors } from '../../types.ts';
import type { Recording } from './record.ts';
import { openSession, type Session } from './session.ts';
import type { Node } from './tape.ts';

/** Entries of the largest tensor, and operations, of what counts as small: compiling takes time with their number. */
const ENTRIES = 16_384;
const NODES = 500;

/** Random numbers have to be those of the other engines, which XLA doesn't promise. */
export function isSmall({ nodes: outer, held, inputs }: Recording): boolean {
  const nodes = outer.flatMap(withInner);
  if (nodes.some(({ op }) => op.startsWith('StatelessRandom'))) return false;
  const refs = [
    ...nodes.flatMap((node) => node.inputs),
    ...held.map(({ after }) => after),
    ...inputs.map(({ ref }) => ref),
  ];
  return nodes.length <= NODES && refs.every(({ shape }) => shape.reduce((n, size) => n * size, 1) <= ENTRIES);
}

function withInner(node: Node): Node[] {
  return [node, ...(node.chosen?.nodes ?? []).flatMap(withInner)];
}

/**
 * A session that was tried: XLA lacks some operations, and tells so with the first call. Its state has to be written anew. It
 * compiles once for each number of steps in a call, which takes a third of a second or so.
 *
 * @param steps examples of the inputs of a call
 */
export function openFused(recording: Recording, held: HostTensors, steps: HostTensors[]): Session {
  const session = openSession(recording, { loop: true, fused: true });
  try {
    session.write(held);
    session.call(steps);
    return session;
  } catch {
    session.dispose();
    return openSession(recording, { loop: false, fused: false });
  }
}
