import { z } from 'zod';
import { fixed } from '../data/fixed.ts';
import { onceByKey } from '../data/once.ts';
import { packagedText } from '../data/packaged_text.ts';
import { crossEntropyOverTimes } from '../data/sequence.ts';
import { type Characters, charactersOf, textWindows } from '../data/text.ts';
import { optionalPathOption, readUtf8, sha256Of, sha256Option } from '../data/user_file.ts';
import type { Metric, Task, TaskPart } from '../types.ts';

type CharLm = { length: number; path?: string; path_sha256?: string; metric: 'bits_per_character' | 'perplexity' };

export const char_lm: TaskPart<CharLm> = {
  name: 'char_lm',
  summary:
    "Say which character comes next, at each place of a window of text: your own, or the 157,000 characters of English that npm `vega-lite` ships as its options' descriptions.",
  equation:
    'characters [length] -> at each place the next one; bits_per_character = cross-entropy / log 2, perplexity = exp(cross-entropy)',
  reference:
    'Karpathy 2015, char-rnn; the first 80 % of the text to train, the next 10 % to validate, the last 10 % to test, in windows that do not overlap; characters that the training text lacks are one class of their own',
  options: z.strictObject({
    length: z.int().min(1).max(10_000).default(50).meta({ description: 'characters in a window', role: 'structural' }),
    path: optionalPathOption('a file of UTF-8 text; left out, the text that comes with clipbench'),
    path_sha256: sha256Option('path'),
    metric: z.enum(['bits_per_character', 'perplexity']).default('bits_per_character').meta({
      description: 'how the mean cross-entropy of the characters is told',
      role: 'structural',
      measure: true,
    }),
  }),
  make({ length, path, path_sha256, metric }) {
    const { name, sha256, text } = sourceOf(path, path_sha256);
    const characters = loaded(sha256, () => charactersOf(text()));
    const splits = textWindows(name, characters, length);
    // One more than there are characters: for those that training doesn't meet.
    const classes = characters.vocabulary.length + 1;
    const shape = { input: [length], vocabulary: classes, output: classes, times: length, target: length };
    const loss = crossEntropyOverTimes(classes);
    return {
      ...fixed(shape, () => splits),
      kind: 'classification',
      loss,
      metric: { name: metric, better: 'lower', ...metrics[metric](loss) },
      data: () => ({ [name]: sha256 }),
    };
  },
};

/** All windows are of one length, so that the mean over them is that over characters. */
const metrics: Record<CharLm['metric'], (loss: Task['loss']) => Pick<Metric, 'perExample' | 'of'>> = {
  bits_per_character: (loss) => ({ perExample: (y, target) => loss(y, target).div(Math.LN2) }),
  perplexity: (loss) => ({ perExample: (y, target) => loss(y, target), of: Math.exp }),
};

const loaded = onceByKey<Characters>();

function sourceOf(path: string | undefined, path_sha256?: string) {
  if (path === undefined) {
    const { text, sha256 } = packagedText();
    return { name: 'npm vega-lite 6.4.3, descriptions', sha256, text: () => text };
  }
  const sha256 = path_sha256 ?? sha256Of(path);
  return { name: path, sha256, text: () => readUtf8(path, sha256) };
}
