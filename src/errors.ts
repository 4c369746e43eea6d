/**
 * Coded errors. Every error that a user may meet carries a stable code, whether a retry can help, and what to do about
 * it; anything else that is thrown is a defect.
 */

export interface VigieErrorOptions {
  /** What the reader can do about it, one sentence. */
  readonly remedy?: string | undefined;
  /** True if the same call may succeed later without anybody changing anything. Default false. */
  readonly retryable?: boolean;
  /** How long the failing party asks not to be retried, ms. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

export class VigieError extends Error {
  /** Stable, upper case, e.g. `CONFIG_INVALID`. */
  readonly code: string;
  readonly retryable: boolean;
  readonly remedy: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: VigieErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VigieError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.remedy = options.remedy;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The message of anything that was thrown. Never throws, whatever the thrown value's own conversion does. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    return `a thrown ${typeof thrown} that has no text`;
  }
}

/**
 * For code that returns errors by the thousand as results about a text: recording their stack traces would take most of
 * its time.
 */
export function withoutStackTraces<T>(run: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
