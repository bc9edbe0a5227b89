import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Rooms from the lowest up. A file imports from its own row (the same room) and rows below, never from above. */
const rows = [
  [
    'types.ts',
    'addresses.ts',
    'canonical.ts',
    'columns.ts',
    'bench_columns.ts',
    'bench_record.ts',
    'manifest.ts',
    'tensors.ts',
    'lazy.ts',
    'noise.ts',
    'philox.ts',
    'norms.ts',
    'outer.ts',
    'permutation.ts',
    'suggestion.ts',
    'units.ts',
    'warm_up.ts',
    'float_text.ts',
  ],
  ['layers', 'data', 'updates', 'clipping', 'engine', 'stats', 'database'],
  ['strategies', 'optimizers', 'models', 'tasks', 'schedules'],
  ['transforms.ts'],
  ['parts.ts'],
  ['size.ts'],
  ['catalogue.ts', 'matrix', 'train', 'report'],
  ['run', 'apply'],
  ['bench'],
  ['cli', 'tfjs', 'index.ts'],
];
const siblingsApart = ['strategies', 'optimizers', 'models', 'tasks', 'schedules'];
const withoutTensorFlow = [
  'report',
  'stats',
  'database',
  'addresses.ts',
  'columns.ts',
  'bench_columns.ts',
  'bench_record.ts',
  'manifest.ts',
  'canonical.ts',
];
const printers = ['cli'];

const src = fileURLToPath(new URL('../src/', import.meta.url));

interface Source {
  file: string;
  room: string;
  text: string;
  imports: string[];
}

const roomOf = (file: string) => file.split(sep)[0] ?? '';
const sources: Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .map((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    const imports = [...text.matchAll(/(?:from|import\(|import)\s*'([^']+)'/g)].map((match) => match[1] ?? '');
    return { file, room: roomOf(file), text, imports };
  });
const local = ({ file, imports }: Source) =>
  imports.filter((path) => path.startsWith('.')).map((path) => normalize(join(dirname(file), path)));
const rowOf = (room: string) => rows.findIndex((row) => row.includes(room));

test('every file is in a known room', () => {
  assert.ok(sources.length > 50);
  assert.deepEqual(
    sources.filter(({ room }) => rowOf(room) < 0).map(({ file }) => file),
    [],
  );
});

test('imports point one way, from cli down to types', () => {
  const against = sources.flatMap((source) =>
    local(source)
      .filter((target) => roomOf(target) !== source.room && rowOf(roomOf(target)) >= rowOf(source.room))
      // Within the lowest row the single files are one room.
      .filter((target) => !(rowOf(source.room) === 0 && rowOf(roomOf(target)) === 0))
      .map((target) => `${source.file} -> ${target}`),
  );
  assert.deepEqual(against, []);
});

test('parts never import their siblings', () => {
  const pairs = sources
    .filter(({ file, room }) => siblingsApart.includes(room) && !file.endsWith(`${sep}index.ts`))
    .flatMap((source) =>
      local(source)
        .filter((target) => siblingsApart.includes(roomOf(target)))
        .map((target) => `${source.file} -> ${target}`),
    );
  assert.deepEqual(pairs, []);
});

test('nothing after the CSV imports TensorFlow, directly or through another file', () => {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const reaches = (file: string, seen: Set<string>): boolean => {
    const source = byFile.get(file);
    if (source === undefined || seen.has(file)) return false;
    seen.add(file);
    if (valueImports(source).some((path) => path.startsWith('@tensorflow/'))) return true;
    return local({ ...source, imports: valueImports(source) }).some((target) => reaches(target, seen));
  };
  const offenders = sources.filter(({ file, room }) => withoutTensorFlow.includes(room) && reaches(file, new Set()));
  assert.deepEqual(
    offenders.map(({ file }) => file),
    [],
  );
});

test('what programs of TensorFlow.js import has nothing of Node in it, not even its types', () => {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const reached = new Set<string>();
  const walk = (file: string): void => {
    const source = byFile.get(file);
    if (source === undefined || reached.has(file)) return;
    reached.add(file);
    local(source).forEach(walk);
  };
  walk(join('tfjs', 'index.ts'));
  const packages = [...reached].flatMap(
    (file) => byFile.get(file)?.imports.filter((path) => /^[@\w][\w@/:.-]*$/.test(path)) ?? [],
  );
  assert.ok(reached.size > 50, `${reached.size} files`);
  assert.deepEqual([...new Set(packages)].sort(), ['@tensorflow/tfjs', 'leven', 'zod']);
});

test('only the backend room imports the native and wasm packages', () => {
  const importers = sources.filter((source) =>
    valueImports(source).some((path) => /tfjs-(node|backend-wasm)/.test(path)),
  );
  assert.deepEqual(
    importers.map(({ file }) => relative('.', file)),
    [join('engine', 'backend.ts')],
  );
});

test('only cli prints, reads arguments or ends the process', () => {
  const offenders = sources
    .filter(({ room, file }) => !printers.includes(room) && file !== join('run', 'worker.ts'))
    .filter(({ text }) => /console\.|process\.(argv|exit|stdout|stderr)/.test(text));
  assert.deepEqual(
    offenders.map(({ file }) => file),
    [],
  );
});

test('no randomness, clock, locale or power outside the rooms that may', () => {
  const forbidden =
    /Math\.random|Math\.pow|tf\.(random|truncated|multinomial|dropout|layers|train)\b|toLocale|localeCompare|Intl\./;
  assert.deepEqual(
    sources.filter(({ text }) => forbidden.test(text)).map(({ file }) => file),
    [],
  );
  const clocks = sources.filter(
    ({ text, room }) => /Date\.now|new Date|performance\.now/.test(text) && !['run', 'bench', 'cli'].includes(room),
  );
  assert.deepEqual(
    clocks.map(({ file }) => file),
    [],
  );
});

/** Imports that are there at run time; `import type` is not. */
function valueImports({ text }: Source): string[] {
  return [...text.matchAll(/import\s+(?!type\b)[^;]*?'([^']+)'|import\('([^']+)'\)/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
}
