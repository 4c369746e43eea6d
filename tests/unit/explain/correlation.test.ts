/** What is shown of a correlation's groups is what the engine judged. */

import { describe, expect, test } from 'vitest';
import { evalEvents } from '../../../src/eval/eval.ts';
import { type CorrelationExplanation, CorrelationExplainer } from '../../../src/explain/correlation.ts';
import type { CorrelationRule, RuleSet } from '../../../src/sigma/rule.ts';
import { cases, eventAsText, forAll, rulesAsText, timeoutMs } from '../../oracle/random-log.ts';
import { FAMILIES } from '../../oracle/random-rules.ts';
import { listsOf } from '../lookup/lists.ts';
import { load } from '../sigma/matching.ts';

function explain(
  ruleSet: RuleSet,
  rule: CorrelationRule,
  events: readonly string[],
  latenessMs = 60_000,
): CorrelationExplanation {
  const explainer = new CorrelationExplainer(ruleSet, rule, { latenessMs });
  for (const [line, event] of events.entries()) {
    const data = Buffer.from(event);
    explainer.take(data, 0, data.length, line);
  }
  return explainer.finish();
}

const RULES = `
title: Read
name: read
logsource: {product: portal}
detection: {sel: {action: read}, condition: sel}
---
title: Reset
name: reset
logsource: {product: portal}
detection: {sel: {action: reset}, condition: sel}
`;

/** Explains the correlation `body` over those two rules; `root`: further keys of its document. */
function explained(
  body: string,
  events: readonly Readonly<Record<string, unknown>>[],
  root = '',
): CorrelationExplanation {
  const set = load(`${RULES}---\ntitle: Burst\nname: burst\ncorrelation: ${body}\n${root}`);
  const rule = set.correlations.find(({ name }) => name === 'burst')!;
  return explain(
    set,
    rule,
    events.map((event, i) => JSON.stringify({ 'event.id': `e${i}`, ...event })),
  );
}

const T0 = Date.UTC(2025, 6, 12, 20);
const at = (second: number, action: string, fields: object = {}): Readonly<Record<string, unknown>> => ({
  '@timestamp': T0 + second * 1000,
  action,
  user: 'u1',
  ...fields,
});

test('a group that stays below its threshold shows its last window, its best one and how far they are', () => {
  const { groups } = explained(
    '{type: value_count, rules: read, group-by: user, timespan: 10s, condition: {field: person, gte: 4}}',
    [
      at(0, 'read', { person: ['a', 'b'] }),
      at(1, 'read', { person: ['b', 'c'] }),
      at(2, 'read'),
      at(3, 'reset', { person: 'd' }),
      at(10, 'read', { person: 'a' }),
    ],
  );
  expect(groups).toHaveLength(1);
  const [{ group, entries, withoutValue, last, nearest, firings }] = groups as [(typeof groups)[0]];
  expect({ group, entries, withoutValue, firings }).toEqual({
    group: { user: 'u1' },
    entries: 3,
    withoutValue: 1,
    firings: [],
  });
  expect(nearest).toEqual({
    from: T0 - 9_000,
    to: T0 + 1_000,
    value: 3,
    holds: false,
    ends: true,
    bounds: [{ op: 'gte', value: 4, holds: false }],
  });
  expect(last).toMatchObject({ from: T0, to: T0 + 10_000, value: 3, holds: false });
  expect(last!.entries.map(({ time, line, id, values }) => ({ time, line, id, values }))).toEqual([
    { time: T0 + 1_000, line: 1, id: 'e1', values: ['b', 'c'] },
    { time: T0 + 10_000, line: 4, id: 'e4', values: ['a'] },
  ]);
});

test('a temporal rule shows which rules its last window holds and which are missing', () => {
  const { groups } = explained('{type: temporal, rules: [read, reset], group-by: user, timespan: 5s}', [
    at(0, 'reset'),
    at(5, 'read'),
  ]);
  expect([...groups[0]!.last!.seen]).toEqual([
    ['read', T0 + 5_000],
    ['reset', null],
  ]);
  expect(groups[0]!.nearest).toMatchObject({ value: 1, bounds: [{ op: 'gte', value: 2, holds: false }] });
});

