/**
 * A text that is there in every installation: what Vega-Lite's schema says of each option of a chart, some 875 different
 * paragraphs of English with a little Markdown.
 */
import { createHash } from 'node:crypto';
import { once } from './once.ts';
import { packagedFile } from './packaged.ts';

export const packagedText = once(() => {
  const schema: unknown = JSON.parse(String(packagedFile('vega-lite/vega-lite-schema.json', 'vega-lite-schema.json')));
  const text = [...new Set(descriptions(schema))].join('\n\n');
  return { text, sha256: createHash('sha256').update(text).digest('hex') };
});

/** In the order of the file. */
function* descriptions(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === 'description' && typeof member === 'string') yield member;
    else yield* descriptions(member);
  }
}
