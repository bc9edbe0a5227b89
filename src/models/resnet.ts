import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { type Activation, activationOption, activations } from '../layers/activation.ts';
import { convolve, refuseImages } from '../layers/convolution.ts';
import { dropout, dropoutOption } from '../layers/dropout.ts';
import { refuseSequences } from '../layers/example.ts';
import { type Start, startOptions, weights, zeros } from '../layers/init.ts';
import { addsBias, newNorm, normalize, normOption } from '../layers/norm.ts';
import { scaledActivation, standardizedWeights } from '../layers/norm_free.ts';
import { pick } from '../tensors.ts';
import type { ModelPart, Tensors } from '../types.ts';
import { lengthOf } from '../units.ts';

type Structure = {
  channels: number[];
  blocks: number;
  activation: Activation;
  norm: 'none' | 'batch' | 'layer' | 'rms' | 'group';
  dropout: boolean;
} & Start;

/** By how much a block of a norm-free network adds to the variance: the square of this (Brock, De & Smith 2021). */
const ALPHA = 0.2;

/** Residual block: where it stands, and the standard deviation that its input has at the start without normalization. */
interface Block {
  name: string;
  from: number;
  to: number;
  stride: number;
  deviation: number;
}

function blocksOf(channels: number[], perStage: number): Block[] {
  const blocks: Block[] = [];
  let [from, variance] = [channels[0] ?? 0, 1];
  channels.forEach((to, stage) => {
    for (let i = 0; i < perStage; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      blocks.push({ name: `stage${stage}/block${i}`, from, to, stride, deviation: Math.sqrt(variance) });
      // A projection begins anew from its own output, which has variance 1.
      variance = (projects({ from, to, stride }) ? 1 : variance) + ALPHA * ALPHA;
      from = to;
    }
  });
  return blocks;
}

/** Whether the shortcut is a convolution of 1 x 1, since the shape changes. */
const projects = ({ from, to, stride }: Pick<Block, 'from' | 'to' | 'stride'>) => from !== to || stride > 1;

export const resnet: ModelPart<Structure> = {
  name: 'resnet',
  summary:
    'Residual network: pre-activation blocks of two 3 x 3 convolutions; each stage after the first halves the image.',
  equation:
    'h <- s + K2 * a(norm(K1 * n)), n = a(norm(h)), s = h or P * n where the shape changes, each convolution with a bias where norm ' +
    'adds none;  y = dropout(mean(a(norm(h)))) V + c.  norm none: h <- s + 0.2 g (K2 * f(K1 * n)), n = f(h / beta), f = gain a, ' +
    'K standardized, beta^2 = the variance that h would have at the start if every g were 1',
  reference:
    'He et al. 2016b (identity mappings; stages as for CIFAR-10 in He et al. 2016a). norm none: Brock, De & Smith 2021 and ' +
    'Brock et al. 2021 (NFNets), eq. 1 and section 3: scaled weight standardization with gain and bias, alpha 0.2, ' +
    'SkipInit (De & Smith 2020: g begins at 0)',
  options: z.strictObject({
    channels: z
      .array(z.int().min(2).max(4096))
      .min(1)
      .default([8, 16])
      .meta({ description: 'of each stage', role: 'structural' }),
    blocks: z.int().min(1).max(100).default(1).meta({ description: 'in each stage', role: 'structural' }),
    activation: activationOption('relu'),
    norm: normOption(['batch', 'layer', 'rms', 'group']),
    dropout: dropoutOption,
    ...startOptions,
  }),
  make({ channels, blocks: perStage, activation, norm, dropout: hasDropout, ...start }) {
    const blocks = blocksOf(channels, perStage);
    const [first = 0] = channels;
    const last = channels[channels.length - 1] ?? 0;
    const normFree = norm === 'none';
    return {
      refuse: (shape) => refuseSequences(shape) ?? refuseImages(shape, channels.length - 1),
      init(streams, { input, output }) {
        const [params, state]: [Tensors, Tensors] = [{}, {}];
        const addConvolution = (name: string, size: number, from: number, to: number) => {
          params[name] = weights(start, streams, name, [size, size, from, to]);
          if (normFree) params[lengthOf(name)] = tf.ones([to]);
          if (!addsBias(norm)) params[`${name}/bias`] = zeros(to);
        };
        const addNorm = (name: string, width: number) => {
          const fresh = newNorm(norm, name, width);
          Object.assign(params, fresh.params);
          Object.assign(state, fresh.state);
        };
        addConvolution('stem', 3, input[2] ?? 0, first);
        for (const block of blocks) {
          const { name, from, to } = block;
          addNorm(`${name}/norm0`, from);
          if (projects(block)) addConvolution(`${name}/projection`, 1, from, to);
          addConvolution(`${name}/k0`, 3, from, to);
          addNorm(`${name}/norm1`, to);
          addConvolution(`${name}/k1`, 3, to, to);
          if (normFree) params[`${name}/skip`] = tf.scalar(0);
        }
        addNorm('norm', last);
        params.v = weights(start, streams, 'v', [last, output]);
        params.c = zeros(output);
        return { params, state };
      },
      apply(params, state, x, context) {
        let after = state;
        const convolved = (name: string, h: tf.Tensor, stride = 1) => {
          const w = pick(params, name);
          const product = convolve(h, normFree ? standardizedWeights(w, pick(params, lengthOf(name))) : w, stride);
          return addsBias(norm) ? product : product.add(pick(params, `${name}/bias`));
        };
        const activated = (name: string, h: tf.Tensor) => {
          if (normFree) return scaledActivation(activation, h);
          const normal = normalize(norm, name, h, params, after, context.training);
          after = normal.state;
          return activations[activation](normal.h);
        };
        let h = convolved('stem', x);
        for (const block of blocks) {
          const { name, stride, deviation } = block;
          const n = activated(`${name}/norm0`, normFree ? h.div(deviation) : h);
          const shortcut = projects(block) ? convolved(`${name}/projection`, n, stride) : h;
          const inner = activated(`${name}/norm1`, convolved(`${name}/k0`, n, stride));
          const branch = convolved(`${name}/k1`, inner);
          h = shortcut.add(normFree ? branch.mul(pick(params, `${name}/skip`)).mul(ALPHA) : branch);
        }
        const pooled: tf.Tensor = activated('norm', h).mean([1, 2]);
        const y = dropout(pooled, 'dropout', hasDropout, context).matMul(pick(params, 'v')).add(pick(params, 'c'));
        return [y.as2D(x.shape[0] ?? 0, -1), after];
      },
    };
  },
};
