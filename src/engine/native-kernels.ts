/** Operations of TensorFlow that tfjs doesn't offer, or does with a slower one. */
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
  replaceMatMul();
}

/** TensorFlow multiplies two matrices faster than two batches of one matrix, which is what tfjs makes of them. */
function replaceMatMul(): void {
  const kernelName = 'BatchMatMul';
  const backendName = 'tensorflow';
  const stock = tf.getKernel(kernelName, backendName);
  if (stock === undefined) throw new Error(`tfjs-node has no kernel ${kernelName}`);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...stock,
    kernelFunc(call) {
      const { a, b } = call.inputs;
      if (!(a instanceof tf.Tensor && b instanceof tf.Tensor && a.rank === 2 && b.rank === 2))
        return stock.kernelFunc(call);
      const flag = (name: string, value: unknown) => ({
        name,
        type: native().binding.TF_ATTR_BOOL,
        value: value === true,
      });
      const { transposeA, transposeB } = call.attrs ?? {};
      const flags = [flag('transpose_a', transposeA), flag('transpose_b', transposeB)];
      return native().executeSingleOutput('MatMul', [typeAttribute('T', typeOf(a)), ...flags], [a, b]);
    },
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
