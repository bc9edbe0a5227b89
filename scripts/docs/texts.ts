/** Every text that is generated, by file. */
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { applySchema } from '../../src/apply/steps.ts';
import { benchFiles } from '../../src/bench_columns.ts';
import { catalogue, entriesOf, namesInCatalogue } from '../../src/catalogue.ts';
import { csvFiles } from '../../src/columns.ts';
import { controls } from '../../src/matrix/fields.ts';
import { find, optionsWithRole, parts } from '../../src/parts.ts';
import { benchReportSchema } from '../../src/report/bench/summary-schema.ts';
import { reportSchema } from '../../src/report/summary-schema.ts';
import type { Options, Part } from '../../src/types.ts';
import { benchTables } from './bench_table.ts';
import { benchFileSchema, experimentSchema } from './experiment_schema.ts';

/** @param read a committed file's text, for files of which only a part is generated */
export function generatedTexts(read: (file: string) => string): Record<string, string> {
  return {
    'results/README.md': columnDictionary(),
    'src/apply/apply.schema.json': `${JSON.stringify(z.toJSONSchema(applySchema, { io: 'input', target: 'draft-7' }), null, 2)}\n`,
    'src/report/report.schema.json': `${JSON.stringify(z.toJSONSchema(reportSchema, { target: 'draft-7' }), null, 2)}\n`,
    'src/report/bench/report.schema.json': `${JSON.stringify(z.toJSONSchema(benchReportSchema, { target: 'draft-7' }), null, 2)}\n`,
    'src/strategies/README.md': strategyNames(measured(read('results/peers/strategies.csv'))),
    'src/matrix/experiment.schema.json': `${JSON.stringify(experimentSchema(), null, 2)}\n`,
    'src/bench/bench.schema.json': `${JSON.stringify(benchFileSchema(), null, 2)}\n`,
    'README.md': withCosts(
      withControls(withParts(withTimes(read('README.md'), read('results/peers/peers.md')))),
      benchTables(read),
    ),
  };
}

/** What the literature and other systems call strategies and their parameters, and what they are called here. */
function strategyNames(shares: Measured[]): string {
  const words = (names: Record<string, string> = {}) =>
    Object.entries(names)
      .map(([theirs, ours]) =>
        theirs === ours ? `\`${theirs}\`` : `\`${theirs}\`: ${ours === '' ? 'understood' : `\`${ours}\``}`,
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
  const about = parts.strategies.map(({ name, scope = '', cost = '', needs = 'batch', equation }) => [
    `\`${name}\``,
    scope,
    needs,
    cost,
    shareOf(shares, name),
    `\`${equation}\``,
    namesInCatalogue(name).join(', '),
  ]);
  const owners = shares
    .filter(({ name }) => parts.optimizers.some((part) => part.name === name))
    .map(({ name, baseline, text }) => {
      const { cost = '', equation } = find(parts.optimizers, name);
      return [`\`${name}\``, `\`${baseline}\``, cost, text, `\`${equation}\``, namesInCatalogue(name).join(', ')];
    });
  return `# strategies

One file, one strategy: what it is, its options, and its rule as a pure function. \`npx clipbench explain NAME\` prints all of one. This
page is generated (\`npm run docs\`). Cost: R and W are passes that read or write all N entries of the gradient, B is the number of examples.
What each adds to a step is measured (\`npm run bench:strategies\`, 95 % intervals): an MLP with two layers of 256 that learns digits in
batches of 32 with plain SGD, 269,322 parameters, on one core.

${markdownTable(['name', 'looks at', 'gradients of', 'cost', 'adds', 'equation', 'catalogue'], about)}

## Optimizers that clip inside

Measured likewise; Adam's kind against \`adam\`, the others against \`sgd\`.

${markdownTable(['name', 'against', 'cost', 'adds', 'equation', 'catalogue'], owners)}

## Names of the catalogue

Numbers and parameters as in [test/golden/clip.json](../../test/golden/clip.json), which holds what PyTorch, TensorFlow, Keras, optax and
transcriptions of the papers compute. \`clipbench apply\` takes them as well as ours:
\`{"strategy": {"name": "S03", "maxNorm": 1, "semantics": "torch"}, ...}\`.

${markdownTable(['number', 'here', 'their parameters: our options', 'also understood', 'always so', 'their semantics: ours'], rows)}
`;
}

interface Measured {
  name: string;
  baseline: string;
  text: string;
}

/** `+4.7 % (3.2 to 6.5)` for every strategy that `npm run bench:strategies` measured last. */
function measured(csv: string): Measured[] {
  const rows = z.array(z.record(z.string(), z.string())).parse(parse(csv, { columns: true }));
  return rows.map(({ name = '', baseline = '', ...row }) => {
    const [estimate, low, high] = [row.step_ratio, row.low, row.high].map((ratio) => 100 * (Number(ratio) - 1));
    const text = (share = Number.NaN) => share.toFixed(share < 100 ? 1 : 0);
    return { name, baseline, text: `${text(estimate)} % (${text(low)} to ${text(high)})` };
  });
}

const shareOf = (shares: Measured[], name: string): string => shares.find((share) => share.name === name)?.text ?? '';

/** The README with what `npm run bench:peers` measured last. */
function withTimes(readme: string, times: string): string {
  return readme.replace(
    /(<!-- generated: peers -->\n)[\s\S]*?(<!-- end -->)/,
    (_, start: string, end: string) => `${start}${times}${end}`,
  );
}

/** The README with what `clipbench bench` measured last. */
function withCosts(readme: string, tables: string): string {
  return readme.replace(
    /(<!-- generated: bench -->\n)[\s\S]*?(<!-- end -->)/,
    (_, start: string, end: string) => `${start}${tables}${end}`,
  );
}

function columnDictionary(): string {
  const measured = benchFiles.map(({ file, ...of }) => ({ ...of, file: `bench/<name>/${file}` }));
  const sections = [...csvFiles, ...measured].map(({ file, rows, deterministic, columns }) =>
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
training steps in other systems, \`npm run bench:peers\`), the measurements in \`bench/\` that the README shows (\`clipbench bench
experiments/bench/<name>.yaml\`; \`clipbench report\` makes their pages) and this page is ignored by git. This page is generated
(\`npm run docs\`).

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
