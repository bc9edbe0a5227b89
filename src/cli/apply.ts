import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { z } from 'zod';
import { UsageError } from '../types.ts';

export function apply(): Command {
  return new Command('apply')
    .description('apply a strategy or optimizer to gradients given as JSON: an oracle for other implementations')
    .argument(
      '[file]',
      'JSON with strategy and steps (see src/apply/apply.schema.json); - or nothing reads standard input',
      '-',
    )
    .addOption(new Option('--engine <name>', 'as for run').choices(['compiled', 'eager']))
    .addHelpText(
      'after',
      `
Example: echo '{"strategy": {"name": "global_norm", "max_norm": 1}, "steps": [{"grads": [{"s": [2], "d": [3, 4]}]}]}' | clipbench apply

Exit codes: 0 done, 1 what is not finite met non_finite: raise, 2 usage.`,
    )
    .action(async (file: string, { engine: asked }: { engine?: 'compiled' | 'eager' }) => {
      const { loadBackend } = await import('../engine/backend.ts');
      const { applySchema, applySteps } = await import('../apply/steps.ts');
      const { eager } = await import('../engine/eager.ts');
      const where = file === '-' ? 'standard input' : file;
      const input = parsed(textOf(file, where), where);
      const checked = applySchema.safeParse(input);
      if (!checked.success) {
        const { path, message } = deepest(checked.error.issues[0]);
        throw new UsageError(`${where}: ${path.join('.') || 'the whole'}: ${message}; see src/apply/apply.schema.json`);
      }
      const { name } = await loadBackend();
      if (asked === 'compiled' && name !== 'native')
        throw new UsageError(`--engine compiled needs the native backend, not ${name}`);
      const engine =
        asked === 'compiled'
          ? (await import('../engine/compiled.ts')).compiledEngine('repro', (why) => console.error(`eager: ${why}`))
          : eager;
      console.log(JSON.stringify(applySteps(checked.data, engine)));
    });
}

function textOf(file: string, where: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new UsageError(`${where}: can't be read (${code}); give the path of a JSON file, or - for standard input`);
  }
}

/** Of what may be several things, the mistake in that which was meant: it comes latest. */
function deepest(issue: z.core.$ZodIssue | undefined): { path: PropertyKey[]; message: string } {
  const { path = [], message = '' } = issue ?? {};
  if (issue?.code !== 'invalid_union') return { path, message };
  const within = issue.errors
    .flat()
    .map(deepest)
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  return within === undefined || within.path.length === 0
    ? { path, message }
    : { path: [...path, ...within.path], message: within.message };
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${where}: ${error instanceof Error ? error.message : error}; give JSON`);
  }
}
