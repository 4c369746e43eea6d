/** What the engine holds does not grow with what it saw. */

import { describe, expect, test, vi } from 'vitest';
import { Group } from '../../../src/detect/group.ts';
import { EngineBench, type RuleSketch, rulesOf, type Sent } from './harness.ts';

const EVENTS = Number(process.env['MEMORY_EVENTS'] ?? 100_000);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LATENESS_MS = 1000;

const count = (gte: number, timespanMs = HOUR_MS): RuleSketch => ({ type: 'event_count', timespanMs, gte });
const persons = (gte: number): RuleSketch => ({
  type: 'value_count',
  field: 'portal.records.ids',
  timespanMs: HOUR_MS,
  gte,
});
const sum = (gte: number): RuleSketch => ({ type: 'value_sum', field: 'size', timespanMs: HOUR_MS, gte });

/** The streams of one key that are to be held in bounded memory. */
const streams: Record<string, (i: number) => Sent> = {
  'the same person again and again': (i) => event(i, 'p'),
  'another person every time': (i) => event(i, `p${i}`),
  'many persons again and again': (i) => event(i, `p${i % 50_000}`),
  'many ties': (i) => event(i - (i % 1000), `p${i}`),
  'a pause after every burst': (i) => event(i + Math.floor(i / 5000) * 60_000, `p${i}`),
  'now with a person, now without': (i) => event(i, i % 2 === 0 ? `p${i}` : undefined),
  'every other event as late as allowed': (i) => event(i % 2 === 0 ? i : i - LATENESS_MS, `p${i}`),
};

function event(time: number, person: string | undefined): Sent {
  const fields = { user: 'a', size: time % 3 };
  return { time, fields: person === undefined ? fields : { ...fields, 'portal.records.ids': person } };
}

describe('one key', { timeout: 30_000 + EVENTS }, () => {
  test.each(Object.entries(streams))('stays within 16 MiB: %s', (_, stream) => {
    const bench = new EngineBench(rulesOf(count(100), persons(150), sum(1000)), { latenessMs: LATENESS_MS });
    for (let i = 0; i < EVENTS; i += 1) bench.take(stream(i));
    expect(bench.engine.size().bytes).toBeLessThan(16 * 2 ** 20);
    expect(bench.episodes.length).toBeGreaterThan(0);
  });

  test('is folded inside its open alerts although all of it may still get late events', () => {
    const bench = new EngineBench(rulesOf(count(100), persons(150), sum(1000)), { latenessMs: DAY_MS });
    for (let i = 0; i < EVENTS; i += 1) bench.take(event(i, `p${i}`));
    expect(bench.engine.counts.coalesced).toBeGreaterThan(EVENTS);
  });

  test('below its threshold holds at most one timespan and the lateness', () => {
    // 999 events per timespan, where 1000 fire; the lateness is two timespans.
    const bench = new EngineBench(rulesOf(count(1000, 999)), { latenessMs: 2 * 999 });
    for (let i = 0; i < EVENTS; i += 1) bench.take(event(i, undefined));
    expect(bench.episodes).toEqual([]);
    const entries = 999 * (1 + 2);
    // A block is at most twice its entries, and its smaller predecessors are as large together.
    expect(bench.engine.size().bytes).toBeLessThan(2 * 2 * 2 * entries * 48 + 64 * 1024);
  });
});

const of = (user: string, time: number): Sent => ({ time, fields: { user } });

