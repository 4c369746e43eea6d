/**
 * Dead letters that wait for their sink: a failure that may pass (an unreachable broker, a full disk) is tried
 * again, so it holds the pipeline back instead of ending it; one that cannot pass rejects at once.
 */

import { ownFailures, systemSleep, withRetries } from './retry.ts';
import type { RetryOptions } from './retry.ts';
import type { DeadLetterSink } from './sink.ts';

export interface RetryingOptions extends Pick<RetryOptions, 'onRetry'> {
  readonly onRecovered: () => void;
  /** What is in hand when it aborts gets a little longer to be taken. */
  readonly stop: AbortSignal;
  /** How much longer, ms. Default 8000. */
  readonly finalMs?: number;
  /** First delay, ms. Default 200. */
  readonly baseMs?: number;
}

/** Longest delay between two attempts, ms. */
const MAX_DELAY_MS = 5000;

export function retryingDeadLetters(sink: DeadLetterSink, options: RetryingOptions): DeadLetterSink {
  const { stop, finalMs = 8000, baseMs = 200, onRetry, onRecovered } = options;
  const end = new AbortController();
  const onStop = (): unknown => setTimeout(() => end.abort(), finalMs).unref();
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  return {
    write: (letters) =>
      withRetries(() => sink.write(letters), {
        ...ownFailures('DEAD_LETTERS_FAILED', 'dead letters cannot be written'),
        onRetry,
        onRecovered,
        signal: end.signal,
        sleep: systemSleep,
        random: Math.random,
        baseMs,
        maxMs: MAX_DELAY_MS,
      }),
    close: () => {
      stop.removeEventListener('abort', onStop);
      return sink.close();
    },
  };
}
