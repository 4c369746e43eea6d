/**
 * Events that are matched in one place and correlated in several shards give the alerts of one engine: on random
 * rules of every kind and random logs, spread at random over source partitions and shards, with matching
 * processes that die and others that send again.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { correlated, sent, substanceOf } from '../support/sharded-bench.ts';
import { StateBench } from '../support/state-bench.ts';
import { randomOf } from '../unit/detect/harness.ts';
import { cases, eventAsText, forAll, rulesAsText, timeoutMs, type Case } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

interface Sharded extends Case {
  readonly seed: number;
  readonly partitions: number;
  readonly shards: number;
}

const sharded = (one: fc.Arbitrary<Case>, mostPartitions: number): fc.Arbitrary<Sharded> =>
  fc
    .record({
      one,
      seed: fc.nat(),
      partitions: fc.integer({ min: 1, max: mostPartitions }),
      shards: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ one: drawn, ...rest }) => ({ ...drawn, ...rest }));

function compare({ documents, latenessMs, log, seed, partitions, shards }: Sharded, deaths: number): void {
  const ruleSet = parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]);
  const single = new StateBench(ruleSet, { latenessMs });
  for (const event of log) single.take(eventAsText(event));
  single.finish();
  const random = randomOf(seed);
  const logs = Array.from({ length: partitions }, (): string[] => []);
  for (const event of log) logs[random(partitions)]!.push(eventAsText(event));
  const options = { ruleSet, latenessMs, shards, logs, random, deaths };
  const found = correlated(options, sent(options));
  expect(found.gaps).toBe(0);
  expect(substanceOf(found.alerts)).toEqual(substanceOf(single.outcome().alerts));
}

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('find the same in shards as in one engine, from any partition of the source', () => {
    forAll(sharded(cases(family), 4), 1 / 4, (one) => compare(one, 0));
  });

  test('find the same when matching processes die and send again what they had sent', () => {
    forAll(sharded(cases(family), 4), 1 / 4, (one) => compare(one, 25));
  });

  test('find the same with late events, from a source of one partition', () => {
    forAll(sharded(cases(family, { late: true }), 1), 1 / 4, (one) => compare(one, 25));
  });
});
