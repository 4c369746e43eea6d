/** What a late event counts for, and what it costs: windows that an open alert covers are not told of anew. */

import { describe, expect, test, vi } from 'vitest';
import { EpisodeTracker } from '../../../src/alert/episode-tracker.ts';
import { EngineBench, type RuleSketch, rulesOf, type Sent } from './harness.ts';

const read = (time: number): Sent => ({ time, fields: { user: 'a', doc: `d${time}`, size: 1 } });

const measures: Pick<RuleSketch, 'type' | 'field'>[] = [
  { type: 'event_count' },
  { type: 'value_count', field: 'doc' },
  { type: 'value_sum', field: 'size' },
];

describe.each(measures)('in a theft, for $type', (measure) => {
  const sketch = { ...measure, timespanMs: 100_000, gte: 10 };
  const told = (events: readonly Sent[]): number => {
    const bench = new EngineBench(rulesOf(sketch), { latenessMs: 60_000 });
    for (let t = 0; t < 1_000; t += 1) bench.take(read(t));
    const trueWindow = vi.spyOn(EpisodeTracker.prototype, 'trueWindow');
    for (const event of events) bench.take(event);
    const { length } = trueWindow.mock.calls;
    trueWindow.mockRestore();
    return length;
  };
  /** A thousand events, newest first, all within the lateness. */
  const reversed = Array.from({ length: 1_000 }, (_, i) => read(3_000 - i));

  test('a log that arrives newest first tells of a handful of windows an event, not of all that are newer', () => {
    expect(told(reversed)).toBeLessThan(3 * reversed.length);
  });
});

test('an event is late when it is older than the watermark, not when it is of that time', () => {
  const bench = new EngineBench(rulesOf({ type: 'event_count', timespanMs: 1000, gte: 10 }), {
    latenessMs: 10,
  });
  for (const time of [100, 90, 89]) bench.take(read(time));
  expect(bench.engine.counts.late).toBe(1);
});

test('a copy whose id was forgotten counts nothing as long as a window may hold its event', () => {
  const HOUR_MS = 3_600_000;
  const bench = new EngineBench(rulesOf({ type: 'event_count', timespanMs: HOUR_MS, gte: 4 }));
  const send = (time: number, id: string, user = 'a'): void => bench.take({ time, id, fields: { user } });
  send(0, 'copied');
  // Of an instant several are told apart.
  send(0, 'another');
  for (let i = 1; i < 3_000; i += 1) send(i * 1000, `e${i}`, 'b');
  send(3_000_000, 'third');
  send(0, 'copied');
  send(0, 'another');
  expect(bench.engine.counts).toMatchObject({ duplicates: 2, conflicts: 0 });
  expect(bench.episodes.filter(({ group }) => group.fields['user'] === 'a')).toEqual([]);
  send(3_000_001, 'fourth');
  expect(bench.episodes.filter(({ group }) => group.fields['user'] === 'a')).toMatchObject([{ value: 4 }]);
});
