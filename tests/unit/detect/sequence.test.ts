/** `vigie.sequence` on persons, whom nobody behind the decoder knows, and within its bound. */

import { describe, expect, test } from 'vitest';
import { evalEvents } from '../../../src/eval/eval.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { Judgement } from '../../../src/window/closing-log.ts';
import { CountMeasure } from '../../../src/window/measures.ts';
import { type SequenceHeld, SequenceMeasure } from '../../../src/window/sequence-measure.ts';
import { cases, eventAsText, forAll, rulesAsText, timeoutMs } from '../../oracle/random-log.ts';
import { EngineBench, rulesOf, type Sent } from './harness.ts';

test(
  'finds the same runs in pseudonyms of persons as in the ids themselves',
  () => {
    forAll(cases('sequences', { late: true }), 1, ({ documents, log, latenessMs }) => {
      const ruleSet = parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]);
      const found = (personFields: string[]): object => {
        const pseudonymKey = Uint8Array.from({ length: 16 }, (_, i) => 3 * i);
        const options = { latenessMs, personFields, pseudonymKey };
        return evalEvents(ruleSet, log.map(eventAsText), options);
      };
      expect(found(['person'])).toEqual(found([]));
    });
  },
  timeoutMs,
);

const looking = (name: string, step: number): string =>
  `---\ntitle: ${name}\nname: ${name}\ncorrelation: {type: event_count, rules: [r], timespan: 1h, condition: {gte: 1}}\nvigie.sequence: {field: portal.records.ids, min_run: 3, max_step: ${step}}\n`;

test('two rules that differ in their step share what is hashed of a person', () => {
  const text = `title: r\nname: r\nlogsource: {product: p}\ndetection: {s: {a: 1}, condition: s}\n${looking('near', 1)}${looking('far', 3)}`;
  const events = [10, 13, 14, 16].map((id, i) =>
    JSON.stringify({ '@timestamp': 1_752_354_000_000 + i, a: 1, 'portal.records.ids': `p-${id}` }),
  );
  const { lines } = evalEvents(parseRules([{ file: 'r.yml', text }]), events);
  expect(lines.filter(({ type }) => type === 'firing').map(({ rule }) => rule)).toEqual(['far']);
});

/** Reads of one page each, a second apart. */
const reads = (ids: readonly number[]): Sent[] =>
  ids.map((id, i) => ({ time: 1_000 * i, fields: { user: 'a', page: `p-${id}` } }));

/** Ids 1 to `length`, with `noise` other ids after each. */
const enumeration = (length: number, noise: number): number[] =>
  Array.from({ length }, (_, i) => [
    i,
    ...Array.from({ length: noise }, (_, n) => 1_000_000 + 1_000 * i + 2 * n),
  ]).flat();

describe('with room for 100 ids', () => {
  const set = rulesOf({
    type: 'event_count',
    timespanMs: 1_000_000_000,
    gte: 150,
    root: 'vigie.sequence: {field: page, min_run: 10}\nvigie.max_entries: 1000\n',
  });
  const rule = set.correlations[0]!;
  const bounded = { ...set, correlations: [{ ...rule, maxEntries: 100 }] };
  const unbounded = { ...set, correlations: [{ ...rule, maxEntries: undefined }] };
  const firings = (ruleSet: typeof set, ids: readonly number[]): [fired: number, forgotten: number] => {
    const bench = new EngineBench(ruleSet);
    for (const event of reads(ids)) bench.take(event);
    bench.engine.finish();
    return [bench.episodes.length, bench.engine.counts.coalesced];
  };

  test('a run whose neighbours lie further apart than that is lost, and what was forgotten is counted', () => {
    const [fired, forgotten] = firings(bounded, enumeration(10, 200));
    expect(fired).toBe(0);
    expect(forgotten).toBeGreaterThan(1_000);
  });

  test('without a bound of its own the rule has room for it', () => {
    expect(firings(unbounded, enumeration(10, 200))).toEqual([1, 0]);
  });
});

const held = (...ids: number[]): SequenceHeld => ({
  own: null,
  links: ids.flatMap((id) => [id, id - 1, id + 1]),
});

const circle = (self: number, below: number, above: number): SequenceHeld => ({
  own: null,
  links: [self, below, above],
});

describe('the measure', () => {
  const spec = { timespanMs: 1_000_000, minRun: 30, steps: 1, maxIds: 1_000 };
  const always = (): SequenceMeasure => new SequenceMeasure(spec, new CountMeasure(() => true));

  test('remembers no more ids than its bound, and finds a run among the newest', () => {
    const measure = always();
    let judged: Judgement | undefined;
    for (let i = 0; i < 20_000; i += 1) {
      measure.enter(held(7 * i), i);
      judged = measure.judge(i);
      expect(judged.holds).toBe(false);
    }
    expect(measure.remembered).toBeLessThanOrEqual(spec.maxIds);
    expect(measure.forgotten).toBeGreaterThanOrEqual(20_000 - spec.maxIds);
    for (let i = 0; i < 30; i += 1) {
      measure.enter(held(1_000_000 - i), 20_000 + i);
      judged = measure.judge(20_000 + i);
    }
    expect(judged).toMatchObject({ holds: true, run: { ids: 30, sinceMs: 20_000 } });
  });

  test.each([0, 140])(
    'remembers no more ids than its bound while entries leave and others come %i ms late',
    (late) => {
      const measure = new SequenceMeasure({ ...spec, maxIds: 64 }, new CountMeasure(() => true));
      const entered: { readonly time: number; readonly event: SequenceHeld }[] = [];
      for (let i = 0; i < 3_000; i += 1) {
        const time = i % 4 === 0 ? i : i - late;
        const event = held(7 * i, 7 * i + 3);
        measure.enter(event, time);
        entered.splice(entered.findLastIndex((other) => other.time <= time) + 1, 0, { time, event });
        if (entered.length > 100) measure.leave(entered.shift()!.event);
        if (i % 10 === 0) measure.judge(i);
        expect(measure.remembered).toBeLessThanOrEqual(64);
      }
    },
  );

  test('takes a list longer than its bound', () => {
    const measure = always();
    // The run stands before what is beyond the bound.
    measure.enter(held(...Array.from({ length: 5_000 }, (_, i) => (i <= 30 ? i : 7 * i))), 1);
    expect(measure.judge(1)).toMatchObject({ holds: true, run: { ids: 30 } });
    measure.enter(held(9), 2);
    expect(measure.judge(2)).toMatchObject({ holds: false });
    expect(measure.remembered).toBeLessThanOrEqual(spec.maxIds);
  });

  test('takes tens of thousands of neighbours of one time, in any order', () => {
    const measure = new SequenceMeasure({ ...spec, maxIds: 1e6 }, new CountMeasure(() => true));
    for (let i = 50_000; i > 0; i -= 1) measure.enter(held(i % 2 === 0 ? i : 50_000 - i), 1);
    expect(measure.judge(1)).toMatchObject({ holds: true, run: { ids: 30 } });
  });

  test('of links that confuse ids in a circle makes no endless run', () => {
    const measure = always();
    for (const each of [circle(1, 3, 2), circle(2, 1, 3), circle(3, 2, 1)]) measure.enter(each, 1);
    expect(measure.judge(1)).toMatchObject({ holds: false });
  });

  test('holds nothing when all has left', () => {
    const measure = always();
    const events = Array.from({ length: 500 }, (_, i) => held(i, i + 1, 2 * i));
    for (const [time, event] of events.entries()) {
      measure.enter(event, time);
      measure.judge(time);
    }
    for (const event of events) measure.leave(event);
    expect(measure.remembered).toBe(0);
  });
});
