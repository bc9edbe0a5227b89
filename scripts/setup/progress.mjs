/** What the set-up shows: an updating line on a terminal, a plain line every 10 s elsewhere. */

/** @typedef {{start(total: number): void, at(bytes: number): void, end(): void}} Progress */

/**
 * @param {NodeJS.WriteStream} stream
 * @param {string} what
 * @returns {Progress}
 */
export function downloadProgress(stream, what) {
  const MB = (bytes) => Math.round(bytes / 1e6);
  let total = 0;
  let last = 0;
  const line = (bytes) => `${what}: ${MB(Math.min(bytes, total))} of ${MB(total)} MB`;
  return {
    start(bytes) {
      total = bytes;
      last = Date.now();
      stream.write(stream.isTTY ? line(0) : `${what} (${MB(total)} MB)\n`);
    },
    at(bytes) {
      if (stream.isTTY) stream.write(`\r${line(bytes)}`);
      else if (Date.now() - last >= 10_000) {
        last = Date.now();
        stream.write(`${line(bytes)}\n`);
      }
    },
    end() {
      if (stream.isTTY) stream.write('\r\x1b[K');
    },
  };
}
