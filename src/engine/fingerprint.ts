/** What decides the bits of a result besides the cell: two runs are comparable bit for bit only where this is equal. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { canonical } from '../canonical.ts';
import type { Engine } from '../types.ts';
import type { Backend } from './backend.ts';

export type Fingerprint = Record<string, string | number>;

/** @param engine asked for; that a step fell back to eager doesn't change it */
export function fingerprintOf(backend: Backend, engine: Engine['name']): Fingerprint {
  return {
    backend: backend.name,
    engine,
    tfjs: backend.tfjs,
    ...(backend.name === 'native' && {
      tensorflow: backend.tensorflow,
      intra_op_threads: 1,
      cpu: arch(),
      vector: vectorFlags(),
    }),
    math: mathClass(),
  };
}

/** 12 hex digits that name a fingerprint in folders and records. */
export function fingerprintId(fingerprint: Fingerprint): string {
  return createHash('sha256').update(canonical(fingerprint)).digest('hex').slice(0, 12);
}

/** Vector instructions that Eigen and oneDNN choose kernels by. Linux tells; elsewhere the architecture has to do. */
export function vectorFlags(): string {
  try {
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(/\s+/) ?? [];
    return flags
      .filter((flag) => /^(avx|fma$|sse4|amx|asimd|sve|bf16|i8mm)/.test(flag))
      .sort()
      .join(' ');
  } catch {
    return '';
  }
}

/**
 * The class of JavaScript engines that compute the same: a hash of many values of the functions that results go
 * through. Powers differ between V8 versions and are not used.
 */
function mathClass(): string {
  const hash = createHash('sha256');
  const functions = [Math.exp, Math.log, Math.log1p, Math.sin, Math.cos, Math.tanh, Math.sqrt];
  for (let i = 1; i <= 500; i++) hash.update(Float64Array.from(functions, (f) => f(i / 37)));
  return hash.digest('hex').slice(0, 8);
}
