/** `vigie.scale_by`: a rule with a scaled bound is, in each group, the rule that has that bound itself. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evalEvents, type EvalLine } from '../../../src/eval/eval.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { listsOf } from '../lookup/lists.ts';

const SCALE = 'vigie.scale_by: {list: loads, column: n, factor: 1.5}\n';

function rules(type: string, condition: string, root = ''): string {
  return `title: R\nname: r\nlogsource: {category: c}\ndetection: {s: {a: r}, condition: s}\n---\ntitle: C\n${root}correlation:\n  type: ${type}\n  rules: r\n  group-by: [o, u]\n  timespan: 10s\n  condition: ${condition}\n`;
}

function answers(text: string, list: string, events: readonly string[], latenessMs = 5_000): EvalLine[] {
  const set = parseRules([{ file: 'r.yml', text }], { lists: listsOf({ loads: list }) });
  expect(set.faults).toEqual([]);
  return evalEvents(set, events, { latenessMs }).lines;
}

/** What both sides have in common: not the threshold as written, not an id that hashes the crossing only. */
const told = (lines: readonly EvalLine[]): unknown[] =>
  lines.map((line) => (line.type === 'firing' ? { ...line, threshold: undefined } : line));

const TYPES = [
  ['event_count', ''],
  ['value_count', ', field: p'],
  ['value_sum', ', field: p'],
  ['value_avg', ', field: p'],
] as const;

test('fires and alerts as the rule with that bound would, for each group, type, operator and order of arrival', () => {
  const user = fc.constantFrom('a', 'b', 'c');
  const event = fc.record({
    at: fc.integer({ min: 0, max: 40_000 }),
    u: user,
    p: fc.integer({ min: 0, max: 9 }),
  });
  const number = fc.integer({ min: 0, max: 8 });
  fc.assert(
    fc.property(
      fc.constantFrom(...TYPES),
      fc.constantFrom('gt', 'gte'),
      fc.boolean(),
      fc.array(event, { minLength: 1, maxLength: 60 }),
      fc.tuple(number, number),
      ([type, field], op, capped, log, [ofA, ofB]) => {
        const events = log.map(({ at, ...fields }) =>
          JSON.stringify({ '@timestamp': 1_750_000_000_000 + at, a: 'r', o: 'o', ...fields }),
        );
        const condition = (bound: number) => `{${op}: ${bound}${capped ? ', lte: 40' : ''}${field}}`;
        const list = `n,o,u\n${ofA},o,a\n${ofB},o,b\n9,other,c\n`;
        const scaled = told(answers(rules(type, condition(3), SCALE), list, events));
        const expected = Object.entries({ a: ofA, b: ofB, c: 0 }).flatMap(([u, n]) =>
          told(answers(rules(type, condition(Math.max(3, 1.5 * n))), list, events)).filter(
            (line) => (line as { group: { u: string } }).group.u === u,
          ),
        );
        expect(new Set(scaled.map((line) => JSON.stringify(line)))).toEqual(
          new Set(expected.map((line) => JSON.stringify(line))),
        );
      },
    ),
    { numRuns: 300 },
  );
});

const event = (u: string, second: number) =>
  JSON.stringify({ '@timestamp': 1_750_000_000_000 + 1_000 * second, a: 'r', o: 'o', u });

describe('a list that is replaced', () => {
  test('counts for the windows that are judged from then on', () => {
    const lists = listsOf({ loads: 'o,u,n\no,a,2\n' });
    const set = parseRules([{ file: 'r.yml', text: rules('event_count', '{gte: 3}', SCALE) }], { lists });
    const larger = listsOf({ loads: 'o,u,n\no,a,4\no,b,4\n' }).known('loads').contents;
    function* events(): Generator<string, void> {
      for (let i = 0; i < 3; i += 1) yield event('a', i);
      lists.known('loads').replace(larger);
      for (let i = 0; i < 6; i += 1) yield event('b', i);
    }
    const firings = evalEvents(set, events()).lines.filter(({ type }) => type === 'firing');
    expect(firings).toMatchObject([
      { group: { u: 'a' }, value: 3 },
      { group: { u: 'b' }, value: 6 },
    ]);
  });
});

test.each(['event_count', 'value_count'])(
  'a bound far above the static one is judged as exactly by %s, however much its windows hold',
  (type) => {
    // Uneven in time, so that the fullest window depends on exactly which entries have left it.
    let state = 1;
    let time = 0;
    const times = Array.from({ length: 60_000 }, () => {
      state = (state * 48_271) % 2_147_483_647;
      time += state % 7 === 0 ? state % 5 : 0;
      return time;
    });
    let tail = 0;
    let most = 0;
    for (const [i, end] of times.entries()) {
      while (times[tail]! <= end - 10_000) tail += 1;
      if (times[i + 1] !== end) most = Math.max(most, i + 1 - tail);
    }
    expect(most).toBeGreaterThan(30_000);
    const events = times.map((ms, i) =>
      JSON.stringify({ '@timestamp': 1_750_000_000_000 + ms, a: 'r', o: 'o', u: 'a', p: i }),
    );
    const condition = type === 'event_count' ? '{gte: 3}' : '{gte: 3, field: p}';
    const firingsAt = (bound: number): EvalLine[] =>
      answers(rules(type, condition, SCALE), `o,u,n\no,a,${bound / 1.5}\n`, events, 0).filter(
        (line) => line.type === 'firing',
      );
    expect(firingsAt(most)).toMatchObject([{ value: most }]);
    expect(firingsAt(most + 1)).toEqual([]);
  },
);
