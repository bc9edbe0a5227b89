/** Fixed work that has nothing to do with clipbench: how fast the machine is, and whether it stays so. */
import type { Subject } from '../subject.ts';

/** Copies so many float32: the speed of memory, or of a cache where they fit into it. */
export function copy(entries: number, times = 1): Subject {
  const [from, to] = [new Float32Array(entries).fill(1), new Float32Array(entries)];
  return {
    call(count) {
      for (let i = 0; i < count * times; i++) to.set(from);
    },
    close() {},
  };
}

/** A sum of products of doubles, each of which waits for the one before it: the speed of the core. */
export function arithmetic(sums: number): Subject {
  let total = 0;
  return {
    call(count) {
      for (let i = 0; i < count * sums; i++) total = total * 0.999999 + 1;
    },
    // Without a use the loop could be left out.
    doubt: () => (Number.isFinite(total) ? undefined : 'the sum overflowed'),
    close() {},
  };
}

export function sleep(ms: number): Subject {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  return {
    call(count) {
      for (let i = 0; i < count; i++) Atomics.wait(nobody, 0, 0, ms);
    },
    close() {},
  };
}
