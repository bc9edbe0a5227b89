import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
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
      const input = parsed(readFileSync(file === '-' ? 0 : file, 'utf8'), where);
      const checked = applySchema.safeParse(input);
      if (!checked.success) {
        const [issue] = checked.error.issues;
        const path = issue?.path.join('.') || 'the whole';
        throw new UsageError(`${where}: ${path}: ${issue?.message}; see src/apply/apply.schema.json`);
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

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${where}: ${error instanceof Error ? error.message : error}; give JSON`);
  }
}
