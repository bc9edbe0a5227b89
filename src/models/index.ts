/** Every model. To add one: a file here and a line below. */
export { cnn } from './cnn.ts';
export { deep_linear } from './deep_linear.ts';
export { gru } from './gru.ts';
export { linear } from './linear.ts';
export { lstm } from './lstm.ts';
export { mlp } from './mlp.ts';
export { resnet } from './resnet.ts';
export { rnn } from './rnn.ts';
export { transformer } from './transformer.ts';
