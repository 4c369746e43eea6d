/**
 * Retries with jittered exponential backoff until the work succeeds, fails for good, or the signal aborts. Nothing is
 * dropped: while a retry waits, the caller waits, and that is the backpressure.
 */

import { setTimeout as sleepTimer } from 'node:timers/promises';
import { type Backoff, backoffMs } from '../backoff.ts';
import { orAborted } from '../abort.ts';
import { messageOf, VigieError } from '../errors.ts';

export type Sleep = (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;

export interface RetryOptions extends Backoff {
  /** Turns the thrown value into an error for people, which says whether a retry can help. */
  readonly describe: (thrown: unknown) => VigieError;
  /** Called before each wait; attempts count from 1. */
  readonly onRetry: (error: VigieError, attempt: number, delayMs: number) => void;
  /** Called when a retry succeeds. */
  readonly onRecovered?: () => void;
  readonly signal: AbortSignal | undefined;
  /** Retries any failure, whatever its error says. */
  readonly always?: boolean;
  /** What is being done, for the error on abort. Default: writing. */
  readonly doing?: string;
  /** The work cannot be cancelled: on abort it is left running, and may still take effect. */
  readonly leaves?: boolean;
  readonly sleep: Sleep;
}

/** For work that throws VigieErrors, which say themselves whether a retry can help. Anything else is a defect. */
export function ownFailure(code: string, doing: string, thrown: unknown): VigieError {
  if (thrown instanceof VigieError) return thrown;
  return new VigieError(code, `${doing}: ${messageOf(thrown)}`, {
    remedy: 'This is a defect: please report it.',
    cause: thrown,
  });
}

/** Rejects on abort with the signal's reason. */
export const systemSleep: Sleep = async (delayMs, signal) => {
  await sleepTimer(delayMs, undefined, signal === undefined ? {} : { signal });
};

/**
 * Runs `work` until it resolves. Throws the described error if it is not retryable, and VigieError SINK_ABORTED if the
 * signal aborts first.
 */
export async function withRetries<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal } = options;
  const left = options.leaves === true ? signal : undefined;
  let failure: VigieError | undefined;
  const throwIfStopped = (): void => throwIfAborted(signal, failure, options.doing);
  for (let attempt = 1; ; attempt++) {
    throwIfStopped();
    try {
      const result = await orAborted(work(), left);
      if (attempt > 1) options.onRecovered?.();
      return result;
    } catch (error) {
      if (isAbort(error) || (left?.aborted === true && error === left.reason)) throwIfStopped();
      failure = options.describe(error);
      throwIfStopped();
      if (!failure.retryable && options.always !== true) throw failure;
    }
    const delayMs = backoffMs(attempt, options);
    options.onRetry(failure, attempt, delayMs);
    try {
      await options.sleep(delayMs, signal);
    } catch {
      throwIfStopped();
      throw failure;
    }
  }
}

/** True if work ended because it was told to, which is no failure to tell of; with the words of `@clickhouse/client`. */
function isAbort(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    (thrown.name === 'AbortError' || thrown.message === 'The user aborted a request.')
  );
}

/** Like `withRetries`, for work that throws VigieErrors and cannot be cancelled, such as sending to a broker. */
export function keepTrying<T>(
  work: () => Promise<T>,
  {
    code,
    ...options
  }: Pick<RetryOptions, 'onRetry' | 'onRecovered' | 'signal' | 'baseMs'> & { code: string; doing: string },
): Promise<T> {
  return withRetries(work, {
    describe: (thrown) => ownFailure(code, `${options.doing} failed`, thrown),
    ...options,
    leaves: true,
    sleep: systemSleep,
    random: Math.random,
    maxMs: KEEP_TRYING_MAX_MS,
  });
}

const KEEP_TRYING_MAX_MS = 5000;

function throwIfAborted(
  signal: AbortSignal | undefined,
  last: VigieError | undefined,
  doing = 'writing',
): void {
  if (signal?.aborted !== true) return;
  throw new VigieError(
    'SINK_ABORTED',
    last
      ? `writing was stopped while failing: ${last.message}`
      : `${doing} was stopped before anybody answered`,
    {
      retryable: true,
      remedy: 'Nothing was acknowledged: the same input is processed again at the next start.',
      cause: last,
    },
  );
}
