/** Every optimizer. To add one: a file here and a line below. */
export { acclip } from './acclip.ts';
export { adafactor } from './adafactor.ts';
export { adagrad } from './adagrad.ts';
export { adam } from './adam.ts';
export { adamw } from './adamw.ts';
export { clipped_sstm } from './clipped_sstm.ts';
export { lamb } from './lamb.ts';
export { lars } from './lars.ts';
export { lion } from './lion.ts';
export { mixed_clip } from './mixed_clip.ts';
export { nadam } from './nadam.ts';
export { rmsprop } from './rmsprop.ts';
export { sgd } from './sgd.ts';
export { spam } from './spam.ts';
export { stable_adamw } from './stable_adamw.ts';
export { stable_spam } from './stable_spam.ts';
