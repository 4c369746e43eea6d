/**
 * Beyond the exact bound the logs fold entries together. What is announced must not change by it: an engine
 * that folds early is compared with one that never does.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Episode } from '../../../src/alert/episode.ts';
import { listsOf } from '../lookup/lists.ts';
import { EngineBench, randomOf, type RuleSketch, rulesOf, type Sent } from './harness.ts';
import { type RandomRun, type RandomRunOptions, randomRun } from './random-runs.ts';

const NEVER = 1e9;
const cases = Number(process.env['BEYOND_EXACT_RUNS'] ?? 300);

function played({ rules, latenessMs, log }: RandomRun, exactEntries: number): EngineBench {
  const bench = new EngineBench(rulesOf(...rules), { latenessMs, exactEntries });
  for (const event of log) bench.take(event);
  return bench;
}

const extent = ({ of, group, crossedAt, lastTrueAt, status }: Episode) => ({
  rule: of.rule.key,
  group: group.fields,
  crossedAt,
  lastTrueAt,
  status,
});

/** Whether a window of the rule may still be true when its episode is over, so that the next opens inside it. */
const reopens = ({ of }: Episode): boolean => of.rule.resolveTimeoutMs < of.rule.timespanMs;

function agree(run: RandomRun, exactEntries: number): number {
  const exact = played(run, NEVER);
  const bounded = played(run, exactEntries);
  expect(bounded.episodes.map(extent)).toEqual(exact.episodes.map(extent));
  for (const [i, episode] of bounded.episodes.entries()) {
    const of = exact.episodes[i]!;
    const shown = bounded.render(episode);
    const truth = exact.render(of);
    const { value, events, records, bytes, firstEventAt, recordsBeforeAlert } = truth;
    if (!(reopens(episode) && shown.valueEstimated)) expect(episode.valueAtCrossing).toBe(of.valueAtCrossing);
    if (!shown.valueEstimated) expect(shown).toMatchObject({ value });
    if (!shown.totalsEstimated)
      expect(shown).toMatchObject({ events, records, bytes, firstEventAt, recordsBeforeAlert });
    if (!shown.personsEstimated) expect(shown).toMatchObject({ persons: truth.persons });
  }
  return bounded.engine.counts.coalesced;
}

describe('folding entries beyond the exact bound', { timeout: 60_000 + cases * 200 }, () => {
  test.each<[string, RandomRunOptions]>([
    ['out of order', {}],
    ['late', { late: true }],
    ['with alerts that resolve while their window is still full', { shortTimeouts: true }],
    ['late, with such alerts', { late: true, shortTimeouts: true }],
  ])('changes no firing, no crossing and nothing that is not flagged, %s', (_, options) => {
    let folded = 0;
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(16, 64), (seed, exactEntries) => {
        folded += agree(randomRun(seed, options), exactEntries);
      }),
      { numRuns: Math.ceil(cases / 4) },
    );
    expect(folded).toBeGreaterThan(cases * 10);
  });

  test.each([
    { type: 'event_count', worth: () => 1 },
    { type: 'value_count', field: 'doc', worth: () => 1 },
    { type: 'value_sum', field: 'size', worth: (size) => size },
  ] satisfies (Pick<RuleSketch, 'type' | 'field'> & { worth: (size: number) => number })[])(
    'shows a largest value that is off by at most what comes in a 256th of the window, for $type',
    ({ worth, ...measure }) => {
      const paneMs = 100;
      const random = randomOf(1);
      let clock = 1_000_000;
      const log = Array.from({ length: 12_000 }, (_, i): Sent => {
        clock += random(random(20) === 0 ? 60 : 3);
        return { time: clock - random(200), fields: { user: 'a', doc: `d${i}`, size: random(8) } };
      });
      const rules = [{ ...measure, timespanMs: 256 * paneMs, gte: 20 }];
      const run = { rules, latenessMs: 200, log };
      const [shown, exact] = [played(run, 512), played(run, NEVER)].map((bench) => bench.episodes[0]!);
      expect(shown).toMatchObject({ valueEstimated: true });
      const inPanes = new Map<number, number>();
      for (const { time, fields } of log) {
        const pane = Math.floor(time / paneMs);
        inPanes.set(pane, (inPanes.get(pane) ?? 0) + worth(fields['size'] as number));
      }
      expect(Math.abs(shown!.value - exact!.value)).toBeLessThanOrEqual(Math.max(...inPanes.values()));
      expect(exact!.value).toBeGreaterThan(20 * Math.max(...inPanes.values()));
    },
  );

  test('keeps apart what a bound that a list scales up still has to count exactly', () => {
    const set = rulesOf({ type: 'event_count', timespanMs: 256_000, gte: 3 });
    const scaleBy = { list: 'loads', column: 'n', factor: 1 };
    const ruleSet = {
      ...set,
      lists: listsOf({ loads: 'user,n\na,100\n' }),
      correlations: set.correlations.map((rule) => ({ ...rule, scaleBy })),
    };
    const bench = new EngineBench(ruleSet, { latenessMs: 1_000_000, exactEntries: 16 });
    const read = (time: number): void => bench.take({ time, fields: { user: 'a' } });
    for (let i = 0; i < 90; i += 1) read(10 * i);
    for (let i = 0; i < 172; i += 1) read(300_000 + 5_500 * i);
    // The window begins in the middle of the first ones, of which it holds the last 49.
    for (let i = 0; i < 50; i += 1) read(256_400);
    expect(bench.engine.counts.coalesced).toBe(0);
    expect(bench.episodes).toEqual([]);
    read(256_400);
    expect(bench.episodes).toMatchObject([{ crossedAt: 256_400, valueAtCrossing: 100 }]);
  });

  test('of events with thousands of values leaves a count of the events right that they have not reached yet', () => {
    const spec = { timespanMs: 3_600_000 };
    const rules = rulesOf(
      { ...spec, type: 'event_count', gte: 40 },
      { ...spec, type: 'value_count', field: 'doc', gte: 10 },
    );
    const bench = new EngineBench(rules, { exactEntries: 16_384 });
    for (let i = 0; i < 40; i += 1) {
      const doc = Array.from({ length: 1000 }, (_, k) => `d${1000 * i + k}`);
      bench.take({ time: 1000 * i, fields: { user: 'a', doc } });
    }
    expect(bench.engine.counts.coalesced).toBeGreaterThan(0);
    expect(bench.episodes.map(({ of: { rule } }) => rule.type)).toEqual(['event_count', 'value_count']);
  });

  test('of persons who are read again and again shows no more of them in a window than in all of the alert', () => {
    const rule = {
      type: 'value_count',
      field: 'portal.records.ids',
      timespanMs: 3_600_000,
      gte: 100,
    } as const;
    const bench = new EngineBench(rulesOf(rule));
    for (let i = 0; i < 60_000; i += 1) {
      bench.take({ time: 50 * i, fields: { user: 'a', 'portal.records.ids': `p${i % 20_000}` } });
    }
    const [alert] = bench.episodes.map((episode) => bench.render(episode));
    expect(alert).toMatchObject({ valueEstimated: true, personsEstimated: true });
    expect(alert!.value).toBeLessThanOrEqual(alert!.persons);
  });
});
