/**
 * Rules that are changed while an engine runs touch nobody else's state: on random rules of every kind and random
 * logs, the others find what they find without the change.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { handingOver } from '../../src/pipeline/rule-change.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { atOnce } from '../../src/state/steps.ts';
import { reloaded, StateBench } from '../support/state-bench.ts';
import { cases, eventAsText, forAll, rulesAsText, timeoutMs, type Case } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

/** Rules whose groups are those of no random rule. */
const others = (least: number): string => `title: Anything
name: anything
logsource: {product: portal}
detection: {sel: {'action|exists': true}, condition: sel}
---
title: Anything, often
name: often
correlation: {type: event_count, rules: [anything], group-by: [action, size], timespan: 5s, condition: {gte: ${least}}}
`;

interface Changed extends Case {
  /** Share of the log before the change. */
  readonly share: number;
}

function run({ documents, latenessMs, log, share }: Changed, changes: boolean) {
  const rules = (least: number) =>
    parseRules([
      { file: 'a.yml', text: others(least) },
      { file: 'rules.yml', text: rulesAsText(documents) },
    ]);
  let bench = new StateBench(rules(2), { latenessMs });
  const at = Math.floor(share * log.length);
  log.forEach((event, i) => {
    if (changes && i === at) {
      const next = new StateBench(rules(3), { latenessMs }, bench);
      expect(atOnce(handingOver(bench.engine, next.engine)).empty.map(({ key }) => key)).toEqual(['often']);
      bench = next;
    }
    bench.take(eventAsText(event));
  });
  bench.finish();
  return bench.outcome().alerts.filter(({ rule }) => rule !== 'often');
}

/** A rule for each random one that sees the same events in the same groups, with a window of its own. */
const twins = (documents: Case['documents'], timespan: string) =>
  documents.flatMap((document, i) =>
    'correlation' in document
      ? { ...document, name: `twin${i}`, correlation: { ...document.correlation, timespan } }
      : [],
  );

function runWithTwins({ documents, latenessMs, log, share }: Changed, changes: boolean) {
  const rules = (timespan: string) =>
    parseRules([{ file: 'rules.yml', text: rulesAsText([...documents, ...twins(documents, timespan)]) }]);
  let bench = new StateBench(rules('9s'), { latenessMs });
  const at = Math.floor(share * log.length);
  log.forEach((event, i) => {
    if (changes && i === at) {
      const former = bench.engine.lineage;
      const next = new StateBench(rules('7s'), { latenessMs, former }, bench);
      for (const { key } of atOnce(handingOver(bench.engine, next.engine)).empty)
        expect(key).toMatch(/^twin/);
      // And once more, with what is muted by now.
      bench = reloaded(next);
    }
    bench.take(eventAsText(event));
  });
  bench.finish();
  return bench.outcome().alerts.filter(({ rule }) => !rule.startsWith('twin'));
}

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  const changed = fc
    .record({
      one: cases(family, { late: true }),
      share: fc.double({ min: 0, max: 0.999, noNaN: true }),
    })
    .map(({ one, share }): Changed => ({ ...one, share }));

  test('find the same when another rule is changed at any moment', () => {
    forAll(changed, 1 / 4, (one) => {
      expect(run(one, true)).toEqual(run(one, false));
    });
  });

  test('find the same when rules that share their events and groups are changed', () => {
    forAll(changed, 1 / 4, (one) => {
      expect(runWithTwins(one, true)).toEqual(runWithTwins(one, false));
    });
  });
});
