import { Command, Option } from 'commander';
import { z } from 'zod';

const formats = ['text', 'markdown', 'json'] as const;
const optionsSchema = z.object({ format: z.enum(formats) });

export function benchCompare(): Command {
  return new Command('compare')
    .description('two measurements of one machine: what became slower from the first to the second')
    .argument('<a>', 'folder of a measurement: before, such as results/bench/main')
    .argument('<b>', 'folder of a measurement: after')
    .addOption(new Option('--format <format>', 'how it is written').choices(formats).default('text'))
    .addHelpText(
      'after',
      `
Exit code 1 where something became slower: by a factor of 1.1 or more, and an exact test over the processes, and the whole interval beyond
the noise. Measurements of different machines are refused (2). Where the machine itself changed its speed, or processes are too few, that
is said in place of a verdict.`,
    )
    .action(async (a: string, b: string, written: unknown) => {
      const { format } = optionsSchema.parse(written);
      const { readMeasurement } = await import('../report/bench/read.ts');
      const { gateBetween } = await import('../bench/gate.ts');
      const { gateMarkdown, gateText } = await import('../bench/gate_text.ts');
      const gate = gateBetween(readMeasurement(a), readMeasurement(b));
      const shown = {
        text: gateText,
        markdown: gateMarkdown,
        json: (own: typeof gate) => JSON.stringify(own, plain, 2),
      };
      console.log(shown[format](gate).trimEnd());
      if (gate.judged.some(({ verdict }) => verdict === 'slower')) process.exitCode = 1;
    });
}

/** JSON has no infinities. */
const plain = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
