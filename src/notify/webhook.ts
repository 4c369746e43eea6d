/**
 * Delivers notifications to one address. The path of the address is a secret (whoever knows a chat's path can write to
 * the chat), so no message contains it.
 */

import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import { headersOf, type Notification } from './notification.ts';

export interface WebhookOptions {
  readonly url: string;
  readonly secret: Uint8Array | undefined;
  readonly clock: Clock;
}

export type Deliver = (notification: Notification, stop: AbortSignal) => Promise<void>;

const TIMEOUT_MS = 15_000;

/**
 * Throws WEBHOOK_FAILED for a fault of the connection or the receiver, WEBHOOK_REFUSED for a fault of this
 * notification. Either carries the pause that the receiver asks for, if any.
 */
export function webhook({ url, secret, clock }: WebhookOptions): Deliver {
  const { host } = new URL(url);
  return async (notification, stop) => {
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: headersOf(notification, secret, clock.now()),
        body: notification.body,
        // The operator configured this address, not the one behind a redirect.
        redirect: 'manual',
        signal: AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.body?.cancel();
    } catch (error) {
      throw new VigieError('WEBHOOK_FAILED', `${host} cannot be reached: ${reasonOf(error)}`, {
        remedy: 'Check VIGIE_WEBHOOK_URL, and that this machine may reach it.',
        retryable: true,
      });
    }
    if (response.ok) return;
    const { status } = response;
    const isOurs = status === 400 || status === 413 || status === 422;
    throw new VigieError(isOurs ? 'WEBHOOK_REFUSED' : 'WEBHOOK_FAILED', `${host} answered ${status}`, {
      remedy: 'Look into its log; 401, 403, 404 and 410 speak of VIGIE_WEBHOOK_URL and VIGIE_WEBHOOK_SECRET.',
      retryable: true,
      retryAfterMs: retryAfter(response.headers.get('retry-after'), clock.now()),
    });
  };
}

/**
 * Retry-After, seconds or a date (RFC 9110, 10.2.3), as milliseconds from now; undefined if it is neither, or not in
 * the future.
 */
function retryAfter(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  const waitMs = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - nowMs;
  return waitMs > 0 ? waitMs : undefined;
}

/** The cause's code only: messages of `fetch` may contain the address. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${TIMEOUT_MS / 1000} s`;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (cause instanceof Error && cause.message === 'bad port')
    return 'this port is kept for another protocol, and never asked (Fetch standard, bad ports)';
  return typeof code === 'string' ? code : 'the request failed';
}
