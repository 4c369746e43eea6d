/**
 * Sends canaries and looks whether alerts come of them, as an operator would: in the database. Whatever goes wrong on
 * the way is a canary that was not seen.
 */

import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { RuleTests } from '../eval/rule-test-form.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { AlertStore } from '../sink/alert-store.ts';
import { type Canary, type CanaryEvent, canaryOf, type CanarySettings, laterEvent } from './canary.ts';

export interface ProverOptions {
  readonly settings: CanarySettings;
  readonly tests: readonly RuleTests[];
  /** Resolves once they cannot be lost any more. */
  readonly send: (events: readonly CanaryEvent[]) => Promise<void>;
  /** A store of alerts to ask, closed afterwards. */
  readonly connect: () => Promise<AlertStore>;
  /** So much later than they happen the portals' events come, ms; a canary that came sooner would make them late. */
  readonly behindMs: number;
  /** For so long an alert is waited for, ms, beyond what its rule waits itself. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Rejects once the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export type Outcome =
  | {
      readonly result: 'seen';
      readonly events: number;
      /** From the last event until the alert could be read, ms. */
      readonly ms: number;
      /** It waited for event time, which is no measure of speed. */
      readonly waited: boolean;
      /** The service does not know the key: operators see an alert like any other. */
      readonly shownToOperators: boolean;
    }
  | { readonly result: 'missed'; readonly events: number; readonly reason: string }
  /** None can be made of this rule. */
  | { readonly result: 'unproved'; readonly reason: string };

/** Wall time between two looks whether the alert is there. */
const LOOK_MS = 500;

const NOT_SENT: Outcome = { result: 'unproved', reason: 'not sent: operators would see it' };

/**
 * Canaries of all rules, in their order: one alone, and the others only if operators do not see that. Rejects as `prove`.
 */
export async function proveAll(
  rules: readonly CorrelationRule[],
  proveOne: (rule: CorrelationRule) => Promise<Outcome>,
): Promise<(readonly [CorrelationRule, Outcome])[]> {
  const alone: Outcome[] = [];
  for (const rule of rules) {
    alone.push(await proveOne(rule));
    if (alone.at(-1)!.result !== 'unproved') break;
  }
  const shown = alone.some((outcome) => outcome.result === 'seen' && outcome.shownToOperators);
  return Promise.all(
    rules.map(async (rule, i) => [rule, alone[i] ?? (shown ? NOT_SENT : await proveOne(rule))] as const),
  );
}

/** Sends a canary of the rule and waits for its alert. Rejects once `stop` aborts, with its reason. */
export async function prove(
  rule: CorrelationRule,
  options: ProverOptions,
  stop: AbortSignal,
): Promise<Outcome> {
  const { settings, tests, behindMs, clock, send } = options;
  const canary = canaryOf(rule, tests, settings, clock.now() - behindMs);
  if (typeof canary === 'string') return { result: 'unproved', reason: canary };
  const events = canary.events.length;
  const since = clock.elapsed();
  try {
    await send(canary.events);
    const alert = await awaited(canary, options, stop);
    if (alert === undefined) {
      const reason = `no alert could be read within ${Math.round((clock.elapsed() - since) / 1000)} s`;
      return { result: 'missed', events, reason };
    }
    const waited = canary.laterMs !== undefined;
    return { result: 'seen', events, ms: clock.elapsed() - since, waited, shownToOperators: !alert.canary };
  } catch (error) {
    stop.throwIfAborted();
    return { result: 'missed', events, reason: messageOf(error) };
  }
}

async function awaited(
  { rule, group, laterMs }: Canary,
  { settings, send, connect, behindMs, timeoutMs, clock, sleep }: ProverOptions,
  stop: AbortSignal,
): Promise<{ readonly canary: boolean } | undefined> {
  const who = Object.values(group).find((value) => value !== null)!;
  const since = clock.elapsed();
  let laterDueMs = laterMs ?? Infinity;
  const store = await connect();
  try {
    for (;;) {
      for (const canary of [true, false]) {
        const [alert] = await store.list({ rule: rule.key, who, canary, limit: 1 });
        if (alert !== undefined) return { canary };
      }
      const ms = clock.elapsed() - since;
      if (ms > timeoutMs + (laterMs ?? 0)) return undefined;
      if (ms > laterDueMs) {
        laterDueMs = Infinity;
        await send([laterEvent(clock.now() - behindMs, settings)]);
      }
      await sleep(LOOK_MS, stop);
    }
  } finally {
    await store.close();
  }
}
