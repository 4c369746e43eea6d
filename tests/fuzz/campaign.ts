/**
 * Runs many seeded cases, each with a seed of its own, so that a failure is one case to run again:
 * `FUZZ_SEED=<seed> FUZZ_CASES=1 npx vitest run tests/fuzz`. More than the default: `FUZZ_CASES=1000000`.
 * `FUZZ_SLOW_MS=100` makes a case fail that takes more CPU time than that, three times; the default only finds hangs.
 * A case of more than 40,000 characters may take longer in proportion, 250 ms for the longest (100,000): YAML that is
 * nearly all punctuation (`a: a: a: `) is read at about 2 ms for 1,000 characters, most of it in the YAML library, and
 * in time proportional to the length; what grows faster than that still fails. Every 10,000 cases a line on
 * standard error says how many have run, so that a campaign that is cut short has a count.
 */

import { writeSync } from 'node:fs';
import { Random } from './random.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_250_712);
const SLOW_MS = Number(process.env['FUZZ_SLOW_MS'] ?? 10_000);

/** Cases between two lines of progress. */
const PROGRESS = 10_000;

const STANDARD_ERROR = 2;

/** Time limit for the test around a campaign: only an endless loop reaches it. */
export const CAMPAIGN_LIMIT_MS = 7 * 24 * 3_600_000;

export interface Case {
  /** For the message of a failure. */
  readonly input: string;
  readonly run: () => void;
}

/** Throws on the first case that throws or is slow, with its seed and input. Returns how many ran. */
export function campaign(defaultCases: number, build: (random: Random) => Case): number {
  const cases = Number(process.env['FUZZ_CASES'] ?? defaultCases);
  for (let i = 0; i < cases; i++) {
    if (i > 0 && i % PROGRESS === 0) writeSync(STANDARD_ERROR, `${i} of ${cases} cases from seed ${SEED}\n`);
    const seed = (SEED + i) | 0;
    const { input, run } = build(new Random(seed));
    const slowMs = SLOW_MS * Math.max(1, input.length / 40_000);
    try {
      let ms = timed(run);
      // The first time may include compiling this program's own code, or a pause of the collector.
      for (let again = 0; again < 2 && ms > slowMs; again++) ms = Math.min(ms, timed(run));
      if (ms > slowMs) throw new Error(`took ${Math.round(ms)} ms`);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}; the input was ${input.length} characters:\n${input}`, {
        cause,
      });
    }
  }
  return cases;
}

/** CPU time of this thread in ms: what else runs on the machine does not count. */
function timed(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
