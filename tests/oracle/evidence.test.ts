/** An engine that keeps no evidence raises the same alerts, with the same crossings, ends and values. */

import { describe, expect, test } from 'vitest';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { StateBench } from '../support/state-bench.ts';
import { cases, eventAsText, forAll, rulesAsText, timeoutMs, type Case } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

function run({ documents, latenessMs, log }: Case, evidence: boolean) {
  const ruleSet = parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]);
  const bench = new StateBench(ruleSet, { latenessMs, evidence });
  for (const event of log) bench.take(eventAsText(event));
  bench.finish();
  const { alerts, counts } = bench.outcome();
  const decided = alerts.map(({ alertId, status, crossedAt, lastEventAt, value, inhibitedBy }) => [
    alertId,
    status,
    crossedAt,
    lastEventAt,
    value,
    inhibitedBy,
  ]);
  return { decided, counts };
}

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('fire alike whether or not alerts say what was seen', () => {
    forAll(cases(family, { late: true }), 1 / 4, (one) => {
      expect(run(one, false)).toEqual(run(one, true));
    });
  });
});
