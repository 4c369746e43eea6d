/** What a late event costs: windows that an open alert covers are not told of anew. */

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
