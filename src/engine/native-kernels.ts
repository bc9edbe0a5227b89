/** Operations of TensorFlow that tfjs doesn't offer. */
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { FLOAT, INT32, native, typeAttribute, typeOf } from './compiled/binding.ts';

/** Call once, after the native backend was loaded. */
export function addNativeKernels(): void {
  add('L2Loss', 't', (t) => native().executeSingleOutput('L2Loss', [typeAttribute('T', typeOf(t))], [t]));
  add('StatelessUniform', 'seed', (seed, { shape }) => {
    const types = [typeAttribute('dtype', FLOAT), typeAttribute('T', INT32), typeAttribute('Tseed', INT32)];
    const size = tf.tensor1d(z.array(z.int()).parse(shape), 'int32');
    return native().executeSingleOutput('StatelessRandomUniform', types, [size, seed]);
  });
}

function add(
  kernelName: string,
  input: string,
  kernel: (input: tf.Tensor, attributes: tf.NamedAttrMap) => tf.Tensor,
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => kernel(z.instanceof(tf.Tensor).parse(inputs[input]), attrs ?? {}),
  });
}
