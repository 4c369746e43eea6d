/**
 * Tokens for SASL OAUTHBEARER: read from a file that somebody else renews, or fetched with client credentials (OAuth
 * 2.0, RFC 6749, section 4.4). A fetched token is renewed after four fifths of its life, but used to its end while no
 * new one can be had.
 *
 * No message contains a token or a secret.
 */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { messageOf, VigieError } from '../errors.ts';
import { openFailure, shownPath } from '../config/shown-path.ts';
import type { Log } from './kafka-client.ts';

export type TokenProvider = () => Promise<{ readonly value: string }>;

/** Reads the file anew for each connection. Throws KAFKA_TOKEN_UNAVAILABLE. */
export function tokenFromFile(path: string): TokenProvider {
  return async () => {
    let value: string;
    try {
      value = (await readFile(path, 'utf8')).trim();
    } catch (error) {
      throw unavailable(
        `KAFKA_OAUTH_TOKEN_FILE=${shownPath(path)} cannot be read: ${openFailure(path, error)}`,
        error,
      );
    }
    if (value === '') throw unavailable(`KAFKA_OAUTH_TOKEN_FILE=${path} is empty`);
    return { value };
  };
}

export interface ClientCredentials {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const answerSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().optional(),
});
/** Only words as the protocol defines them: anything else may echo what was sent. */
const refusalSchema = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/) });
const TIMEOUT_MS = 5000;
/** Life of a token that does not state one. */
const DEFAULT_LIFE_SECONDS = 300;

/** Delay between attempts while the old token is still valid: connections must not wait for the server each time. */
const ASK_AGAIN_MS = 10_000;

interface KeptToken {
  readonly value: string;
  renewAtMs: number;
  readonly endsAtMs: number;
}

/** Throws KAFKA_TOKEN_UNAVAILABLE, KAFKA_TOKEN_REFUSED. */
export function tokenFromServer(credentials: ClientCredentials): TokenProvider {
  const { clock, log } = credentials;
  let kept: KeptToken | undefined;
  let asking: Promise<{ readonly value: string }> | undefined;
  const ask = async (): Promise<{ readonly value: string }> => {
    const since = clock.elapsed();
    try {
      const { access_token: value, expires_in: seconds = DEFAULT_LIFE_SECONDS } =
        await fetchToken(credentials);
      kept = { value, renewAtMs: since + seconds * 800, endsAtMs: since + seconds * 1000 };
    } catch (error) {
      if (kept === undefined || clock.elapsed() >= kept.endsAtMs || !(error instanceof VigieError))
        throw error;
      kept.renewAtMs = clock.elapsed() + ASK_AGAIN_MS;
      const endsInSeconds = Math.round((kept.endsAtMs - clock.elapsed()) / 1000);
      const { code, message, remedy } = error;
      log('warn', `no new token, the old one is used until it ends: ${message}`, {
        code,
        remedy,
        endsInSeconds,
      });
    }
    return { value: kept.value };
  };
  return async () => {
    if (kept !== undefined && clock.elapsed() < Math.min(kept.renewAtMs, kept.endsAtMs)) {
      return { value: kept.value };
    }
    // All connections open at once, and share a request.
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

async function fetchToken({
  url: fullUrl,
  clientId,
  clientSecret,
  scope,
}: ClientCredentials): Promise<z.infer<typeof answerSchema>> {
  const url = withoutQuery(fullUrl);
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(fullUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${basic.toString('base64')}`, accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...(scope === undefined ? {} : { scope }),
      }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    body = await response.json().catch(() => undefined);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw unavailable(`KAFKA_OAUTH_TOKEN_URL=${url} does not answer: ${messageOf(cause)}`, error);
  }
  if (response.status >= 500) throw unavailable(`KAFKA_OAUTH_TOKEN_URL=${url} answers ${response.status}`);
  if (!response.ok) {
    const refusal = refusalSchema.safeParse(body);
    const why = refusal.success ? `: ${refusal.data.error}` : '';
    throw new VigieError(
      'KAFKA_TOKEN_REFUSED',
      `KAFKA_OAUTH_TOKEN_URL=${url} answers ${response.status} to KAFKA_OAUTH_CLIENT_ID=${clientId}${why}`,
      {
        retryable: true,
        remedy:
          'Check the client id, its secret and the scope; trying again helps only once the server accepts them.',
      },
    );
  }
  const answer = answerSchema.safeParse(body);
  if (!answer.success) throw unavailable(`KAFKA_OAUTH_TOKEN_URL=${url} answers without an access_token`);
  return answer.data;
}

/** For messages: some servers take a secret in the query parameters. */
export function withoutQuery(url: string): string {
  return url.split('?', 1)[0]!;
}

function unavailable(message: string, cause?: unknown): VigieError {
  return new VigieError('KAFKA_TOKEN_UNAVAILABLE', message, {
    retryable: true,
    remedy: 'Check the setting, and that whoever issues tokens is up.',
    cause,
  });
}