test('a rule that wants a run of ids shows the longest that ends with each window, since when, and the ids', () => {
  const { groups } = explained(
    '{type: event_count, rules: read, group-by: user, timespan: 10s, condition: {gte: 2}}',
    [
      at(0, 'read', { page: 'p7' }),
      at(1, 'read', { page: ['p50', 'p8'] }),
      at(2, 'read', { page: 'p9' }),
      at(3, 'read', { page: 'p51' }),
      at(4, 'read'),
    ],
    'vigie.sequence: {field: page, min_run: 4}',
  );
  expect(groups[0]).toMatchObject({
    firings: [],
    nearest: {
      to: T0 + 2_000,
      value: 3,
      holds: false,
      bounds: [{ holds: true }],
      run: { ids: 3, sinceMs: T0, wanted: 4 },
    },
    last: { to: T0 + 4_000, value: 5, run: { ids: 0 } },
  });
  expect(groups[0]!.last!.entries.map(({ values }) => values)).toEqual([
    ['p7'],
    ['p50', 'p8'],
    ['p9'],
    ['p51'],
    [],
  ]);
});

test('a rule about what began before shows each date against the event it was held against', () => {
  const { groups } = explained(
    '{type: temporal, rules: [reset, read], group-by: user, timespan: 10s}',
    [
      at(0, 'read', { began: T0 - 1_000 }),
      at(1, 'reset'),
      at(2, 'read', { began: T0 + 500 }),
      at(3, 'read', { began: 'soon' }),
      at(4, 'read', { began: T0 + 1_000 }),
    ],
    'vigie.begun_before: {field: began, rule: reset}',
  );
  const [{ firings, nearest, last }] = groups as [(typeof groups)[0]];
  expect(firings).toEqual([{ time: T0 + 2_000, value: 2 }]);
  expect(nearest).toMatchObject({ to: T0 + 2_000, holds: true, ends: true });
  expect(last).toMatchObject({ to: T0 + 4_000, holds: false, ends: false });
  expect([...last!.seen]).toEqual([
    ['reset', T0 + 1_000],
    ['read', T0 + 2_000],
  ]);
  expect(last!.entries.map(({ beginning }) => beginning)).toEqual([
    { begun: T0 - 1_000, newest: null, counts: false },
    undefined,
    { begun: T0 + 500, newest: T0 + 1_000, counts: true },
    { begun: null, newest: T0 + 1_000, counts: false },
    { begun: T0 + 1_000, newest: T0 + 1_000, counts: false },
  ]);
});

test('a chained rule shows the firings that it counts, and those that lack its group', () => {
  const set = load(`${RULES}---
title: Burst
name: burst
correlation: {type: event_count, rules: read, group-by: user, timespan: 5s, condition: {gte: 2}}
---
title: Spree
name: spree
correlation: {type: event_count, rules: burst, timespan: 1h, condition: {gte: 2}}
---
title: Spree by place
name: by-place
correlation: {type: event_count, rules: burst, group-by: place, timespan: 1h, condition: {gte: 2}}
`);
  const events = ['u1', 'u2', 'u3'].flatMap((user, i) =>
    [0, 1].map((second) => JSON.stringify(at(10 * i + second, 'read', { user }))),
  );
  const [spree, byPlace] = ['spree', 'by-place'].map((key) =>
    explain(
      set,
      set.correlations.find((rule) => rule.key === key)!,
      events,
    ),
  ) as [CorrelationExplanation, CorrelationExplanation];
  expect(spree.parents).toEqual(
    ['u1', 'u2', 'u3'].map((user, i) => ({
      rule: 'burst',
      group: { user },
      time: T0 + (10 * i + 1) * 1000,
      value: 2,
    })),
  );
  expect(spree.groups[0]).toMatchObject({
    group: {},
    firings: [{ time: T0 + 11_000, value: 2 }],
    last: {
      value: 3,
      holds: true,
      entries: [{ line: undefined }, { line: undefined }, { rules: ['burst'] }],
    },
  });
  expect(byPlace.groups).toEqual([]);
  expect(byPlace.references).toEqual([{ rule: 'burst', found: 3, withoutGroup: 3 }]);
});

