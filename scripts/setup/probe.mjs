/**
 * Loads tfjs-node and runs an op; prints the version of libtensorflow. Run as a child process: a library built for
 * another processor ends the process. Loading alone proves nothing: on Node 23+ it succeeds and every op fails.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';

Object.assign(util, { isNullOrUndefined: (v) => v === null || v === undefined, isArray: Array.isArray });
const root = process.argv[2] ?? '.';
const tf = createRequire(join(root, 'package.json'))('@tensorflow/tfjs-node');
const [sum] = tf.add(tf.tensor1d([1, 2]), tf.scalar(3)).dataSync();
if (sum !== 4) throw new Error(`1 + 3 gave ${sum}`);
process.stdout.write(`\ntensorflow ${tf.backend().binding.TF_Version}\n`);
