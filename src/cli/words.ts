/** What options take, as commander wants it. */
import { InvalidArgumentError } from 'commander';

/** Reads a whole number, as commander wants it. */
export function countFrom(least: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= least && count <= 1024) return count;
    throw new InvalidArgumentError(`give a whole number from ${least} to 1024.`);
  };
}

/** For an option that can be given several times. */
export function repeated(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** What was typed, in a form that a shell takes back. */
export function commandLine(): string {
  const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  return ['clipbench', ...process.argv.slice(2).map(quoted)].join(' ');
}
