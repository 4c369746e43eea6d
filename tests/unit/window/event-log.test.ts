/** What a row of the event log gives back of an event. */

import { expect, test } from 'vitest';
import { DimensionTable } from '../../../src/window/dimension-table.ts';
import { Run } from '../../../src/window/run-store.ts';
import { EventLog, MEASURES, MOST_DIMENSIONS } from '../../../src/window/event-log.ts';

const MOST = 0xffff_ffff;
const largest = {
  time: 8.64e15,
  id: MOST,
  held: 2 ** (MEASURES + 1) - 1,
  records: MOST,
  bytes: MOST,
  dimensions: MOST_DIMENSIONS,
};
const zero = { time: 0, id: 0, held: 1, records: 0, bytes: 0, dimensions: 0 };

test('the largest numbers of every kind are given back, and none runs into another', () => {
  const entries = [
    largest,
    zero,
    ...Object.entries(largest).map(([key, most]) => ({ ...zero, [key]: most })),
    ...Array.from({ length: MEASURES }, (_, k) => ({ ...zero, held: 1 + 2 ** (k + 1) })),
  ];
  for (const entry of entries) {
    const log = new EventLog(new DimensionTable(MOST_DIMENSIONS));
    const run = new Run();
    const row = run.offset + log.add(run, entry);
    const told: number[][] = [];
    log.addTo({ addEvents: (...numbers) => told.push(numbers), addDimensions: () => {} }, row, 1);
    expect(told).toEqual([[1, 1, entry.records, entry.bytes]]);
    expect(log.dimensionsAt(row)).toBe(entry.dimensions);
    expect(log.timeAt(row)).toBe(entry.time);
    for (let k = 0; k <= MEASURES; k += 1)
      expect(log.holds(row, 2 ** k)).toBe(((entry.held >>> k) & 1) === 1);
    expect(log.has(run, entry)).toBe(true);
    expect(log.has(run, { ...entry, id: entry.id ^ 1 })).toBe(false);
  }
});

test('entries that were joined say how many events they were, and are none of their copies', () => {
  const log = new EventLog(new DimensionTable(MOST_DIMENSIONS));
  const run = new Run();
  for (const entry of [{ id: 7 }, { id: 8 }, { id: 9, held: 3 }, { id: 2, time: 5 }]) {
    log.add(run, { ...zero, records: 2, bytes: 10, dimensions: entry.id, ...entry });
  }
  // As ids these would be found.
  expect(log.coalesce(run, (i) => (i < 3 ? 0 : NaN))).toBe(1);
  const rows = Array.from({ length: run.length }, (_, i) => run.first + i);
  expect(
    rows.map((row) => [log.amountAt(row), log.recordsAt(row), log.dimensionsAt(row), log.holds(row, 2)]),
  ).toEqual([
    [2, 4, 8, false],
    [1, 2, 9, true],
    [1, 2, 2, false],
  ]);
  expect(log.has(run, { ...zero, id: 2 })).toBe(false);
  expect(log.has(run, { ...zero, id: 9 })).toBe(true);
});
