/** From where a consumer reads again so that windows and open alerts are whole where it resumes. */

import { describe, expect, test } from 'vitest';
import { RestorePlan } from '../../../src/pipeline/restore-plan.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { AssignedPartition } from '../../../src/source/source.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOON = Date.UTC(2025, 6, 12, 12);

/** A window of one hour, of which the default of the resolve timeout makes two that are read again. */
const { ruleSet } = {
  ruleSet: parseRules([
    {
      file: 'rules.yml',
      text: `
title: Read
id: 00000000-0000-4000-8000-000000000001
name: read
logsource: { category: application }
detection: { read: { event.action: record-view }, condition: read }
---
title: Many reads
id: 00000000-0000-4000-8000-000000000002
name: many_reads
correlation: { type: event_count, rules: [read], group-by: [user.id], timespan: 1h, condition: { gte: 5 } }
level: high
`,
    },
  ]),
};
const [rule] = ruleSet.correlations;

function committed(
  partition: number,
  offset: number,
  newestEventTime: number,
  open: { readonly oldestOpen?: number } = {},
): AssignedPartition {
  return { partition, committedOffset: offset, metadata: { newestEventTime, ...open }, endOffset: 1000 };
}

function untouched(partition: number, endOffset: number): AssignedPartition {
  return { partition, committedOffset: undefined, metadata: undefined, endOffset };
}

const plan = (partitions: readonly AssignedPartition[]) => RestorePlan.of(partitions, ruleSet, MINUTE_MS);

