import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiteralIndex } from '../../../src/sigma/literal-index.ts';

test('finds exactly the literals that a text holds', () => {
  const letters = fc.constantFrom('a', 'b', 'c', '.', '\\', 'é', '😀');
  const literal = fc.string({ unit: letters, minLength: 3, maxLength: 8 }).filter((each) => each.length >= 3);
  const literals = fc.uniqueArray(literal, { maxLength: 30 });
  const text = fc.string({ unit: letters, maxLength: 40 });
  fc.assert(
    fc.property(literals, text, literals, (filed, free, inside) => {
      const index = new LiteralIndex(new Map(filed.map((each, i) => [each, [i]])));
      for (const searched of [free, inside.join(''), filed.join('b'), filed.at(-1) ?? '']) {
        const found = new Set<string>();
        index.search(searched, (items) => {
          for (const item of items) found.add(filed[item]!);
        });
        expect([...found].sort()).toEqual(filed.filter((each) => searched.includes(each)).sort());
      }
    }),
    { numRuns: 500 },
  );
});
