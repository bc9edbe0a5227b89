/** What tests of loaders have in common. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { UsageError } from '../../src/types.ts';
import { temporaryFolder } from './clipbench.ts';

export const splits = ['train', 'val', 'test'] as const;
export const sha = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What is said, in one line; `FILE` stands for the path of the file. */
export function refusal(act: () => unknown, path = 'FILE'): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.equal(error.message.includes('\n'), false, 'one line');
    return error.message.replaceAll(path, 'FILE');
  }
  return 'nothing was refused';
}

export function written(context: TestContext, name: string, content: string | Buffer): string {
  const path = join(temporaryFolder(context), name);
  writeFileSync(path, content);
  return path;
}

/** Mean and standard deviation of the population. */
export const momentsOf = (values: number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
};

/** For splits that need no stream. */
export const never = { uniform: () => 0, normal: () => 0, permutation: () => new Uint32Array() };
