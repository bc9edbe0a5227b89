import { Command } from 'commander';
import { withoutAdvice } from '../engine/backend.ts';
import type { Found } from '../run/explain.ts';
import { explainText, partsNamed } from './part-text.ts';
import { resultsFolders } from './status.ts';
import { table } from './table.ts';

export function explain(): Command {
  const explain = new Command('explain')
    .description('say what a strategy, optimizer, model, task or schedule does, or what a stored run is made of')
    .argument('<name>', 'such as agc, or S06 of the catalogue; clipbench list shows all')
    .action((name: string) => {
      withoutAdvice();
      console.log(
        partsNamed(name)
          .map(({ kind, part }) => explainText(kind, part))
          .join('\n\n'),
      );
    });
  explain
    .command('run')
    .description('a stored run: what its id is the hash of, where it is, what computed it')
    .argument('<id>', 'cell_id, or its first digits (at least 4)')
    .argument('[folders...]', 'results folders to look in (default: all in results/)')
    .option('--json', 'print as JSON, one run per line')
    .action(async (id: string, folders: string[], options: { json?: boolean }) => {
      const { findRuns, placeOf } = await import('../run/explain.ts');
      const found = findRuns(id, folders.length > 0 ? folders : resultsFolders());
      for (const one of found) {
        if (options.json) console.log(JSON.stringify({ ...one, place: placeOf(one) }));
        else print(one, placeOf(one));
      }
    });
  return explain;
}

function print({ cell_id, record, text, ingredients }: Found, place: string): void {
  const facts: [string, string][] = [
    ['cell_id', cell_id],
    ['status', record.status],
    ['stored in', place],
    ['fingerprint', record.fingerprint],
    ...('sha256' in record
      ? ([
          ['code', record.code],
          ['seconds', String(record.seconds)],
          ...Object.entries(record.data).map(([name, sha256]): [string, string] => [`data ${name}`, sha256]),
        ] satisfies [string, string][])
      : ([
          ['attempts', String(record.attempts)],
          ['error', record.error],
        ] satisfies [string, string][])),
  ];
  console.log(table(['run', ''], facts));
  if (text === '') return;
  console.log(`\nThe id is the first 16 hex digits of sha256 of this text, of which every part counts:\n${text}\n`);
  console.log(table(['ingredient', 'value'], Object.entries(ingredients)));
}
