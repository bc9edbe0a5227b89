import { Argument, Command } from 'commander';
import { withoutAdvice } from '../engine/backend.ts';
import { parts } from '../parts.ts';
import { listText, optionFacts, type PartKind, partKinds } from './part-text.ts';

export function list(): Command {
  return new Command('list')
    .description('list what an experiment can be made of; clipbench explain NAME says more of one')
    .addArgument(new Argument('[kind]', 'what to list (default: all)').choices(partKinds))
    .option('--json', 'print as JSON, with every option')
    .action((kind: PartKind | undefined, options: { json?: boolean }) => {
      withoutAdvice();
      const kinds = kind === undefined ? partKinds : [kind];
      if (options.json) {
        const described = kinds.map((one) => [
          one,
          parts[one].map(({ name, summary, equation, reference, scope, cost, needs, options: own }) => ({
            ...{ name, summary, equation, reference, scope, cost, needs },
            options: optionFacts(own.shape),
          })),
        ]);
        console.log(JSON.stringify(Object.fromEntries(described), null, 2));
      } else console.log(kinds.map(listText).join('\n\n'));
    });
}
