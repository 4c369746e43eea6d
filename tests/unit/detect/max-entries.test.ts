/** Rules with upper bounds in groups that hold more than `vigie.max_entries`. */

import { describe, expect, test } from 'vitest';
import type { Alert } from '../../../src/alert/alert.ts';
import type { Bound } from '../../../src/sigma/rule.ts';
import { EngineBench, type RuleSketch, rulesOf, type Sent } from './harness.ts';

interface Sketch extends Partial<RuleSketch> {
  readonly bounds: readonly Bound[];
}

interface Found extends Alert {
  /** End of the newest true window, ms since the epoch. */
  readonly lastTrueAt: number;
}

function alertsOf({ bounds, ...sketch }: Sketch, events: Iterable<Sent>, latenessMs = 0): Found[] {
  const set = rulesOf({ type: 'event_count', timespanMs: 86_400_000, gte: 1, ...sketch });
  const ruleSet = { ...set, correlations: [{ ...set.correlations[0]!, bounds }] };
  const bench = new EngineBench(ruleSet, { latenessMs });
  for (const event of events) bench.take(event);
  bench.finish();
  return bench.episodes.map((episode) => ({ ...bench.render(episode), lastTrueAt: episode.lastTrueAt }));
}

/** One event a second; `page` says what each reads. */
function reads(count: number, page = (i: number): string => String(i)): Sent[] {
  return Array.from({ length: count }, (_, i) => ({ time: 1_000 * i, fields: { user: 'a', page: page(i) } }));
}

const between = (least: number, most: number): Bound[] => [
  { op: 'gte', value: least },
  { op: 'lte', value: most },
];

describe.each(['event_count', 'value_count'] as const)('%s', (type) => {
  const measured = type === 'event_count' ? { type } : { type, field: 'page' };

  test('reaches bounds above 10,000', () => {
    const alerts = alertsOf({ ...measured, bounds: between(12_000, 50_000) }, reads(15_000));
    expect(alerts).toMatchObject([{ crossedAt: 11_999_000, value: 15_000, valueEstimated: false }]);
  });

  test.each(['', 'vigie.max_entries: 100\n'])('is not true again once a window holds more (%j)', (root) => {
    const sketch = { ...measured, root, bounds: between(9_000, 9_900), resolveTimeoutMs: 1 };
    const alerts = alertsOf(sketch, reads(30_000));
    expect(alerts.map(({ crossedAt }) => crossedAt)).toEqual(
      Array.from({ length: 901 }, (_, i) => 1_000 * (8_999 + i)),
    );
  });

  test('is not true again while most of a window still waits for the watermark', () => {
    const sketch = { ...measured, bounds: between(9_000, 9_900) };
    const alerts = alertsOf(sketch, reads(40_000), 9_900_000);
    expect(alerts).toMatchObject([{ crossedAt: 8_999_000, lastTrueAt: 9_899_000 }]);
  });
});

test('distinct values are counted exactly however many events hold them', () => {
  // The rare value is seen once in 20,000 events.
  const events = reads(40_000, (i) => (i % 20_000 === 1 ? 'rare' : `p${i % 3}`));
  const alerts = alertsOf({ type: 'value_count', field: 'page', bounds: [{ op: 'eq', value: 4 }] }, events);
  expect(alerts).toMatchObject([{ lastTrueAt: 39_999_000, valueEstimated: false }]);
});

test('the values of a list count as one event holds them, however often', () => {
  const events = reads(25_000).map((event, i) => ({
    ...event,
    fields: { user: 'a', page: i === 1 ? ['rare', 'rare'] : ['p', 'p'] },
  }));
  const alerts = alertsOf({ type: 'value_count', field: 'page', bounds: [{ op: 'eq', value: 2 }] }, events);
  expect(alerts).toMatchObject([{ lastTrueAt: 24_999_000 }]);
});

test('a value is counted for as long as its newest entry is in the window, whatever older ones hold', () => {
  const pages: (string | string[])[] = [['x', 'y'], 'x', ...Array.from({ length: 101 }, () => 'z')];
  const events = pages.map((page, i) => ({ time: 1_000 * i, fields: { user: 'a', page } }));
  const sketch = { type: 'value_count', field: 'page', timespanMs: 100_000, resolveTimeoutMs: 1 } as const;
  const crossings = (root: string) =>
    alertsOf({ ...sketch, root, bounds: [{ op: 'eq', value: 2 }] }, events).map(({ crossedAt }) => crossedAt);
  // Of x at 1 s and z at 100 s; {x, y} at 0 s has left by then.
  expect(crossings('')).toContain(100_000);
  expect(crossings('vigie.max_entries: 1\n')).toEqual(crossings(''));
});

test('what a window lost before a run of ids came makes its value an estimate', () => {
  const plain = Array.from({ length: 100 }, (_, i) => ({
    time: 1_000 * i,
    fields: { user: 'a', page: 'none' },
  }));
  const run = Array.from({ length: 3 }, (_, i) => ({
    time: 200_000 + 1_000 * i,
    fields: { user: 'a', page: `p${i}` },
  }));
  const root = 'vigie.sequence: {field: page, min_run: 3, max_step: 1}\nvigie.max_entries: 20\n';
  const alerts = alertsOf({ root, bounds: [{ op: 'gte', value: 5 }] }, [...plain, ...run]);
  expect(alerts).toMatchObject([{ valueEstimated: true }]);
});

test('a value counted after entries left is an estimate', () => {
  const alerts = alertsOf({ bounds: [{ op: 'neq', value: 3 }] }, reads(12_000));
  expect(alerts.at(-1)).toMatchObject({ valueEstimated: true });
});

test('a sum with an upper bound is not true in a window that has lost entries', () => {
  const events = reads(30_000).map((event) => ({ ...event, fields: { user: 'a', bytes: 1 } }));
  const alerts = alertsOf({ type: 'value_sum', field: 'bytes', bounds: between(9_000, 9_900) }, events);
  expect(alerts).toMatchObject([{ crossedAt: 8_999_000, lastTrueAt: 9_899_000 }]);
});
