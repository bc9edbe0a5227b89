/** `npm run docs`: writes every generated text. A test fails when one of them is not what this would write. */
import { readFileSync, writeFileSync } from 'node:fs';
import { generatedTexts } from './docs/texts.ts';

const root = new URL('..', import.meta.url);
for (const [file, text] of Object.entries(generatedTexts((name) => readFileSync(new URL(name, root), 'utf8')))) {
  writeFileSync(new URL(file, root), text);
  console.log(`wrote ${file}`);
}
