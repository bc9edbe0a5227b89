/** Every model. To add one: a file here and a line below. */
export { mlp } from './mlp.ts';
export { rnn } from './rnn.ts';
