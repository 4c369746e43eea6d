/** Thresholds at the edge of a window, to the event and to the millisecond, in order and late. */

import { describe, expect, test } from 'vitest';
import { EngineBench, type RuleSketch, rulesOf, type Sent } from './harness.ts';

const T = 10_000;

const read = (time: number, fields: Sent['fields'] = {}): Sent => ({
  time,
  fields: { user: 'a', ...fields },
});

function crossings(rule: RuleSketch, events: readonly Sent[], latenessMs: number): [number, number][] {
  const bench = new EngineBench(rulesOf(rule), { latenessMs });
  for (const event of events) bench.take(event);
  return bench.episodes.map(({ crossedAt, valueAtCrossing }) => [crossedAt, valueAtCrossing]);
}

/** How much each event adds, told apart by `from`. */
const measures: { rule: Pick<RuleSketch, 'type' | 'field'>; fields: (i: number) => Sent['fields'] }[] = [
  { rule: { type: 'event_count' }, fields: () => ({}) },
  { rule: { type: 'value_count', field: 'doc' }, fields: (i) => ({ doc: `d${i}` }) },
  { rule: { type: 'value_sum', field: 'size' }, fields: () => ({ size: 1 }) },
];

/** A bound need not be a whole number. */
const fromFive = measures.flatMap((measure) => [5, 4.5].map((gte) => ({ ...measure, gte })));

describe.each(fromFive)('$rule.type of at least $gte', ({ rule, fields, gte }) => {
  const offsets = [-T - 1, -T, -T + 1, -1, 0, 1, T - 1, T, T + 1];

  test.each(offsets)('with events %i ms apart counts them together only inside one timespan', (offset) => {
    for (let before = 0; before <= 6; before += 1) {
      for (let after = 0; after <= 6; after += 1) {
        const first = Array.from({ length: before }, (_, i) => read(100_000, fields(i)));
        const second = Array.from({ length: after }, (_, i) => read(100_000 + offset, fields(before + i)));
        const [early, late] = offset < 0 ? [after, before] : [before, after];
        const [from, to] = offset < 0 ? [100_000 + offset, 100_000] : [100_000, 100_000 + offset];
        const together = Math.abs(offset) < T ? early + late : late;
        const expected: [number, number][] = [];
        if (offset === 0) {
          if (early + late >= 5) expected.push([from, early + late]);
        } else {
          if (early >= 5) expected.push([from, early]);
          // Up to a timespan later it is the same episode.
          if (late > 0 && together >= 5 && !(early >= 5 && to - from <= T)) expected.push([to, together]);
        }
        const sketch = { ...rule, timespanMs: T, gte };
        expect(crossings(sketch, [...first, ...second], 2 * T)).toEqual(expected);
        expect(crossings(sketch, [...second, ...first], 2 * T)).toEqual(expected);
      }
    }
  });
});

test.each(fromFive)(
  'a window that ends with the watermark holds all of its timespan when what is older is forgotten: $rule.type of at least $gte',
  ({ rule, fields, gte }) => {
    // The watermark is at 119,000 when the last one comes.
    const times = [98_000, 109_001, 109_001, 109_001, 109_001, 120_000, 119_000];
    const arrivals = times.map((time, i) => read(time, fields(i)));
    expect(crossings({ ...rule, timespanMs: T, gte }, arrivals, 1000)).toEqual([[119_000, 5]]);
  },
);

describe('keeping only as many of the newest entries as the threshold would miss', () => {
  test('three reads of which the last to arrive lies between older and newer ones', () => {
    const arrivals = [5, 10, 112, 140, 100].map((time) => read(time));
    expect(crossings({ type: 'event_count', timespanMs: 100, gte: 3 }, arrivals, 50)).toEqual([[100, 3]]);
  });

  test('three persons of whom one was seen again after the window', () => {
    const seen = { C: 10, A: 15, 'A again': 120, B: 100 };
    const arrivals = Object.entries(seen).map(([person, time]) => read(time, { doc: person[0]! }));
    const rule: RuleSketch = { type: 'value_count', field: 'doc', timespanMs: 100, gte: 3 };
    expect(crossings(rule, arrivals, 50)).toEqual([[100, 3]]);
  });
});

const sum = (gte: number): RuleSketch => ({ type: 'value_sum', field: 'size', timespanMs: T, gte });
const sized = (time: number, size: number | string): Sent => read(time, { size });

describe('sums', () => {
  test('still see small amounts after one too large for a double to add to', () => {
    const events = [
      sized(0, 1e300),
      ...Array.from({ length: 5 }, (_, i) => sized(1 + i, 1)),
      sized(T + 1, 1),
    ];
    const bench = new EngineBench(rulesOf({ ...sum(5), resolveTimeoutMs: 1 }), {});
    for (const event of events) bench.take(event);
    expect(bench.episodes.at(-1)).toMatchObject({ crossedAt: T + 1, valueAtCrossing: 5 });
  });

  test('still see small amounts after many that add up beyond what a double counts exactly', () => {
    const large = Array.from({ length: 20_000 }, () => sized(0, 2 ** 40 - 1));
    const small = Array.from({ length: 5 }, (_, i) => sized(1 + i, 1));
    const bench = new EngineBench(rulesOf({ ...sum(5), resolveTimeoutMs: 1 }), { exactEntries: 1e9 });
    for (const event of [...large, ...small, sized(T + 1, 1)]) bench.take(event);
    expect(bench.episodes.at(-1)).toMatchObject({ crossedAt: T + 1, valueAtCrossing: 5 });
  });

  test('are what is left when the one amount leaves with which a small one adds up to too much', () => {
    const bench = new EngineBench(rulesOf({ ...sum(2), resolveTimeoutMs: 1 }), {});
    for (const event of [sized(0, 2 ** 53 - 1), sized(T + 1, 2)]) bench.take(event);
    expect(bench.episodes.at(-1)).toMatchObject({ crossedAt: T + 1, valueAtCrossing: 2 });
  });

  test('of fractions are the same in any order of arrival', () => {
    const orders = [
      [0.1, 0.2, 0.3],
      [0.3, 0.2, 0.1],
    ];
    const found = orders.map((sizes) =>
      crossings(
        sum(0.6),
        sizes.map((size) => sized(0, size)),
        0,
      ),
    );
    expect(found).toEqual([[[0, 0.6]], [[0, 0.6]]]);
  });

  test('beyond all doubles reach every bound, and do no harm to the windows behind them', () => {
    const bench = new EngineBench(rulesOf({ ...sum(5), resolveTimeoutMs: 1 }), {});
    for (const event of [sized(0, 1e308), sized(0, 1e308), sized(T / 2, 3), sized(T + 1, 7)])
      bench.take(event);
    expect(bench.episodes).toMatchObject([
      { crossedAt: 0 },
      { crossedAt: T / 2, valueAtCrossing: Infinity },
      { crossedAt: T + 1, valueAtCrossing: 10 },
    ]);
  });

  test('of fractions do not drift', () => {
    const events = Array.from({ length: 3000 }, (_, i) => sized(i * 100, 0.1));
    expect(crossings(sum(10.000_001), events, 0)).toEqual([]);
  });

  test('take numeric text, and leave out what is negative or no number', () => {
    const events = [sized(0, '2'), sized(1, -5), sized(2, 'many'), sized(3, '1e999'), sized(4, 3)];
    expect(crossings(sum(5), events, 0)).toEqual([[4, 5]]);
  });
});
