/** Every optimizer. To add one: a file here and a line below. */
export { adafactor } from './adafactor.ts';
export { adagrad } from './adagrad.ts';
export { adam } from './adam.ts';
export { adamw } from './adamw.ts';
export { lamb } from './lamb.ts';
export { lars } from './lars.ts';
export { lion } from './lion.ts';
export { nadam } from './nadam.ts';
export { rmsprop } from './rmsprop.ts';
export { sgd } from './sgd.ts';
