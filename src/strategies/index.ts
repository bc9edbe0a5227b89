/** Every clip strategy. To add one: a file here and a line below. */
export { global_norm } from './global_norm.ts';
export { none } from './none.ts';
export { norm } from './norm.ts';
export { value } from './value.ts';
