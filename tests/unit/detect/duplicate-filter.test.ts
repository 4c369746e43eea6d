/** Copies of events by id. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DuplicateFilter } from '../../../src/detect/duplicate-filter.ts';

describe('the duplicate filter', () => {
  test('tells a first arrival, a copy and the same id at another time', () => {
    const filter = new DuplicateFilter();
    expect(filter.see(1, 2, 100, -Infinity)).toBe('first');
    expect(filter.see(1, 2, 100, -Infinity)).toBe('duplicate');
    expect(filter.see(1, 2, 101, -Infinity)).toBe('conflict');
    expect(filter.see(2, 1, 100, -Infinity)).toBe('first');
  });

  test('remembers what lies after the horizon, like a plain map', () => {
    const arrival = fc.record({ id: fc.nat(4000), advance: fc.nat(2), jitter: fc.nat(400) });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 4000, size: 'max' }), (arrivals) => {
        const filter = new DuplicateFilter();
        const known = new Map<number, number>();
        let clock = 0;
        for (const { id, advance, jitter } of arrivals) {
          clock += advance;
          const forgetUpTo = clock - 500;
          const t = clock - jitter;
          const answer = filter.see(id * 7919, id, t, forgetUpTo);
          const before = known.get(id);
          if (before === undefined) expect(answer).toBe('first');
          else if (before > forgetUpTo) expect(answer).toBe(before === t ? 'duplicate' : 'conflict');
          if (answer === 'first') known.set(id, t);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('keeps its size while ids come and are forgotten', () => {
    const filter = new DuplicateFilter();
    for (let i = 0; i < 1_000_000; i += 1) filter.see(Math.imul(i, 0x9e3779b1) >>> 0, i, i, i - 10_000);
    expect(filter.bytes).toBeLessThan(16 * 10_000 * 8);
  });

  test('holds on to every id while nothing may be forgotten', () => {
    const filter = new DuplicateFilter();
    for (let i = 0; i < 50_000; i += 1) filter.see(Math.imul(i, 0x9e3779b1) >>> 0, i, 0, -Infinity);
    for (let i = 0; i < 50_000; i += 1) {
      expect(filter.see(Math.imul(i, 0x9e3779b1) >>> 0, i, 0, -Infinity)).toBe('duplicate');
    }
  });
});
