/** Every learning-rate schedule. To add one: a file here and a line below. */
export { constant } from './constant.ts';
export { cosine } from './cosine.ts';
export { linear } from './linear.ts';
export { step_decay } from './step_decay.ts';
