/** Chooses how functions are run. */
import type { Cell, Engine } from '../types.ts';
import type { Backend } from './backend.ts';
import { compiledEngine } from './compiled.ts';
import { eager } from './eager.ts';

/** What is meant where nothing is asked for, and where only one will do. */
export function engineNameFor(backend: Backend['name'], asked: Engine['name'] | undefined): Engine['name'] {
  return backend === 'native' ? (asked ?? 'compiled') : 'eager';
}

/** @param onFallback told why a function runs op by op after all, once for each */
export function engineNamed(
  name: Engine['name'],
  numerics: Cell['numerics'],
  onFallback: (reason: string) => void,
): Engine {
  return name === 'compiled' ? compiledEngine(numerics, onFallback) : eager;
}
