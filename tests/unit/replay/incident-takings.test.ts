/** What is told of an incident without generating it is what its events show. */

import { expect, test } from 'vitest';
import { SCENARIOS, takingsOf } from '../../../replay/index.ts';
import { takingsOf as takenBy } from './support.ts';

const HOUR = 3_600_000;

test.each(['kairos-2025', 'dgfip-2026'])(
  '%s: the most of any hour, of any day and in all, and by how many accounts',
  (name) => {
    const told = takingsOf(name)!;
    const { times, readers, persons } = takenBy(name, { accounts: 0 });
    expect(told.takers.accounts).toBe(readers.size);
    for (const durationMs of [HOUR, 24 * HOUR]) {
      // A request comes anywhere in its slice.
      const most = mostIn(times, durationMs);
      expect(Math.abs(most / told.within(durationMs) - 1)).toBeLessThan(0.001);
    }
    expect(told.within(365 * 24 * HOUR)).toBeCloseTo(persons, 3);
  },
  60_000,
);

test('of a flood that reads nobody nothing is told, and of each theft something', () => {
  const without = Object.keys(SCENARIOS).filter((name) => takingsOf(name) === undefined);
  expect(without).toEqual(['ddos-rie-2024', 'benign']);
});

/** Of times in order: the most within any span. */
function mostIn(times: readonly number[], durationMs: number): number {
  let [most, from] = [0, 0];
  for (const [i, time] of times.entries()) {
    while (times[from]! <= time - durationMs) from += 1;
    most = Math.max(most, i - from + 1);
  }
  return most;
}
