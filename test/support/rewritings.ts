/** Other ways to write the same experiment. `draw` decides which, so that a failure is shrunk and repeated. */
import fc, { type Arbitrary, type GeneratorValue } from 'fast-check';
import YAML from 'yaml';
import { isRecord } from '../../src/matrix/choices.ts';
import type { Matrix, Written } from './matrices.ts';

/** For `draw`: one of a list that is not empty. */
export const oneOf = <T>(list: T[]): Arbitrary<T> => fc.constantFrom(...list);

export function shuffled<T>(list: T[], draw: GeneratorValue): T[] {
  return draw(fc.shuffledSubarray<T>, list, { minLength: list.length, maxLength: list.length });
}

/** The same matrix with the members of every axis in another order. */
export function withOtherOrder(matrix: Matrix, draw: GeneratorValue): Matrix {
  const inner = (member: Written) => (isRecord(member) ? withOtherOrder(member, draw) : member);
  const axis = (value: Written) => (Array.isArray(value) ? shuffled(value.map(inner), draw) : inner(value));
  return Object.fromEntries(
    Object.entries(matrix).map(([key, value]) => [
      key,
      key === 'chain' && Array.isArray(value) ? value.map(inner) : axis(value),
    ]),
  );
}

const quotes: YAML.Scalar.Type[] = ['PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE'];

/** A value as YAML: keys in any order, flow or block style, quoted or not, numbers as 0.5 or 5e-1, comments anywhere. */
export function yamlOf(value: Written, draw: GeneratorValue): string {
  const document = new YAML.Document(value, { aliasDuplicateObjects: false });
  const comment = () => (draw(fc.nat, { max: 5 }) === 0 ? ' steps: 1 # {' : null);
  YAML.visit(document, {
    Map(_, map) {
      map.items = shuffled(map.items, draw);
      map.flow = draw(fc.boolean);
      map.commentBefore = comment();
    },
    Seq(_, seq) {
      seq.flow = draw(fc.boolean);
      seq.comment = comment();
    },
    Scalar(_, scalar) {
      scalar.comment = comment();
      if (typeof scalar.value === 'string') scalar.type = draw(oneOf<YAML.Scalar.Type>, quotes);
      if (typeof scalar.value === 'number' && draw(fc.boolean)) scalar.format = 'EXP';
    },
  });
  return document.toString({
    indent: draw(fc.integer, { min: 1, max: 5 }),
    lineWidth: draw(oneOf<number>, [0, 40]),
  });
}
