import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { onCycles } from '../../../src/sigma/cycles.ts';

test('a node is on a cycle exactly when walking from it leads back to it', () => {
  const node = fc.integer({ min: 0, max: 9 });
  const edges = fc.array(fc.tuple(node, node), { maxLength: 25 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const graph = new Map<number, number[]>();
      for (let i = 0; i < 10; i++)
        graph.set(
          i,
          pairs.flatMap(([from, to]) => (from === i ? [to] : [])),
        );
      const returns = (start: number): boolean => {
        const seen = new Set<number>();
        const pending = [...graph.get(start)!];
        for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
          if (!seen.has(next)) pending.push(...graph.get(next)!);
          seen.add(next);
        }
        return seen.has(start);
      };
      expect(onCycles(graph)).toEqual([...graph.keys()].filter(returns));
    }),
    { numRuns: 500 },
  );
});