describe('groups', () => {
  test('that hold nothing any more are forgotten while others are busy', () => {
    const bench = new EngineBench(rulesOf(count(3, 1000)));
    for (let i = 0; i < 500; i += 1) for (let k = 0; k < 1 + (i % 4); k += 1) bench.take(of(`u${i}`, i));
    expect(bench.engine.size().groups).toBe(500);
    for (let i = 0; i < 20_000; i += 1) bench.take(of('busy', 10_000 + i));
    expect(bench.engine.size().groups).toBe(1);
    expect(bench.engine.tracker.open.size).toBe(1);
  });

  test('of long texts, however alike, are apart, and hold little of them', () => {
    const bench = new EngineBench(rulesOf(count(2)));
    const long = 'x'.repeat(10_000);
    for (const end of ['a', 'b', 'a']) bench.take(of(`${long}${end}`, 0));
    expect(bench.engine.size().groups).toBe(2);
    expect(bench.episodes.map(({ group }) => group.fields['user']!.length)).toEqual([234]);
  });

  test('that come and go are fewer than those of two timespans', () => {
    const timespanMs = 1000;
    const bench = new EngineBench(rulesOf(count(3, timespanMs)), { latenessMs: 0 });
    let most = 0;
    for (let i = 0; i < 20 * timespanMs; i += 1) {
      bench.take(of(`u${i}`, i));
      most = Math.max(most, bench.engine.size().groups);
    }
    expect(most).toBeGreaterThanOrEqual(timespanMs);
    expect(most).toBeLessThan(2 * timespanMs);
  });

  test.each<[string, RuleSketch]>([
    ['a count', count(100)],
    ['persons', persons(100)],
    ['a sum', sum(100)],
    ['a run of ids', { ...count(1), root: 'vigie.sequence: {field: portal.records.ids, min_run: 99}' }],
    [
      'what was usual',
      {
        ...count(100),
        root: `vigie.baseline: {history: ${28 * DAY_MS}s, bucket: ${DAY_MS}s, factor: 4, min_samples: 10}`,
      },
    ],
  ])('that are evicted give back all that they held, with rules on %s', (_, rule) => {
    const root = `${rule.root ?? ''}\nvigie.max_groups: 20`;
    const bench = new EngineBench(rulesOf({ ...rule, root }));
    let most = 0;
    for (let i = 0; i < 8_000; i += 1) {
      bench.take({
        time: i,
        fields: { user: `u${i >>> 1}`, size: 1, 'portal.records.ids': `p${i}` },
      });
      if (i === 1_000) most = bench.engine.size().bytes;
    }
    expect(bench.engine.size().bytes).toBeLessThan(most + 64 * 1024);
  });

  test('that were many are forgotten by what few events come after a pause', () => {
    const bench = new EngineBench(rulesOf(count(3, 1000)));
    for (let i = 0; i < 10_000; i += 1) bench.take(of(`u${i}`, i / 100));
    expect(bench.engine.size().groups).toBe(10_000);
    for (let i = 0; i < 1500; i += 1) bench.take(of('busy', 1_000_000 + i));
    expect(bench.engine.size().groups).toBe(1);
  });

  test('that fell silent give back what no window holds, though their history is still compared with', () => {
    const rule: RuleSketch = {
      ...persons(100),
      // 28 days in buckets of one, in the unit of sketches.
      root: `vigie.baseline: {history: ${28 * DAY_MS}s, bucket: ${DAY_MS}s, factor: 4, min_samples: 10}`,
    };
    const run: RuleSketch = { ...count(1), root: 'vigie.sequence: {field: portal.records.ids, min_run: 99}' };
    const bench = new EngineBench(rulesOf(rule, run));
    const day = (from: number, prefix: string): void => {
      for (let i = 0; i < 20_000; i += 1) {
        bench.take({
          time: from + i * 60,
          fields: { user: `${prefix}${i % 500}`, 'portal.records.ids': `p${i}` },
        });
      }
    };
    day(0, 'a');
    const { bytes } = bench.engine.size();
    day(6 * HOUR_MS, 'b');
    day(12 * HOUR_MS, 'c');
    expect(bench.engine.size().groups).toBe(1500);
    // Their numbers stay; of what they did nothing does.
    expect(bench.engine.size().bytes).toBeLessThan(1.2 * bytes);
  });

  test('that are gone give their histories back', () => {
    const root = 'vigie.baseline: {history: 2000s, bucket: 1000s, factor: 4, min_samples: 1}';
    const bench = new EngineBench(rulesOf({ ...count(1000, 1000), root }));
    const come = (from: number, to: number): number => {
      for (let i = from; i < to; i += 1) bench.take(of(`u${i}`, i));
      return bench.engine.size().bytes;
    };
    const bytes = come(0, 20_000);
    expect(come(20_000, 100_000)).toBeLessThan(1.2 * bytes);
  });

  test('are forgotten also where a stream takes only every sixteenth event', () => {
    const set = rulesOf(count(3, 1000), { ...count(3, 1000), groupBy: ['other'] });
    const bench = new EngineBench(set);
    for (let i = 0; i < 500; i += 1) bench.take(of(`u${i}`, i));
    for (let i = 0; i < 20_000; i += 1) {
      // One event of a user, then fifteen that only the other rule groups.
      const fields = i % 16 === 0 ? { user: 'busy' } : { other: 'busy' };
      bench.take({ time: 10_000 + i, fields });
    }
    expect(bench.engine.size().groups).toBe(2);
  });

  test('beyond the cap evict the least threatening, never one with an open alert, and are counted', () => {
    const rule = { ...count(4, 1000), root: 'vigie.max_groups: 4\n' };
    const bench = new EngineBench(rulesOf(rule));
    const send = (user: string, times: number) => {
      for (let i = 0; i < times; i += 1) bench.take(of(user, 1000));
    };
    send('alerting', 4);
    send('three', 3);
    send('one', 1);
    send('two', 2);
    send('new', 1);
    expect(bench.engine.counts.evictions.get('c0')).toBe(1);
    expect(bench.engine.size().groups).toBe(4);
    // `one` starts anew; those that were kept still know what they saw.
    send('two', 2);
    send('three', 1);
    const fired = bench.episodes.map(({ group }) => group.fields['user']);
    expect(fired).toEqual(['alerting', 'three', 'two']);
    send('one', 3);
    expect(bench.episodes).toHaveLength(3);
    expect(bench.engine.tracker.open.size).toBe(3);
  });

  test('that are evicted take with them the windows that waited to be closed', () => {
    const set = rulesOf({ ...count(1, 1000), root: 'vigie.max_groups: 1\n' });
    const correlations = set.correlations.map((rule) => ({
      ...rule,
      bounds: [{ op: 'lte' as const, value: 5 }],
    }));
    const bench = new EngineBench({ ...set, correlations }, { latenessMs: 100 });
    bench.take(of('evicted', 1000));
    bench.take(of('kept', 1000));
    bench.finish();
    expect(bench.episodes.map(({ group }) => group.fields['user'])).toEqual(['kept']);
  });

  test('that all have an open alert are kept beyond the cap', () => {
    const bench = new EngineBench(rulesOf({ ...count(1, 1000), root: 'vigie.max_groups: 3\n' }));
    for (let i = 0; i < 10; i += 1) bench.take(of(`u${i}`, 1000));
    expect(bench.engine.tracker.open.size).toBe(10);
    expect(bench.engine.counts.evictions.get('c0')).toBe(0);
  });

  test('that all have an open alert are not all looked at for each new one', () => {
    const bench = new EngineBench(rulesOf({ ...count(1), root: 'vigie.max_groups: 100\n' }));
    const looks = vi.spyOn(Group.prototype, 'episodes', 'get');
    try {
      const made = 3_000;
      for (let i = 0; i < made; i += 1) bench.take(of(`u${i}`, 1000));
      expect(bench.engine.size().groups).toBe(made);
      expect(looks.mock.calls.length).toBeLessThan(100 * made);
    } finally {
      looks.mockRestore();
    }
  });

  test('are soon no more than the cap once the alerts of those beyond it are over', () => {
    const rule = { ...count(2, HOUR_MS), resolveTimeoutMs: 1000, root: '\nvigie.max_groups: 100\n' };
    const bench = new EngineBench(rulesOf(rule));
    for (let i = 0; i < 600; i += 1) bench.take(of(`u${i >> 1}`, 1000));
    expect(bench.engine.size().groups).toBe(300);
    for (let i = 0; i < 250; i += 1) bench.take(of(`v${i}`, 5000));
    expect(bench.engine.tracker.open.size).toBe(0);
    expect(bench.engine.size().groups).toBe(100);
    expect(bench.engine.counts.evictions.get('c0')).toBe(450);
  });
});
