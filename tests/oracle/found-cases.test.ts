/** Cases in which engine and oracle once differed, cut down to what made them differ. */

import { expect, test } from 'vitest';
import type { CorrelationDocument, OracleEvent } from './documents.ts';
import { evaluateByEngine, rows } from './evaluators.ts';
import { evaluate } from './oracle.ts';
import { BASE_RULES } from './random-rules.ts';

const START_MS = Date.parse('2025-07-12T21:00:00Z');

const event = (second: number, action: string): OracleEvent => ({
  time: START_MS + second * 1_000,
  fields: { action },
});

test('a firing that was passed on is not passed on again when its episode joins one that was opened before', () => {
  const parent: CorrelationDocument = {
    title: 'Parent',
    name: 'parent',
    correlation: { type: 'event_count', rules: ['read'], timespan: '2s', condition: { gte: 1 } },
    'vigie.resolve_timeout': '3s',
  };
  const chained: CorrelationDocument = {
    title: 'Chained',
    name: 'chained',
    correlation: { type: 'event_count', rules: ['parent'], timespan: '10s', condition: { gte: 1 } },
    'vigie.resolve_timeout': '60s',
  };
  const documents = [...BASE_RULES, parent, chained];
  const log = [
    event(10, 'read'),
    event(5, 'read'),
    // The watermark passes the crossing at 5, but not the one at 10.
    event(15.5, 'logout'),
    // Joins the two: the one opened first, of the later crossing, survives.
    event(7.5, 'read'),
    event(60, 'logout'),
  ];
  const verdict = evaluateByEngine(documents, log, { latenessMs: 10_000 });
  expect(verdict.alerts).toMatchObject([{ rule: 'chained', events: 1, value: 1 }]);
  expect(rows(verdict)).toEqual(rows(evaluate(documents, log, { latenessMs: 10_000 })));
});
