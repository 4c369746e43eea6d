/**
 * Retries the writing of dead letters: a failure that may pass (an unreachable broker, a full disk) is retried until
 * the signal aborts, so it holds the pipeline back instead of ending it; any other failure rejects at once.
 */

import { keepTrying } from './retry.ts';
import type { RetryOptions } from './retry.ts';
import type { DeadLetterSink } from './sink.ts';

export interface RetryingOptions extends Pick<RetryOptions, 'onRetry'> {
  readonly onRecovered: () => void;
  /** First delay, ms. Default 200. */
  readonly baseMs?: number;
}

export function retryingDeadLetters(sink: DeadLetterSink, options: RetryingOptions): DeadLetterSink {
  const failing = { code: 'DEAD_LETTERS_FAILED', doing: 'writing dead letters' };
  return {
    write: (letters, signal) => keepTrying(() => sink.write(letters), { ...failing, ...options, signal }),
    close: () => sink.close(),
  };
}
