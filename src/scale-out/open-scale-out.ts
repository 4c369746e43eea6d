/** Starts a process of a scaled-out detector: opens the topic of signals, and warns operators where needed. */

import { routesOf, unscaled } from '../detect/routing.ts';
import { longestReachOf } from '../pipeline/restore-plan.ts';
import { ScaleOut, type ScaleOutOptions } from './scale-out.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { keepTrying, type RetryOptions } from '../sink/retry.ts';
import { FULL_BYTES } from '../signal/router.ts';
import { SIZE_REMEDY, type SignalSink, type SignalTopic } from '../sink/signal-topic.ts';

/** How sending signals is retried. */
export interface Persistence extends Pick<RetryOptions, 'onRetry'> {
  readonly onRecovered: () => void;
  /** Ends the wait for the topic. */
  readonly stop: AbortSignal;
}

/** Opens the topic, created if missing, and waits for it. Throws failures that retrying cannot repair. */
export async function openScaleOut(
  options: Omit<ScaleOutOptions, 'signals' | 'shards'>,
  topic: SignalTopic,
  { stop, onRetry, onRecovered }: Persistence,
): Promise<ScaleOut> {
  const { pipeline, logger } = options;
  const retrying = <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> =>
    keepTrying(work, {
      code: 'SIGNALS_FAILED',
      doing: 'sending signals',
      onRetry,
      onRecovered,
      signal,
    });
  const opened = await retrying(() => topic.open(), stop);
  const { partitions: shards, retentionMs: kept, messageBytes: bytes } = opened;
  const needed = signalRetentionMs(pipeline.ruleSet, pipeline.latenessMs);
  if (kept !== undefined && kept < needed) {
    const [keptDays, neededDays] = [kept, needed].map((ms) => Math.ceil(ms / DAY_MS));
    logger.warn(
      { code: 'SIGNALS_RETENTION', keptDays, neededDays, remedy: 'Raise retention.ms of the signals topic.' },
      'the signals topic keeps less than the rules look back: a shard that begins without saved state misses alerts',
    );
  }
  const largest = FULL_BYTES + 2 * pipeline.maxEventBytes;
  if (bytes !== undefined && bytes < largest) {
    logger.warn(
      { code: 'SIGNALS_MESSAGE_SIZE', bytes, largest, remedy: SIZE_REMEDY },
      'the signals topic takes smaller messages than there may be: one that is too large would hold up all after it',
    );
  }
  const fixed = unscaled(routesOf(pipeline.ruleSet.correlations));
  if (fixed.length > 0) {
    logger.warn(
      { code: 'RULES_UNSCALED', rules: fixed },
      'these rules have no group-by field in common: each is correlated by one process, however many there are',
    );
  }
  const signals: SignalSink = {
    send: (messages, signal) => retrying(() => topic.send(messages), signal),
  };
  return new ScaleOut({ ...options, signals, shards });
}

/** How long the topic must keep signals for a shard that has nothing but its log, ms. */
export function signalRetentionMs(ruleSet: RuleSet, latenessMs: number): number {
  return longestReachOf(ruleSet) + latenessMs + RETENTION_MARGIN_MS;
}

const DAY_MS = 86_400_000;
/** For outages, and alerts that stay open. */
const RETENTION_MARGIN_MS = 7 * DAY_MS;
