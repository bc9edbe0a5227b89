/** How far a sweep is: one line that changes on a terminal, a plain line now and then elsewhere. */

import { clock } from './duration.ts';

/** Between plain lines, in ms. */
const PAUSE = 10_000;

export interface Progress {
  /** One more cell is done. */
  tick(note?: string): void;
  /** Ends the changing line. */
  end(): void;
}

/** @param noun what is counted */
export function progress(total: number, stream: NodeJS.WriteStream, noun = 'cells'): Progress {
  const start = performance.now();
  let done = 0;
  let printed = start;
  const line = () => {
    const seconds = (performance.now() - start) / 1000;
    const left = (seconds / Math.max(done, 1)) * (total - done);
    return `${done}/${total} ${noun}  ${((100 * done) / total).toFixed(0)} %  ${clock(seconds)} elapsed  ${clock(left)} left`;
  };
  return {
    tick(note) {
      done += 1;
      const now = performance.now();
      if (stream.isTTY) {
        if (note !== undefined) stream.write(`\r\x1b[K${note}\n`);
        stream.write(`\r\x1b[K${line()}`);
      } else if (note !== undefined || done === total || now - printed > PAUSE) {
        stream.write(`${note === undefined ? '' : `${note}\n`}${line()}\n`);
        printed = now;
      }
    },
    end() {
      if (stream.isTTY && done > 0) stream.write('\n');
    },
  };
}