test('what never matched, came twice or is no event is accounted for', () => {
  const set = load(
    `${RULES}---\ntitle: B\nname: b\ncorrelation: {type: event_count, rules: [read, reset], group-by: user, timespan: 5s, condition: {gte: 2}}`,
  );
  const read = JSON.stringify({ ...at(0, 'read'), 'event.id': 'x' });
  const anonymous = JSON.stringify(at(1, 'read', { user: null }));
  const found = explain(set, set.correlations[0]!, [read, read, '{', anonymous]);
  expect(found).toMatchObject({ events: 3, copies: 1, rejected: [{ index: 2, code: 'NOT_JSON' }] });
  expect(found.references).toEqual([
    { rule: 'read', found: 2, withoutGroup: 1 },
    { rule: 'reset', found: 0, withoutGroup: 0 },
  ]);
});

test('groups that fired come first, then those that came nearest', () => {
  const { groups } = explained(
    '{type: event_count, rules: read, group-by: user, timespan: 10s, condition: {gte: 3}}',
    ['a', 'b', 'b', 'c', 'c', 'c'].map((user, i) => at(i, 'read', { user })),
  );
  expect(groups.map(({ group }) => group['user'])).toEqual(['c', 'b', 'a']);
});

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('fire as in an evaluation of all rules, each at the end of a window that is shown to be true', () => {
    forAll(cases(family, { late: true }), 1 / 2, ({ documents, log, latenessMs }) => {
      const ruleSet = load(rulesAsText(documents));
      const events = log.map(eventAsText);
      const { lines } = evalEvents(ruleSet, events, { latenessMs });
      for (const rule of ruleSet.correlations) {
        const { groups } = explain(ruleSet, rule, events, latenessMs);
        const firings = groups.flatMap(({ group, firings }) =>
          firings.map(({ time, value }) => JSON.stringify([group, time, value])),
        );
        if (rule.alertsAlone) {
          const evaluated = lines.flatMap((line) =>
            line.type === 'firing' && line.rule === rule.key
              ? [JSON.stringify([line.group, Date.parse(line.time), line.value])]
              : [],
          );
          expect(firings.sort()).toEqual(evaluated.sort());
        }
        for (const { firings, nearest, last } of groups) {
          // A group fires exactly if some window is true, and the nearest one is the truest.
          expect(nearest?.holds ?? false).toBe(firings.length > 0);
          const atLast = firings.find(({ time }) => time === last?.to);
          if (atLast !== undefined) expect(last).toMatchObject({ holds: true, value: atLast.value });
        }
      }
    });
  });
});

test('a bound that scales is shown as it is for each group', () => {
  const lists = listsOf({ loads: 'user,n\nu1,2\n' });
  const text = `${RULES}---\ntitle: Burst\nname: burst\nvigie.scale_by: {list: loads, column: n, factor: 2}\ncorrelation: {type: event_count, rules: read, group-by: user, timespan: 1m, condition: {gte: 3}}`;
  const set = load(text, { lists });
  const events = ['u1', 'u2'].flatMap((user) => [0, 1, 2].map((second) => at(second, 'read', { user })));
  const { groups } = explain(
    set,
    set.correlations[0]!,
    events.map((event) => JSON.stringify(event)),
  );
  expect(groups).toMatchObject([
    {
      group: { user: 'u2' },
      scale: undefined,
      firings: [{ value: 3 }],
      last: { holds: true, bounds: [{ op: 'gte', value: 3, holds: true }] },
    },
    {
      group: { user: 'u1' },
      scale: 2,
      firings: [],
      last: { value: 3, holds: false, bounds: [{ op: 'gte', value: 4, holds: false }] },
    },
  ]);
});
