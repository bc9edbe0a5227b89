/** Ends this process when its parent is gone, even in the middle of a computation or a hang. */
import { Worker } from 'node:worker_threads';

/** Between looks, in ms. */
const PAUSE = 250;

/** Plain JavaScript in a thread of its own: the main thread computes and doesn't look up until a cell is done. */
const lookout = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
}, workerData.pause);
`;

export function endWithParent(parent: number): void {
  new Worker(lookout, { eval: true, execArgv: [], workerData: { parent, pause: PAUSE } }).unref();
}
