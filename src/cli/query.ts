import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { UsageError } from '../types.ts';

const formats = ['markdown', 'csv', 'json', 'parquet'] as const;
const optionsSchema = z.object({ format: z.enum(formats), out: z.string().optional() });

export function query(): Command {
  return new Command('query')
    .description('ask the CSV files of runs a question in SQL (DuckDB)')
    .argument('<sql>', 'such as "select strategy, avg(final_val_metric) from runs group by all order by all"')
    .argument('[folders...]', 'results folders; all in results/ where none is given')
    .addOption(new Option('--format <format>', 'how rows are written').choices([...formats]).default('markdown'))
    .option('--out <file>', 'write into this file; needed for parquet')
    .addHelpText(
      'after',
      `
Tables: runs, steps, evals, signals, timing, failures, with the columns of results/README.md. Every folder is a schema
(quickstart.runs); the first one's tables go without it. Empty fields are NULL. Options are JSON:

  clipbench query "select model_options->>'$.norm' norm, count(*) from runs group by all" results/quickstart`,
    )
    .action(async (sql: string, given: string[], written: unknown) => {
      const { format, out } = optionsSchema.parse(written);
      const folders = given.length > 0 ? given : inResults();
      const { literal, openResults, queryError } = await import('../database/results.ts');
      const database = await openResults(folders);
      try {
        if (format === 'parquet') {
          if (out === undefined) throw new UsageError('--format parquet needs --out FILE, such as --out runs.parquet');
          const text = sql.trim().replace(/;$/, '');
          await database.run(`COPY (${text}) TO ${literal(out)} (FORMAT parquet, COMPRESSION zstd)`);
        } else {
          const { textOf } = await import('../database/formats.ts');
          const text = Readable.from(textOf(await database.stream(sql), format));
          if (out === undefined) for await (const piece of text) process.stdout.write(String(piece));
          else await pipeline(text, createWriteStream(out));
        }
      } catch (error) {
        // A full disk, say: known to whoever called.
        throw error instanceof UsageError || (error instanceof Error && 'syscall' in error) ? error : queryError(error);
      }
      if (out !== undefined) console.log(`wrote ${out}`);
    });
}

/** Those that were run here. @throws UsageError where there are none */
function inResults(): string[] {
  const all = existsSync('results') ? readdirSync('results').sort() : [];
  const folders = all
    .map((folder) => join('results', folder))
    .filter((path) => existsSync(join(path, 'manifest.json')));
  if (folders.length > 0) return folders;
  throw new UsageError('results/ holds no runs; give a results folder, or run an experiment first');
}
