/**
 * A process that is killed at any moment and started again ends with the alerts of one that was not, on random rules of
 * every kind and random logs that lie on several partitions in any way.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { outcomeOf } from '../support/killed-pipeline.ts';
import type { Message } from '../support/scripted-group.ts';
import { substanceOf } from '../support/sharded-bench.ts';
import { randomOf } from '../unit/detect/harness.ts';
import { cases, eventAsText, rulesAsText, timeoutMs, type Case } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

interface Killed {
  readonly one: Case;
  readonly seed: number;
  readonly partitions: number;
  readonly saves: boolean;
}

async function compare({ one, seed, partitions, saves }: Killed): Promise<void> {
  const { documents, latenessMs, log } = one;
  const ruleSet = parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]);
  const random = randomOf(seed);
  const logs = Array.from({ length: partitions }, (): Message[] => []);
  for (const event of log) logs[random(partitions)]!.push({ data: eventAsText(event), timeMs: event.time });
  const world = { ruleSet, latenessMs, logs, random, saves };
  const undisturbed = substanceOf(await outcomeOf(world, 0));
  expect(substanceOf(await outcomeOf(world, 1 + random(3)))).toEqual(undisturbed);
}

const killed = (one: fc.Arbitrary<Case>, mostPartitions: number): fc.Arbitrary<Killed> =>
  fc.record({
    one,
    seed: fc.nat(),
    partitions: fc.integer({ min: 1, max: mostPartitions }),
    saves: fc.boolean(),
  });

/** Fewer: each is a run of a whole process, several times. */
const settings = {
  numRuns: Math.ceil(Number(process.env['ORACLE_RUNS'] ?? 200) / 8),
  interruptAfterTimeLimit: timeoutMs - 5000,
  markInterruptAsFailure: true,
};

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('end with the same alerts, however often the process was killed', async () => {
    await fc.assert(fc.asyncProperty(killed(cases(family), 3), compare), settings);
  });

  test('end with the same alerts with late events, too, on a log of one partition', async () => {
    await fc.assert(fc.asyncProperty(killed(cases(family, { late: true }), 1), compare), settings);
  });
});
