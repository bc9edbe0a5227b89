/** Somebody's program of TensorFlow.js with clipping in it. It runs in Node and, bundled, in a browser. */
import * as tf from '@tensorflow/tfjs';
import { type ClipState, clipGradients, clipped, type Spec } from '../../src/tfjs/index.ts';

export interface Learned {
  /** What the model weighs after fitting, value after value. */
  fitted: number[];
  /** The variable of a loop of its own, and how often it was clipped. */
  looped: number[];
  clips: number;
  /** Tensors that are left. */
  tensors: number;
}

/** What a strategy leaves of gradients [2, 3] and [2], step after step, all eight values in a row. */
export async function steps(backend: string, spec: Spec, gradients: number[][]): Promise<number[][]> {
  await tf.setBackend(backend);
  const shaped = (values: number[]) => ({
    a: tf.tensor2d(values.slice(0, 6), [2, 3]),
    b: tf.tensor1d(values.slice(6)),
  });
  let state: ClipState | undefined;
  return tf.tidy(() =>
    gradients.map((values) => {
      const grads = shaped(values);
      const params = shaped([0.5, -1, 2, 0.25, 1, -0.75, 0.3, 0.2]);
      const out = clipGradients(grads, spec, state, {
        ...{ params, gradient: grads, loss: tf.scalar(1), learning_rate: 0.1 },
      });
      state = out.state;
      return [...(out.grads.a?.dataSync() ?? []), ...(out.grads.b?.dataSync() ?? [])];
    }),
  );
}

/** Fits a model with a strategy that has a state, and runs a loop of its own. */
export async function learned(backend: string): Promise<Learned> {
  await tf.setBackend(backend);
  const before = tf.memory().numTensors;
  const fitted = await fit();
  const { looped, clips } = loop();
  return { fitted, looped, clips, tensors: tf.memory().numTensors - before };
}

async function fit(): Promise<number[]> {
  const start = (seed: number) => tf.initializers.glorotUniform({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 6, inputShape: [3], activation: 'relu', kernelInitializer: start(1) }),
      tf.layers.dense({ units: 1, kernelInitializer: start(2) }),
    ],
  });
  const optimizer = clipped(tf.train.adam(0.01, 0.9, 0.999, 1e-7), { name: 'adagc', warmup: 3 });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const x = tf.tensor2d(
    Array.from({ length: 24 }, (_, i) => ((i * 7) % 11) / 5 - 1),
    [8, 3],
  );
  const y = tf.tidy(() => x.sum(1).square().reshape([8, 1]));
  await model.fit(x, y, { epochs: 20, batchSize: 4, shuffle: false, verbose: 0 });
  const weights = model.getWeights().flatMap((w) => [...w.dataSync()]);
  optimizer.dispose();
  model.dispose();
  tf.dispose([x, y]);
  return weights;
}

function loop(): { looped: number[]; clips: number } {
  const w = tf.tidy(() => tf.variable(tf.tensor1d([3, -4, 0.5]), true, 'w'));
  const spec = {
    chain: [
      { name: 'value', clip_value: 5 },
      { name: 'global_norm', max_norm: 1 },
    ],
  };
  let state: ClipState | undefined;
  let clips = 0;
  for (let t = 0; t < 10; t++) {
    const { value, grads } = tf.variableGrads(() => w.square().sum().asScalar(), [w]);
    const out = clipGradients(grads, spec, state);
    clips += tf.tidy(() =>
      Number(
        out.grads.w
          ?.notEqual(grads.w ?? 0)
          .any()
          .dataSync()[0],
      ),
    );
    tf.tidy(() => w.assign(w.sub(out.grads.w?.mul(0.5) ?? 0)));
    tf.dispose([value, grads, out.grads, out.info, state?.tensors ?? {}]);
    state = out.state;
  }
  const looped = [...w.dataSync()];
  tf.dispose([w, state?.tensors ?? {}]);
  return { looped, clips };
}
