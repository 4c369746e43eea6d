/**
 * Properties that hold without knowing the right answer: what may change in a log without changing its
 * alerts. They check the oracle as much as the engine.
 */

import { describe, expect, test } from 'vitest';
import type { CorrelationDocument, OracleDocument, OracleEvent } from './documents.ts';
import { EVALUATORS, rows } from './evaluators.ts';
import type { Group } from './oracle.ts';
import { cases, forAll, timeoutMs, type Case } from './random-log.ts';

/** Every event with an id, so that a second sending is recognised. */
const withIds = (log: readonly OracleEvent[]): OracleEvent[] =>
  log.map((event, i) => (event.id === undefined ? { ...event, id: `x${i}` } : event));

const concernsA = ({ fields }: OracleEvent): boolean => [fields['user']].flat().includes('a');

const isOfA = ({ group }: { group: Group }): boolean => group['user'] === 'a';

const reads = (user: string, count: number, time: number): OracleEvent[] =>
  Array.from({ length: count }, () => ({ time, fields: { action: 'read', user } }));

describe.each(EVALUATORS)('$name', { timeout: timeoutMs }, ({ evaluate, families }) => {
  const found = ({ documents, latenessMs }: Case, log: readonly OracleEvent[]): object => {
    const { firings, alerts } = rows(evaluate(documents, log, { latenessMs }));
    return { firings, alerts };
  };

  test.each(families)('%s find the same in any order of arrival that the lateness allows', (family) => {
    forAll(cases(family), 1 / 4, (one) => {
      expect(found(one, one.reordered)).toEqual(found(one, one.log));
    });
  });

  test.each(families)('%s find the same when every event is sent twice, the copies long after', (family) => {
    forAll(cases(family), 1 / 4, (one) => {
      const log = withIds(one.log);
      expect(found(one, [...log, ...log])).toEqual(found(one, log));
    });
  });

  test.each(families)('%s find the same for one user, whatever the other users do', (family) => {
    forAll(cases(family), 1 / 4, (one) => {
      const silenced = one.log.map((event) =>
        concernsA(event) ? event : { ...event, fields: { action: 'noop' } },
      );
      const ofUser = (log: readonly OracleEvent[]): object => {
        const { firings, alerts } = evaluate(one.documents, log, one);
        return rows({ matches: [], firings: firings.filter(isOfA), alerts: alerts.filter(isOfA) });
      };
      expect(ofUser(silenced)).toEqual(ofUser(one.log));
    });
  });

  describe.each([1, 2, 3, 4])('with a threshold of %i', (threshold) => {
    const documents: readonly OracleDocument[] = [
      {
        title: 'Read',
        name: 'read',
        logsource: { category: 'portal' },
        detection: { selection: { action: 'read' }, condition: 'selection' },
      },
      {
        title: 'Volume',
        name: 'volume',
        correlation: {
          type: 'event_count',
          rules: ['read'],
          'group-by': ['user'],
          timespan: '10s',
          condition: { gte: threshold },
        },
      } satisfies CorrelationDocument,
    ];

    const counts = Array.from({ length: threshold + 2 }, (_, count) => count);
    // One user for every number of reads at first and later.
    const pairs = counts.flatMap((before) =>
      counts.map((after) => ({ user: `${before}+${after}`, before, after })),
    );

    test.each([9_998, 9_999, 10_000, 10_001])('reads %i ms apart add up only inside ten seconds', (apart) => {
      const early = pairs.flatMap((pair) => reads(pair.user, pair.before, 0));
      const late = pairs.flatMap((pair) => reads(pair.user, pair.after, apart));
      const expected = pairs.flatMap(({ user, before, after }) => {
        const together = apart < 10_000 ? before + after : after;
        const firstIsTrue = before >= threshold;
        // Up to a timespan later it is the same episode.
        const secondFires = after > 0 && together >= threshold && !(firstIsTrue && apart <= 10_000);
        return [...(firstIsTrue ? [`${user} 0`] : []), ...(secondFires ? [`${user} ${apart}`] : [])];
      });
      for (const log of [
        [...early, ...late],
        [...late, ...early],
      ]) {
        const { firings } = evaluate(documents, log, { latenessMs: 60_000 });
        expect(firings.map(({ group, time }) => `${group['user']} ${time}`).sort()).toEqual(expected.sort());
      }
    });
  });
});
