/**
 * Partitions that move between processes, whoever is killed, ends, comes or is halted meanwhile, give the alerts of
 * one process that nothing befalls, on random rules of every kind and random logs.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { movedOutcome, type MovingWorld } from '../support/moving-partitions.ts';
import { substanceOf } from '../support/sharded-bench.ts';
import { randomOf } from '../unit/detect/harness.ts';
import { keyed, type Moved, moved, parted, rulesOf, settings, shown, withEnds } from './moved-cases.ts';
import { cases, timeoutMs } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

/** How the processes are, and how rules and log. */
type Form = 'keyed' | 'together' | 'divided';

async function compare({ one, seed, partitions, saves }: Moved, form: Form): Promise<void> {
  const random = randomOf(seed);
  const { documents, latenessMs } = one;
  const logs = parted(one, partitions, random);
  const world: MovingWorld = {
    ruleSet: rulesOf(form === 'keyed' ? keyed(documents) : documents),
    latenessMs,
    logs: form === 'keyed' ? withEnds(logs) : logs,
    random,
    saves,
    together: form === 'together',
    ...(form === 'divided' ? { shards: 1 + random(4) } : {}),
  };
  const told = partitions === 1 && form === 'keyed' ? shown : substanceOf;
  const undisturbed = told(await movedOutcome(world, 0));
  expect(told(await movedOutcome(world, 2 + random(10)))).toEqual(undisturbed);
}

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('end with the same alerts when partitions move between processes', async () => {
    await fc.assert(
      fc.asyncProperty(moved(cases(family), 4), (one) => compare(one, 'keyed')),
      settings,
    );
  });

  test('end with the same alerts when all partitions move together', async () => {
    await fc.assert(
      fc.asyncProperty(moved(cases(family), 3), (one) => compare(one, 'together')),
      settings,
    );
  });

  test('end with the same alerts when partitions of the input and shards move between processes', async () => {
    await fc.assert(
      fc.asyncProperty(moved(cases(family), 4), (one) => compare(one, 'divided')),
      settings,
    );
  });

  test('end with the same alerts with late events, too, when the one partition moves', async () => {
    await fc.assert(
      fc.asyncProperty(moved(cases(family, { late: true }), 1), (one) => compare(one, 'keyed')),
      settings,
    );
  });

  test('end with the same alerts with late events, too, when the one partition and shards move', async () => {
    await fc.assert(
      fc.asyncProperty(moved(cases(family, { late: true }), 1), (one) => compare(one, 'divided')),
      settings,
    );
  });
});
