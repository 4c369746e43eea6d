/** The engine answers exactly what the oracle recomputes from the whole log. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ENGINE_FAMILIES,
  engineLines,
  evaluateByEngine,
  load,
  ORACLE_ONLY_FAMILIES,
  rows,
} from './evaluators.ts';
import { evaluate } from './oracle.ts';
import { cases, runs, timeoutMs, type Case } from './random-log.ts';

const agree = (one: Case): void => {
  expect(rows(evaluateByEngine(one.documents, one.log, one))).toEqual(
    rows(evaluate(one.documents, one.log, one)),
  );
};

const alertIds = (one: Case): string[] =>
  engineLines(one.documents, one.log, one).flatMap((line) => (line.type === 'alert' ? [line.alert_id] : []));

describe.each(ENGINE_FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('have the matches, firings and alerts of the oracle when nothing is late', () => {
    fc.assert(fc.property(cases(family), agree), { numRuns: runs });
  });

  test('have the matches, firings and alerts of the oracle when some events are late', () => {
    fc.assert(fc.property(cases(family, { late: true }), agree), { numRuns: runs });
  });

  test('have the matches, firings and alerts of the oracle in long logs, where windows hold many events', () => {
    // Without bias: the few cases are to be long ones.
    const long = fc.noBias(cases(family, { late: true, events: 1_000 }));
    fc.assert(fc.property(long, agree), { numRuns: Math.ceil(runs / 10) });
  });

  test('are reported in event-time order, the alerts at the end', () => {
    fc.assert(
      fc.property(cases(family), (one) => {
        const lines = engineLines(one.documents, one.log, one);
        const alerts = lines.filter(({ type }) => type === 'alert');
        const times = lines.flatMap((line) => (line.type === 'alert' ? [] : [Date.parse(line.time ?? '')]));
        expect(lines.slice(times.length)).toEqual(alerts);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  });

  test('give every alert an id of its own, the same in every run', () => {
    fc.assert(
      fc.property(cases(family), (one) => {
        const first = alertIds(one);
        expect(new Set(first).size).toBe(first.length);
        expect(alertIds(one)).toEqual(first);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  });
});

test.each(ORACLE_ONLY_FAMILIES)(
  'random %s, which the engine does not execute, are refused when loaded',
  (family) => {
    fc.assert(
      fc.property(cases(family), ({ documents }) => {
        expect(load(documents).faults.map(({ code }) => code)).toContain('UNSUPPORTED');
      }),
      { numRuns: 20 },
    );
  },
);
