/** Sends canaries for ever, one rule after the other, spread evenly over the interval. */

import type { Clock } from '../clock.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { Outcome } from './prover.ts';

export interface WatchOptions {
  readonly rules: readonly CorrelationRule[];
  /** Wall time between two canaries of one rule, ms. */
  readonly everyMs: number;
  readonly prove: (rule: CorrelationRule) => Promise<Outcome>;
  readonly told: (rule: CorrelationRule, outcome: Outcome) => void;
  readonly clock: Clock;
  /** Rejects once the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Most canaries of a rule per timespan: each leaves a group and an open alert for that long. */
const MOST_IN_TIMESPAN = 24;
/**
 * After a missed canary the next one comes sooner, so a single failure is checked again instead of believed for an
 * hour.
 */
const AGAIN_MS = 5 * 60_000;

/** Runs until `stop` aborts. */
export async function watch(options: WatchOptions, stop: AbortSignal): Promise<void> {
  const { rules, everyMs, clock, sleep, prove, told } = options;
  const start = clock.elapsed();
  const due = new Map(rules.map((rule, i) => [rule, start + (i * everyMs) / rules.length]));
  while (!stop.aborted && rules.length > 0) {
    const now = clock.elapsed();
    for (const [rule, at] of due) {
      if (at > now) continue;
      const intervalMs = Math.max(everyMs, rule.timespanMs / MOST_IN_TIMESPAN);
      due.set(rule, now + intervalMs);
      void prove(rule).then(
        (outcome) => {
          if (outcome.result === 'missed') due.set(rule, clock.elapsed() + Math.min(intervalMs, AGAIN_MS));
          // Operators would see the other canaries too, so this rule is tried again before any other is sent.
          if (outcome.result === 'seen' && outcome.shownToOperators) {
            const again = due.get(rule)!;
            for (const [other, at] of due) if (other !== rule && at <= again) due.set(other, at + intervalMs);
          }
          told(rule, outcome);
        },
        // It rejects only when stopped.
        () => undefined,
      );
    }
    const next = Math.min(...due.values());
    await sleep(Math.max(1, Math.min(1000, next - clock.elapsed())), stop).catch(() => undefined);
  }
}
