import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCondition } from '../../../src/sigma/ast.ts';
import type { Condition } from '../../../src/sigma/ast.ts';
import { parseCondition } from '../../../src/sigma/condition.ts';

const NAMES = ['a', 'b', 'c', '_d', 'not-e'];

const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(...NAMES).map((name): Condition => ({ kind: 'ref', name })),
    tie('tree').map((part): Condition => ({ kind: 'not', part })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
      )
      .map(([kind, parts]): Condition => ({ kind, parts })),
  ),
}));

test('a condition written as text and read again is the same condition', () => {
  fc.assert(
    fc.property(tree, (condition) => {
      expect(parseCondition(formatCondition(condition), NAMES, 'selection')).toEqual(condition);
    }),
  );
});

test('no text makes the parser throw', () => {
  const word = fc.constantFrom(
    'a',
    'b',
    '(',
    ')',
    'and',
    'or',
    'not',
    '1',
    'all',
    'of',
    'them',
    '*',
    '_*',
    '|',
    'zzz',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      expect(() => parseCondition(words.join(' '), NAMES, 'selection')).not.toThrow();
    }),
  );
});
