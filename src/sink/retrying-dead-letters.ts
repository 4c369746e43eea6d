/**
 * Dead letters that wait for their sink: a failure that may pass (an unreachable broker, a full disk) is tried
 * again until the signal aborts, so it holds the pipeline back instead of ending it; one that cannot pass rejects at
 * once.
 */

import { ownFailures, systemSleep, withRetries } from './retry.ts';
import type { RetryOptions } from './retry.ts';
import type { DeadLetterSink } from './sink.ts';

export interface RetryingOptions extends Pick<RetryOptions, 'onRetry'> {
  readonly onRecovered: () => void;
  /** First delay, ms. Default 200. */
  readonly baseMs?: number;
}

/** Longest delay between two attempts, ms. */
const MAX_DELAY_MS = 5000;

export function retryingDeadLetters(sink: DeadLetterSink, options: RetryingOptions): DeadLetterSink {
  const { baseMs = 200, onRetry, onRecovered } = options;
  return {
    write: (letters, signal) =>
      withRetries(() => sink.write(letters), {
        ...ownFailures('DEAD_LETTERS_FAILED', 'dead letters cannot be written'),
        onRetry,
        onRecovered,
        signal,
        leaves: true,
        sleep: systemSleep,
        random: Math.random,
        baseMs,
        maxMs: MAX_DELAY_MS,
      }),
    close: () => sink.close(),
  };
}
