/**
 * Rounds of faults on a real broker, as `npm run faults` plays them: some of each scenario, from a seed that the
 * name of the test says. For many rounds, and to repeat one, use the program.
 */

import { messageOf } from '../../src/errors.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp } from '../support/cli.ts';
import { CRASH_STEPS } from './crash-steps.ts';
import { playRound } from './play.ts';
import { Memory } from './round.ts';
import { SCENARIOS } from './scenarios.ts';
import { World } from './world.ts';

// The same every time, so that who changes nothing finds nothing; npm run faults draws others.
const SEED = Number(process.env['FAULT_SEED'] ?? 932_625);
/** Of those that are not named: one. */
const ROUNDS: Readonly<Record<string, number>> = {
  kill: 20,
  steps: CRASH_STEPS.length / 3,
  term: 2,
  rebalance: 2,
};
const ROUND_MS = 330_000;

const memory = new Memory();
const opened = await World.open().catch((error: unknown) => {
  if (process.env['CI'] !== undefined) throw error;
  console.warn(`skipped: no broker for rounds of faults: ${messageOf(error)}`);
});

afterAll(async () => {
  await cleanUp();
  await opened?.close();
});

describe.runIf(opened !== undefined)(
  `with seed ${SEED}, the outcome is that of an undisturbed run when`,
  () => {
    describe.each(SCENARIOS)('$does', (scenario) => {
      const rounds = Array.from({ length: ROUNDS[scenario.name] ?? 1 }, (_, i) => SEED + i);
      const obstacle = scenario.obstacle?.();
      test.for(rounds)(`(${scenario.name}) seed %i`, { timeout: ROUND_MS }, async (seed, { skip }) => {
        skip(obstacle !== undefined, obstacle);
        const { failure } = await playRound(scenario, seed, opened!, memory, { brief: true });
        expect(failure).toBeUndefined();
      });
    });
  },
);
