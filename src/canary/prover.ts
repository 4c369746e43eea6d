/**
 * Sends canaries and checks, as an operator would, whether their alerts appear in the database. Any failure on the way
 * counts as a canary that was missed.
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
  /** Resolves once the events can no longer be lost. */
  readonly send: (events: readonly CanaryEvent[]) => Promise<void>;
  /** Connects to a store of alerts; the prover closes it. */
  readonly connect: () => Promise<AlertStore>;
  /** How long after they happen the portals' events arrive, ms. A canary without this delay would make them late. */
  readonly behindMs: number;
  /** How long to wait for an alert, ms, beyond what its rule itself waits. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Rejects once the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export type Outcome =
  | {
      readonly result: 'seen';
      readonly events: number;
      /** From the start of sending until the alert could be read, ms. */
      readonly ms: number;
      /** The rule waited for the watermark, so `ms` does not measure speed. */
      readonly waited: boolean;
      /** The service does not know the key, so operators see the alert like any other. */
      readonly shownToOperators: boolean;
    }
  | { readonly result: 'missed'; readonly events: number; readonly reason: string }
  /** No canary can be made of this rule, or it was not sent. */
  | { readonly result: 'unproved'; readonly reason: string };

/** Wall time between two queries for the alert. */
const LOOK_MS = 500;

const NOT_SENT: Outcome = { result: 'unproved', reason: 'not sent: operators would see it' };

/**
 * Sends canaries of all rules and returns the outcomes in the rules' order. The first goes alone, and the others follow
 * only if operators do not see it. Rejects like `prove`.
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

/** Sends a canary of the rule and waits for its alert. Rejects with the reason of `stop` once it aborts. */
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
