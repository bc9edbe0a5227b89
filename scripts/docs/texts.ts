/** Every text that is generated, by file. */
import { csvFiles } from '../../src/columns.ts';
import { controls } from '../../src/matrix/fields.ts';
import { optionsWithRole, parts } from '../../src/parts.ts';
import type { Options, Part } from '../../src/types.ts';
import { experimentSchema } from './experiment_schema.ts';

/** @param read a committed file's text, for files of which only a part is generated */
export function generatedTexts(read: (file: string) => string): Record<string, string> {
  return {
    'results/README.md': columnDictionary(),
    'src/matrix/experiment.schema.json': `${JSON.stringify(experimentSchema(), null, 2)}\n`,
    'README.md': withControls(withParts(withTimes(read('README.md'), read('results/peers/peers.md')))),
  };
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
