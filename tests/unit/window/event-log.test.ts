/** What a row of the event log gives back of an event. */

import { expect, test } from 'vitest';
import { Run } from '../../../src/window/run-store.ts';
import { EventLog, LIMITS } from '../../../src/window/event-log.ts';

const MOST = 0xffff_ffff;
const largest = {
  time: 8.64e15,
  id: MOST,
  held: 2 ** 31 - 1,
  records: MOST,
  bytes: MOST,
  ...LIMITS,
};

test('the largest numbers of every kind are given back, and none runs into another', () => {
  const zero = Object.fromEntries(Object.keys(largest).map((key) => [key, 0])) as typeof largest;
  const entries = [
    largest,
    zero,
    ...Object.entries(largest).map(([key, most]) => ({ ...zero, [key]: most })),
  ];
  for (const entry of entries) {
    const log = new EventLog();
    const run = new Run();
    const row = run.offset + log.add(run, entry);
    const told: number[][] = [];
    log.addTo(
      { addEvents: (...numbers) => told.push(numbers), addDimensions: (...numbers) => told.push(numbers) },
      row,
      1,
    );
    const { records, bytes, application, organisation, network, category, account } = entry;
    expect(told).toEqual([
      [1, 1, records, bytes],
      [application, organisation, network, category, account],
    ]);
    expect(log.timeAt(row)).toBe(entry.time);
    expect(log.holds(row, entry.held)).toBe(entry.held !== 0);
    expect(log.has(run, entry)).toBe(true);
    expect(log.has(run, { ...entry, id: entry.id ^ 1 })).toBe(false);
  }
});
