/** Every optimizer. To add one: a file here and a line below. */
export { adam } from './adam.ts';
export { sgd } from './sgd.ts';
