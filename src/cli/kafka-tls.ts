/**
 * Certificates and key of the Kafka connection, read and checked before connecting: a broker that rejects a client's
 * certificate does not say why. They are read again for each new connection, so renewed ones need no restart. Files that
 * cannot be used, as while a renewal is half done, leave those before in use.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/settings.ts';
import { messageOf, VigieError } from '../errors.ts';
import { openFailure, shownPath } from '../config/shown-path.ts';
import type { KafkaConnection, Log } from '../source/kafka-client.ts';

type Tls = Pick<KafkaConnection, 'ssl' | 'tlsFiles' | 'certificateEndsMs'>;

/** By setting: paths, or what the files hold. */
type Files = Partial<Record<'KAFKA_SSL_CA' | 'KAFKA_SSL_CERT' | 'KAFKA_SSL_KEY', string>>;

/** Throws CONFIG_INVALID, KAFKA_CERT_INVALID, KAFKA_CERT_EXPIRED. */
export function kafkaTls(config: Config, log: Log, clock: Clock): Tls {
  const { kafka_ssl_ca: ca, kafka_ssl_cert: cert, kafka_ssl_key: key } = config;
  const paths: Files = {
    ...(ca === undefined ? {} : { KAFKA_SSL_CA: ca }),
    ...(cert === undefined ? {} : { KAFKA_SSL_CERT: cert }),
    ...(key === undefined ? {} : { KAFKA_SSL_KEY: key }),
  };
  const [first] = Object.keys(paths);
  if (!config.kafka_ssl) {
    if (first === undefined) return {};
    throw new VigieError('CONFIG_INVALID', `${first} is set, but KAFKA_SSL is false`, {
      remedy: 'Set KAFKA_SSL=true, or remove the certificates.',
    });
  }
  if (first === undefined) return { ssl: true };
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    throw new VigieError('CONFIG_INVALID', `KAFKA_SSL_${given} is set without KAFKA_SSL_${missing}`, {
      remedy: 'Set both for a client certificate, or neither.',
    });
  }
  const inUse = renewable(paths, config.kafka_ssl_key_passphrase, log, clock);
  return { ssl: () => inUse().options, tlsFiles: paths, certificateEndsMs: () => inUse().endsMs };
}

interface Credentials {
  readonly options: SecureContextOptions;
  /** End of the client certificate, ms since the epoch. */
  readonly endsMs?: number;
}

/** Returns what the files hold now or, if that cannot be used, what they held before. */
function renewable(paths: Files, passphrase: string | undefined, log: Log, clock: Clock): () => Credentials {
  let texts = readAll(paths);
  let inUse = credentials(paths, texts, passphrase, clock);
  let refused: Files | undefined;
  let told: string | undefined;
  return () => {
    let now: Files | undefined;
    try {
      now = readAll(paths, texts);
      if (isDeepStrictEqual(now, texts)) {
        told = undefined;
        return inUse;
      }
      // Decrypting a key can take long, and each scrape asks.
      if (isDeepStrictEqual(now, refused)) return inUse;
      inUse = credentials(paths, now, passphrase, clock);
      texts = now;
      told = undefined;
      log('info', 'the certificates for Kafka were renewed: new connections use them', paths);
    } catch (error) {
      if (!(error instanceof VigieError)) throw error;
      const { code, message, remedy } = error;
      // One that is not valid yet will be, and its message has the time.
      const isOfTime = code === 'KAFKA_CERT_EXPIRED';
      refused = isOfTime ? undefined : now;
      const saying = isOfTime ? code : message;
      if (saying !== told)
        log('warn', `new connections to Kafka use the certificates read before: ${message}`, {
          code,
          remedy,
        });
      told = saying;
    }
    return inUse;
  };
}

function readAll(paths: Files, before: Files = {}): Files {
  return Object.fromEntries(
    Object.entries(paths).map(([setting, path]) => [
      setting,
      read(setting, path, before[setting as keyof Files]),
    ]),
  );
}

function read(setting: string, path: string, before: string | undefined): string {
  try {
    // A pipe, such as that of <(…), can be read once; a second read would wait for ever.
    if (before !== undefined && !statSync(path).isFile()) return before;
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`${setting}=${shownPath(path)} cannot be read: ${openFailure(path, error)}`, error);
  }
}

function credentials(
  paths: Files,
  { KAFKA_SSL_CA: ca, KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: key }: Files,
  passphrase: string | undefined,
  clock: Clock,
): Credentials {
  const authorities =
    ca === undefined
      ? {}
      : { ca: certificates(`KAFKA_SSL_CA=${paths.KAFKA_SSL_CA}`, ca).map(({ pem }) => pem) };
  if (cert === undefined || key === undefined) return { options: authorities };
  const certPlace = `KAFKA_SSL_CERT=${paths.KAFKA_SSL_CERT}`;
  const keyPlace = `KAFKA_SSL_KEY=${paths.KAFKA_SSL_KEY}`;
  const chain = certificates(certPlace, cert);
  const { parsed } = chain[0]!;
  const now = clock.now();
  const endsMs = parsed.validToDate.getTime();
  if (now >= endsMs || now < parsed.validFromDate.getTime()) {
    throw new VigieError(
      'KAFKA_CERT_EXPIRED',
      `the certificate of ${certPlace} is valid from ${parsed.validFromDate.toISOString()} to ${parsed.validToDate.toISOString()}, and now it is ${new Date(now).toISOString()}`,
      { remedy: 'Put a renewed certificate there, or set the clock of this machine.' },
    );
  }
  let parsedKey: KeyObject;
  try {
    parsedKey = createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw invalid(
      `the key of ${keyPlace} cannot be read: it is no private key in PEM, or KAFKA_SSL_KEY_PASSPHRASE is missing or wrong`,
      error,
    );
  }
  if (!parsed.checkPrivateKey(parsedKey))
    throw invalid(`the key of ${keyPlace} does not belong to ${certPlace}`);
  return {
    options: {
      ...authorities,
      cert: chain.map(({ pem }) => pem).join('\n'),
      key,
      ...(passphrase === undefined ? {} : { passphrase }),
    },
    endsMs,
  };
}

interface Certificate {
  readonly pem: string;
  readonly parsed: X509Certificate;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function certificates(place: string, text: string): Certificate[] {
  const found = (text.match(BLOCK) ?? []).map((pem) => {
    try {
      return { pem, parsed: new X509Certificate(pem) };
    } catch (error) {
      throw invalid(`${place} holds a certificate that cannot be read: ${messageOf(error)}`, error);
    }
  });
  if (found.length === 0) throw invalid(`${place} holds no certificate in PEM`);
  return found;
}

function invalid(message: string, cause?: unknown): VigieError {
  return new VigieError('KAFKA_CERT_INVALID', message, {
    remedy: 'Correct the file or the setting.',
    cause,
  });
}
