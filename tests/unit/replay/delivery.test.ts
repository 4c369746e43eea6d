import { describe, expect, it } from 'vitest';

import { TimeHeap } from '../../../replay/event-stream.ts';
import { linesOf } from './support.ts';

const SMALL = { accounts: 60, duration: '2d', start: '2025-06-30T00:00:00+02:00' };
const texts = (options: Readonly<Record<string, unknown>>): string[] =>
  [...linesOf('benign', { ...SMALL, ...options })].map((line) => line.text);

describe('disorder', () => {
  const options = { disorder: 0.2, maxDelay: '10m' };

  it('keeps the multiset of events', () => {
    const sorted = texts({});
    const shuffled = texts(options);
    expect(shuffled).not.toEqual(sorted);
    expect([...shuffled].sort()).toEqual([...sorted].sort());
  });

  it('never delays an event by more than its bound', () => {
    let newest = -Infinity;
    let latest = 0;
    for (const { time } of linesOf('benign', { ...SMALL, ...options })) {
      newest = Math.max(newest, time);
      latest = Math.max(latest, newest - time);
    }
    expect(latest).toBeGreaterThan(60_000);
    expect(latest).toBeLessThanOrEqual(600_000);
  });

  it('shows in event.ingested', () => {
    let late = 0;
    for (const { event, time } of linesOf('benign', { ...SMALL, ...options, ingested: true })) {
      const delay = Date.parse(String(event.event!.ingested)) - time;
      if (delay > 0) late++;
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(600_000);
    }
    expect(late).toBeGreaterThan(100);
  });
});

describe('duplicates', () => {
  it('are exact copies of a share of the events, and nothing else', () => {
    const once = texts({});
    const twice = texts({ duplicates: 0.1 });
    const extra = twice.length - once.length;
    expect(extra / once.length).toBeGreaterThan(0.07);
    expect(extra / once.length).toBeLessThan(0.13);
    expect(new Set(twice)).toEqual(new Set(once));
  });
});

describe('TimeHeap', () => {
  it('returns equal times in the order they were added', () => {
    const heap = new TimeHeap<number>();
    const keys = [5, 1, 5, 3, 1, 5, 1, 3];
    keys.forEach((key, i) => heap.push(key, i));
    const out: number[] = [];
    while (heap.size > 0) out.push(heap.pop());
    expect(out).toEqual([1, 4, 6, 3, 7, 0, 2, 5]);
  });
});
