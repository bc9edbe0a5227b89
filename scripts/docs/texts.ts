/** Every text that is generated, by file. */
import { z } from 'zod';
import { applySchema } from '../../src/apply/steps.ts';
import { catalogue, entriesOf, namesInCatalogue } from '../../src/catalogue.ts';
import { csvFiles } from '../../src/columns.ts';
import { controls } from '../../src/matrix/fields.ts';
import { optionsWithRole, parts } from '../../src/parts.ts';
import type { Options, Part } from '../../src/types.ts';
import { experimentSchema } from './experiment_schema.ts';

/** @param read a committed file's text, for files of which only a part is generated */
export function generatedTexts(read: (file: string) => string): Record<string, string> {
  return {
    'results/README.md': columnDictionary(),
    'src/apply/apply.schema.json': `${JSON.stringify(z.toJSONSchema(applySchema, { io: 'input', target: 'draft-7' }), null, 2)}\n`,
    'src/strategies/README.md': strategyNames(),
    'src/matrix/experiment.schema.json': `${JSON.stringify(experimentSchema(), null, 2)}\n`,
    'README.md': withControls(withParts(withTimes(read('README.md'), read('results/peers/peers.md')))),
  };
}

/** What the literature and other systems call strategies and their parameters, and what they are called here. */
function strategyNames(): string {
  const words = (names: Record<string, string> = {}) =>
    Object.entries(names)
      .map(([theirs, ours]) =>
        theirs === ours ? `\`${theirs}\`` : `\`${theirs}\`: ${ours === '' ? 'the default' : `\`${ours}\``}`,
      )
      .join(', ');
  const rows = Object.keys(catalogue)
    .sort()
    .flatMap((id) =>
      entriesOf(id).map((entry) => [
        id,
        `\`${entry.name}\`${entry.kind === 'optimizer' ? ' (optimizer)' : ''}`,
        words(entry.options),
        [...(entry.reads ?? [])].map((name) => `\`${name}\``).join(', '),
        Object.entries(entry.implied ?? {})
          .map(([name, values]) => `\`${name}\`: ${values.map((value) => JSON.stringify(value)).join(' or ')}`)
          .join(', '),
        words(entry.semantics),
      ]),
    );
  const about = parts.strategies.map(({ name, scope = '', needs = 'batch', equation }) => [
    `\`${name}\``,
    scope,
    needs,
    `\`${equation}\``,
    namesInCatalogue(name).join(', '),
  ]);
  return `# strategies

One file, one strategy: what it is, its options, and its rule as a pure function. \`npx clipbench explain NAME\` prints all of one. This
page is generated (\`npm run docs\`).

${markdownTable(['name', 'looks at', 'gradients of', 'equation', 'catalogue'], about)}

## Names of the catalogue

Numbers and parameters as in [test/golden/clip.json](../../test/golden/clip.json), which holds what PyTorch, TensorFlow, Keras, optax and
transcriptions of the papers compute. \`clipbench apply\` takes them as well as ours:
\`{"strategy": {"name": "S03", "maxNorm": 1, "semantics": "torch"}, ...}\`.

${markdownTable(['number', 'here', 'their parameters: our options', 'also understood', 'always so', 'their semantics: ours'], rows)}
`;
}

/** The README with what `npm run bench:peers` measured last. */
function withTimes(readme: string, times: string): string {
  return readme.replace(
    /(<!-- generated: peers -->\n)[\s\S]*?(<!-- end -->)/,
    (_, start: string, end: string) => `${start}${times}${end}`,
  );
}

function columnDictionary(): string {
  const sections = csvFiles.map(({ file, rows, deterministic, columns }) =>
    [
      `## ${file}`,
      '',
      `Rows: ${rows}. ${deterministic ? 'The same bytes on every repetition.' : 'Differs between repetitions.'}`,
      '',
      markdownTable(
        ['column', 'kind', 'meaning'],
        columns.map(({ name, kind, meaning }) => [`\`${name}\``, kind, meaning]),
      ),
    ].join('\n'),
  );
  return `# results

Each experiment has a folder here, named after its file. Everything but \`reference/\`, \`peers/\` (times of
training steps in other systems, \`npm run bench:peers\`) and this page is ignored by git. This page is generated (\`npm run
docs\`).

Text is UTF-8 with LF, fields are quoted as in RFC 4180. Numbers of kind \`float\` are float32 as the shortest text that
reads back as the same float32, those of kind \`double\` JavaScript's shortest text. \`NaN\`, \`Infinity\`, \`-Infinity\` and
\`-0\` are spelled so. An empty field means: not applicable. \`cells/\` holds the finished runs (records with checksums, and
their rows): a run goes on from there. \`manifest.json\` says what was asked, with what, on what.

\`reference/\` was computed by \`experiments/reference.yaml\` on the cpu backend; \`npx clipbench verify results/reference\`
does it again and compares bit for bit.

${sections.join('\n\n')}
`;
}

/** The README with the tables of parts between its markers replaced. */
function withParts(readme: string): string {
  return Object.entries(parts).reduce(
    (text, [kind, list]) =>
      text.replace(
        new RegExp(`(<!-- generated: ${kind} -->\n)[\\s\\S]*?(<!-- end -->)`),
        (_, start: string, end: string) => `${start}${partsTable(list)}\n${end}`,
      ),
    readme,
  );
}

function withControls(readme: string): string {
  const rows = Object.entries(controls).map(([name, schema]) => [
    `\`${name}\``,
    schema.meta()?.description ?? '',
    String(schema.parse(undefined)),
  ]);
  return readme.replace(
    /(<!-- generated: controls -->\n)[\s\S]*?(<!-- end -->)/,
    (_, start: string, end: string) => `${start}${markdownTable(['key', 'what it is', 'unless said'], rows)}\n${end}`,
  );
}

function partsTable(list: Part<Options, unknown>[]): string {
  const options = (part: Part<Options, unknown>) =>
    [...optionsWithRole(part, 'numeric'), ...optionsWithRole(part, 'structural')]
      .map((name) => `\`${name}\``)
      .join(', ');
  return markdownTable(
    ['name', 'what it does', 'options', 'after'],
    list.map((part) => [`\`${part.name}\``, part.summary, options(part), part.reference]),
  );
}

function markdownTable(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