describe('reading again', () => {
  test('has no rule with a fault', () => {
    expect(ruleSet.faults).toEqual([]);
    expect(rule).toMatchObject({ timespanMs: HOUR_MS, resolveTimeoutMs: HOUR_MS });
  });

  test('starts two windows and the lateness before the committed partition that is furthest behind', () => {
    expect(plan([committed(0, 10, NOON), committed(1, 20, NOON + HOUR_MS)]).fromTimeMs).toBe(
      NOON - 2 * HOUR_MS - MINUTE_MS - 1,
    );
  });

  test('starts that long before the crossing of an alert that is still open', () => {
    expect(plan([committed(0, 10, NOON, { oldestOpen: NOON - 5 * HOUR_MS })]).fromTimeMs).toBe(
      NOON - 7 * HOUR_MS - MINUTE_MS - 1,
    );
  });

  test.each([
    ['vigie.baseline: { history: 7d, bucket: 1d, factor: 3, min_samples: 3 }', 8 * 24],
    ['vigie.new_terms: { fields: [source.as.number], history: 7d }', 2 * 7 * 24],
  ])(
    'starts earlier by all that %s looks back on, and leaves alone what is judged by a part of it',
    (key, hours) => {
      const text = `title: Read
name: read
logsource: { category: application }
detection: { read: { event.action: record-view }, condition: read }
---
title: Many reads
name: many_reads
correlation: { type: event_count, rules: [read], group-by: [user.id], timespan: 1h, condition: { gte: 5 } }
${key}`;
      const set = parseRules([{ file: 'rules.yml', text }]);
      expect(set.faults).toEqual([]);
      const [narrowed] = set.correlations;
      const restored = RestorePlan.of([committed(0, 10, NOON)], set, MINUTE_MS);
      expect(restored.fromTimeMs).toBe(NOON - (2 + hours) * HOUR_MS - MINUTE_MS - 1);
      const reliable = (crossedAt: number) =>
        restored.reliable({ crossedAt, of: { rule: narrowed! } } as never);
      expect([reliable(NOON - MINUTE_MS - 1), reliable(NOON - MINUTE_MS)]).toEqual([false, true]);
    },
  );

  test('is not needed before anything was committed', () => {
    expect(plan([untouched(0, 1000), untouched(1, 1000)]).fromTimeMs).toBeUndefined();
  });

  test('takes the whole log when a partition with events was never committed: its oldest may be from any time', () => {
    const half = plan([committed(0, 10, NOON), untouched(1, 1000)]);
    expect(half.fromTimeMs).toBeLessThanOrEqual(0);
    // An alert on what is read for the first time is written, however old it is.
    expect(half.reliable({ crossedAt: NOON - 1000 * HOUR_MS, of: { rule: rule! } } as never)).toBe(true);
  });

  test('is not prolonged by a partition that is empty', () => {
    expect(plan([committed(0, 10, NOON), untouched(1, 0)]).fromTimeMs).toBe(
      NOON - 2 * HOUR_MS - MINUTE_MS - 1,
    );
    // Nor has one whose messages are all deleted.
    const emptied = { ...untouched(1, 1000), position: 1000 };
    expect(plan([committed(0, 10, NOON), emptied]).fromTimeMs).toBe(NOON - 2 * HOUR_MS - MINUTE_MS - 1);
  });

  test('takes the whole log when the end of a partition that was never committed is unknown', () => {
    const unknown = { partition: 1, committedOffset: undefined, metadata: undefined };
    expect(plan([committed(0, 10, NOON), unknown]).fromTimeMs).toBe(-Infinity);
  });

  test('is not needed where only the beginning was committed, nor for rules without windows', () => {
    expect(plan([committed(0, 0, NOON)]).unfinished).toBe(false);
    const withoutWindows = { ...ruleSet, correlations: [] };
    expect(RestorePlan.of([committed(0, 10, NOON)], withoutWindows, MINUTE_MS).unfinished).toBe(false);
  });

  test('takes the whole log when the event time of a commit is unknown', () => {
    const partitions = [{ ...committed(0, 10, NOON), metadata: undefined }];
    expect(plan(partitions).fromTimeMs).toBeLessThanOrEqual(0);
  });

  test('leaves alone what may be the rest of an older episode', () => {
    const { reliable } = {
      reliable: (crossedAt: number) =>
        plan([committed(0, 10, NOON)]).reliable({ crossedAt, of: { rule: rule! } } as never),
    };
    expect(reliable(NOON - MINUTE_MS - 1)).toBe(false);
    // Its window ends at the watermark, which was not past it.
    expect(reliable(NOON - MINUTE_MS)).toBe(true);
  });

  test('writes an older alert that goes on later than all that was committed', () => {
    const both = plan([committed(0, 10, NOON), committed(1, 10, NOON - HOUR_MS)]);
    const reliable = (lastTrueAt: number) =>
      both.reliable({ crossedAt: NOON - 9 * HOUR_MS, lastTrueAt, of: { rule: rule! } } as never);
    expect([reliable(NOON), reliable(NOON + 1)]).toEqual([false, true]);
  });

  test('with saved state, takes what came after it, and judges alerts like the plan it was saved under', () => {
    const partitions = [committed(0, 10, NOON), committed(1, 20, NOON), untouched(2, 5)];
    const positions = [
      { partition: 0, nextOffset: 10 },
      { partition: 1, nextOffset: 15 },
      { partition: 2, nextOffset: undefined },
    ];
    const before = plan([committed(0, 5, NOON - HOUR_MS)]);
    const after = RestorePlan.after(partitions, positions, before);
    expect(after.waiting).toEqual([1]);
    expect([after.covers(0, 9), after.covers(1, 19), after.covers(1, 20)]).toEqual([false, true, false]);
    expect([after.fromTimeMs, after.toTimeMs]).toEqual([before.fromTimeMs, NOON - HOUR_MS]);
  });

  test('covers what was committed, and ends with the last partition that is back there', () => {
    const both = plan([committed(0, 10, NOON), committed(1, 20, NOON)]);
    expect([both.covers(0, 9), both.covers(0, 10), both.covers(2, 0)]).toEqual([true, false, false]);
    expect(both.unfinished).toBe(true);
    expect([both.finishes(0, 9), both.finishes(0, 10), both.finishes(1, 20), both.finishes(1, 21)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(both.unfinished).toBe(false);
  });
});
