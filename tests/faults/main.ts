/**
 * `npm run faults`: rounds of faults on a real broker, each compared with the outcome of an undisturbed run. The
 * last line is `N passed, M failed`; exit code 1 if any failed, 2 for wrong usage.
 */

import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { cleanUp } from '../support/cli.ts';
import { CRASH_STEPS } from './crash-steps.ts';
import { playRound } from './play.ts';
import { Memory } from './round.ts';
import type { Scenario } from './round.ts';
import { SCENARIOS } from './scenarios.ts';
import { World } from './world.ts';

const HELP = `Usage: npm run faults -- [options]

Plays rounds of faults with vigie run on a real Kafka broker (Java 17 or newer and Maven), each with a topic, a
group and a database of its own, and compares what it ends with (alerts, archived events, dead letters) with an
undisturbed run of the same log.

Options:
  --rounds N     rounds of each scenario (default: 3)
  --seed S       seed of the first round; the next ones follow (default: drawn and printed)
  --only NAME    this scenario alone; may be repeated
  --brief        seconds instead of minutes where a scenario takes some, as npm test plays it
  --logs         keep the logs of every round, not only of those that fail
  -h, --help     this text

Scenarios:
${SCENARIOS.map(({ name, does }) => `  ${name.padEnd(12)} ${does}`).join('\n')}

A round that failed is repeated with --only NAME --seed S --rounds 1. The logs of its processes stay in
.vigie/faults.`;

interface Settings {
  readonly rounds: number;
  readonly seed: number;
  readonly scenarios: readonly Scenario[];
  readonly brief: boolean;
  readonly logs: boolean;
}

function settings(): Settings {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string', multiple: true, default: [] },
      brief: { type: 'boolean', default: false },
      logs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const names = values.only.flatMap((name) => name.split(','));
  const unknown = names.filter((name) => SCENARIOS.every((scenario) => scenario.name !== name));
  if (unknown.length > 0) throw new Error(`--only ${unknown.join()}: no such scenario; see --help`);
  return {
    rounds: wholeNumber('--rounds', values.rounds, 1),
    seed: wholeNumber('--seed', values.seed, 0),
    brief: values.brief,
    logs: values.logs,
    scenarios: names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name)),
  };
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least) return value;
  throw new Error(`${option} ${text}: expected a whole number from ${least} on`);
}

/** On a terminal, what is under way stands in the last line. */
function status(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001B[K${text}`);
}

function say(line: string): void {
  status('');
  console.log(line);
}

async function play({ rounds, seed, scenarios, brief, logs }: Settings): Promise<number> {
  say(`seed ${seed}; ${rounds} rounds each of ${scenarios.map(({ name }) => name).join(', ')}`);
  status('starting a broker and ClickHouse…');
  const world = await World.open();
  // Its processes end with it; what is left is a folder.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      rmSync(world.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
      process.exit(130);
    });
  }
  const memory = new Memory();
  let passed = 0;
  let failed = 0;
  try {
    for (const scenario of scenarios) {
      const obstacle = scenario.obstacle?.();
      if (obstacle !== undefined) {
        say(`skipped ${scenario.name}: ${obstacle}`);
        continue;
      }
      for (let i = 0; i < rounds; i++) {
        const of = `${scenario.name} ${i + 1}/${rounds}, seed ${seed + i}`;
        status(`${of}… (${passed} passed, ${failed} failed)`);
        const { ms, done, failure } = await playRound(scenario, seed + i, world, memory, {
          keepAllLogs: logs,
          brief,
        });
        if (failure === undefined) passed += 1;
        else failed += 1;
        const seconds = (ms / 1000).toFixed(1);
        say(
          failure === undefined
            ? `ok ${of}: ${done} (${seconds} s)`
            : `FAILED ${of} (${seconds} s): ${failure}`,
        );
      }
    }
    const hits = CRASH_STEPS.filter((step) => memory.hits.has(step));
    if (hits.length > 0) {
      say(`deaths at each step: ${hits.map((step) => `${step} ${memory.hits.get(step)}`).join(', ')}`);
    }
  } finally {
    await cleanUp();
    await world.close();
  }
  say(`${passed} passed, ${failed} failed`);
  // Where every scenario was skipped, nothing was shown.
  return failed === 0 && passed > 0 ? 0 : 1;
}

let given: Settings;
try {
  given = settings();
} catch (error) {
  console.error(messageOf(error));
  process.exit(2);
}
try {
  process.exitCode = await play(given);
} catch (error) {
  console.error(messageOf(error));
  say('0 passed, 1 failed');
  process.exitCode = 1;
}
