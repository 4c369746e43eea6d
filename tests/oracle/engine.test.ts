/** The engine answers exactly what the oracle recomputes from the whole log. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OracleDocument } from './documents.ts';
import { engineLines, evaluateByEngine, rows } from './evaluators.ts';
import { evaluate, type Verdict } from './oracle.ts';
import { cases, forAll, timeoutMs, type Case } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

const agree = (one: Case): void => {
  expect(rows(evaluateByEngine(one.documents, one.log, one))).toEqual(
    rows(evaluate(one.documents, one.log, one)),
  );
};

const moments = ({ firings }: Verdict): readonly string[] =>
  firings.map(({ rule, group, time }) => JSON.stringify([rule, group, time])).sort();

const alertIds = (one: Case): string[] =>
  engineLines(one.documents, one.log, one).flatMap((line) => (line.type === 'alert' ? [line.alert_id] : []));

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('have the matches, firings and alerts of the oracle when nothing is late', () => {
    forAll(cases(family), 1, agree);
  });

  test('have the matches, firings and alerts of the oracle when some events are late', () => {
    forAll(cases(family, { late: true }), 1, agree);
  });

  test('have the matches, firings and alerts of the oracle in long logs, where windows hold many events', () => {
    // Without bias: the few cases are to be long ones.
    const long = fc.noBias(cases(family, { late: true, events: 1_000 }));
    forAll(long, 1 / 10, agree);
  });

  test('are reported in event-time order, the alerts at the end', () => {
    forAll(cases(family), 1 / 4, (one) => {
      const lines = engineLines(one.documents, one.log, one);
      const alerts = lines.filter(({ type }) => type === 'alert');
      const times = lines.flatMap((line) => (line.type === 'alert' ? [] : [Date.parse(line.time ?? '')]));
      expect(lines.slice(times.length)).toEqual(alerts);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });
  });

  test('give every alert an id of its own, the same in every run', () => {
    forAll(cases(family), 1 / 4, (one) => {
      const first = alertIds(one);
      expect(new Set(first).size).toBe(first.length);
      expect(alertIds(one)).toEqual(first);
    });
  });
});

test(
  'counts with upper bounds fire when the oracle says, however few entries vigie.max_entries asks for',
  () => {
    const counts = new Set<string>(['event_count', 'value_count']);
    const withFew = (document: OracleDocument): OracleDocument =>
      'correlation' in document && counts.has(document.correlation.type)
        ? { ...document, 'vigie.max_entries': 1 }
        : document;
    const long = fc.noBias(cases('closing', { late: true, events: 1_000 }));
    for (const [arbitrary, share] of [
      [cases('closing', { late: true }), 1],
      [long, 1 / 10],
    ] as const) {
      forAll(arbitrary, share, (one) => {
        const found = evaluateByEngine(one.documents.map(withFew), one.log, one);
        expect(moments(found)).toEqual(moments(evaluate(one.documents, one.log, one)));
      });
    }
  },
  timeoutMs,
);
