/**
 * Certificates and key of the Kafka connection, read and checked before connecting: a broker that rejects a client's
 * certificate does not say why.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/settings.ts';
import { messageOf, VigieError } from '../errors.ts';
import { openFailure, shownPath } from '../config/shown-path.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';

type Tls = Pick<KafkaConnection, 'ssl' | 'tlsFiles'>;

/** Throws CONFIG_INVALID, KAFKA_CERT_INVALID, KAFKA_CERT_EXPIRED. */
export function kafkaTls(config: Config, clock: Clock): Tls {
  const { kafka_ssl_ca: ca, kafka_ssl_cert: cert, kafka_ssl_key: key } = config;
  const files = {
    ...(ca === undefined ? {} : { KAFKA_SSL_CA: ca }),
    ...(cert === undefined ? {} : { KAFKA_SSL_CERT: cert }),
    ...(key === undefined ? {} : { KAFKA_SSL_KEY: key }),
  };
  const [first] = Object.keys(files);
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
  const authorities = ca === undefined ? undefined : certificates('KAFKA_SSL_CA', ca);
  const client = cert === undefined || key === undefined ? undefined : pair(cert, key, config, clock);
  return {
    ssl: { ...(authorities === undefined ? {} : { ca: authorities.map(({ pem }) => pem) }), ...client },
    tlsFiles: files,
  };
}

interface Certificate {
  readonly pem: string;
  readonly parsed: X509Certificate;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function certificates(setting: string, path: string): Certificate[] {
  const found = (read(setting, path).match(BLOCK) ?? []).map((pem) => {
    try {
      return { pem, parsed: new X509Certificate(pem) };
    } catch (error) {
      throw invalid(`${setting}=${path} holds a certificate that cannot be read: ${messageOf(error)}`, error);
    }
  });
  if (found.length === 0) throw invalid(`${setting}=${path} holds no certificate in PEM`);
  return found;
}

function pair(
  certPath: string,
  keyPath: string,
  config: Config,
  clock: Clock,
): { cert: string; key: string; passphrase?: string } {
  const chain = certificates('KAFKA_SSL_CERT', certPath);
  const { parsed } = chain[0]!;
  const now = clock.now();
  if (now >= parsed.validToDate.getTime() || now < parsed.validFromDate.getTime()) {
    throw new VigieError(
      'KAFKA_CERT_EXPIRED',
      `the certificate of KAFKA_SSL_CERT=${certPath} is valid from ${parsed.validFromDate.toISOString()} to ${parsed.validToDate.toISOString()}, and now it is ${new Date(now).toISOString()}`,
      { remedy: 'Put a renewed certificate there, or set the clock of this machine, and start again.' },
    );
  }
  const passphrase = config.kafka_ssl_key_passphrase;
  const key = read('KAFKA_SSL_KEY', keyPath);
  let parsedKey: KeyObject;
  try {
    parsedKey = createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw invalid(
      `the key of KAFKA_SSL_KEY=${keyPath} cannot be read: it is no private key in PEM, or KAFKA_SSL_KEY_PASSPHRASE is missing or wrong`,
      error,
    );
  }
  if (!parsed.checkPrivateKey(parsedKey)) {
    throw invalid(`the key of KAFKA_SSL_KEY=${keyPath} does not belong to KAFKA_SSL_CERT=${certPath}`);
  }
  return {
    cert: chain.map(({ pem }) => pem).join('\n'),
    key,
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`${setting}=${shownPath(path)} cannot be read: ${openFailure(path, error)}`, error);
  }
}

function invalid(message: string, cause?: unknown): VigieError {
  return new VigieError('KAFKA_CERT_INVALID', message, {
    remedy: 'Correct the file or the setting, and start again.',
    ...(cause === undefined ? {} : { cause }),
  });
}
