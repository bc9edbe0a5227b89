/** Every task. To add one: a file here and a line below. */
export { adding } from './adding.ts';
export { mnist } from './mnist.ts';
export { row_mnist } from './row_mnist.ts';
