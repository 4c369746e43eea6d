/**
 * State that is saved at any moment and loaded into a new engine goes on as if nothing had happened: on random
 * rules of every kind and random logs, with disorder, copies and late events.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { reloaded, savedBytes, savedMeanwhile, StateBench } from '../support/state-bench.ts';
import { cases, eventAsText, forAll, rulesAsText, timeoutMs, type Case } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

interface Interrupted extends Case {
  /** Share of the log before the interruption. */
  readonly share: number;
}

function run({ documents, latenessMs, log, share }: Interrupted, interrupted: boolean) {
  const ruleSet = parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]);
  let bench = new StateBench(ruleSet, { latenessMs });
  const at = Math.floor(share * log.length);
  log.forEach((event, i) => {
    if (interrupted && i === at) bench = reloaded(bench);
    bench.take(eventAsText(event));
  });
  bench.finish();
  return bench.outcome();
}

const interrupted = (one: fc.Arbitrary<Case>): fc.Arbitrary<Interrupted> =>
  fc
    .record({ one, share: fc.double({ min: 0, max: 0.999, noNaN: true }) })
    .map(({ one: drawn, share }) => ({ ...drawn, share }));

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('find the same with an interruption at any moment as without', () => {
    forAll(interrupted(cases(family, { late: true })), 1 / 2, (one) => {
      expect(run(one, true)).toEqual(run(one, false));
    });
  });

  test('find the same in long logs, where windows hold many events', () => {
    forAll(fc.noBias(interrupted(cases(family, { late: true, events: 1_000 }))), 1 / 20, (one) => {
      expect(run(one, true)).toEqual(run(one, false));
    });
  });

  test('are saved as they were when saving began, whatever comes before it is done', () => {
    forAll(interrupted(cases(family, { late: true })), 1 / 2, ({ documents, latenessMs, log, share }) => {
      const bench = new StateBench(parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]), {
        latenessMs,
      });
      const at = Math.floor(share * log.length);
      for (const event of log.slice(0, at)) bench.take(eventAsText(event));
      const bytes = savedBytes(bench.engine);
      const saved = savedMeanwhile(bench.engine, () => {
        for (const event of log.slice(at)) bench.take(eventAsText(event));
        bench.finish();
      });
      expect(savedBytes(reloaded(bench, { saved }).engine).equals(bytes)).toBe(true);
    });
  });

  test('are saved as the same bytes when they were loaded', () => {
    forAll(cases(family, { late: true }), 1 / 4, ({ documents, latenessMs, log }) => {
      const bench = new StateBench(parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]), {
        latenessMs,
      });
      for (const event of log) bench.take(eventAsText(event));
      const bytes = savedBytes(bench.engine);
      expect(savedBytes(reloaded(bench).engine).equals(bytes)).toBe(true);
    });
  });
});
