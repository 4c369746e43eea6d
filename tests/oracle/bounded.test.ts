/**
 * `vigie.max_entries`: what a bound takes away is counted, so that whoever reads a count of nothing may rely on every
 * alert. On random rules of each kind that holds entries, and random logs.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { StateBench } from '../support/state-bench.ts';
import { type CorrelationDocument, isCorrelation } from './documents.ts';
import { cases, eventAsText, forAll, rulesAsText, timeoutMs, type Case } from './random-log.ts';
import { BASE_RULES } from './random-rules.ts';

function run(
  { documents, latenessMs, log }: Pick<Case, 'documents' | 'latenessMs' | 'log'>,
  maxEntries: number | undefined,
) {
  const bounded = documents.map((document) =>
    isCorrelation(document) && maxEntries !== undefined
      ? { ...document, 'vigie.max_entries': maxEntries }
      : document,
  );
  const bench = new StateBench(parseRules([{ file: 'rules.yml', text: rulesAsText(bounded) }]), {
    latenessMs,
  });
  for (const event of log) bench.take(eventAsText(event));
  bench.finish();
  return bench.outcome();
}

describe.each(['temporal', 'closing', 'sequences', 'beginnings', 'newTerms'] as const)(
  'random %s',
  { timeout: timeoutMs },
  (family) => {
    test('find the same within a bound as without wherever nothing is counted as having left early', () => {
      const bounds = fc.integer({ min: 1, max: 12 });
      forAll(
        fc
          .tuple(cases(family, { late: true, events: 120 }), bounds)
          .map(([one, bound]) => ({ ...one, bound })),
        1 / 4,
        ({ bound, ...one }) => {
          const bounded = run(one, bound);
          if (bounded.counts['coalesced'] === 0) expect(bounded).toEqual(run(one, undefined));
        },
      );
    });

    test('lose nothing by a bound that no log is longer than', () => {
      forAll(cases(family, { late: true }), 1 / 8, (one) => {
        // An event holds two ids at most, and shows four terms.
        const bounded = run(one, 4 * one.log.length);
        expect(bounded.counts['coalesced']).toBe(0);
        expect(bounded).toEqual(run(one, undefined));
      });
    });
  },
);

const rule = (
  correlation: Pick<CorrelationDocument['correlation'], 'type'> & Partial<CorrelationDocument['correlation']>,
  root: Partial<CorrelationDocument> = {},
): CorrelationDocument => ({
  title: 'Correlation',
  name: 'c',
  correlation: { rules: ['read'], timespan: '1h', ...correlation },
  ...root,
});

describe('of three hundred events of one window hardly more than the bound stay, and the others are counted', () => {
  test.each<[string, CorrelationDocument]>([
    ['an upper bound', rule({ type: 'event_count', condition: { lte: 2 } })],
    ['an average', rule({ type: 'value_avg', condition: { field: 'bytes', gte: 1e6 } })],
    ['an order of matches', rule({ type: 'temporal_ordered', rules: ['login', 'read'] })],
    [
      'a condition with not',
      rule({ type: 'temporal', rules: ['login', 'read'], condition: 'login and not read' }),
    ],
    [
      'a run of ids, of which there are none',
      rule(
        { type: 'event_count', condition: { gte: 1 } },
        { 'vigie.sequence': { field: 'org', min_run: 3, max_step: 1 } },
      ),
    ],
    [
      'a run of ids, of which there are as many as are looked for',
      rule(
        { type: 'event_count', condition: { gte: 1 } },
        { 'vigie.sequence': { field: 'person', min_run: 3, max_step: 1 } },
      ),
    ],
    [
      'what began before a login, when nobody logs in',
      rule(
        { type: 'temporal', rules: ['login', 'read'] },
        { 'vigie.begun_before': { field: 'started', rule: 'login' } },
      ),
    ],
  ])('%s', (_, document) => {
    const log = Array.from({ length: 300 }, (_, i) => ({
      time: 1_752_354_000_000 + 1000 * i,
      fields: {
        action: 'read',
        bytes: i,
        person: `p${7 * i}`,
        started: new Date(1_752_354_000_000 + 1000 * i).toISOString(),
      },
    }));
    const { counts } = run({ documents: [...BASE_RULES, document], latenessMs: 0, log }, 16);
    // Besides those within the bound, one entry waits for the watermark, and one has entered since the last was added.
    expect(counts['coalesced']).toBeGreaterThanOrEqual(300 - 16 - 2);
  });
});
