/** How this process talks to Kafka: one client, with its timeouts, its codecs and the log of KafkaJS. */

import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import kafkajs from 'kafkajs';
import type { ISocketFactory, Kafka, KafkaConfig, LogEntry, SASLOptions } from 'kafkajs';
import { messageOf } from '../errors.ts';
import { registerCodecs } from './codecs/register.ts';
import { OffsetGone } from './kafka-errors.ts';

type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

export interface KafkaConnection {
  /** `host:port` of some brokers of the cluster; the client learns the others from them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** TLS; a function is asked for certificates at each new connection. */
  readonly ssl?: true | (() => SecureContextOptions);
  readonly sasl?: SASLOptions;
  /** Whose credentials these are, or where the token comes from, for error messages. */
  readonly login?: string;
  /** Files of the certificates by setting, for error messages. */
  readonly tlsFiles?: Readonly<Record<string, string>>;
  /** End of the client certificate that a new connection would use, ms since the epoch; undefined without one. */
  readonly certificateEndsMs?: () => number | undefined;
  readonly log: Log;
}

/** Few and short, so that a problem shows within seconds (a silent address takes 5 s); callers keep trying. */
export const KAFKA_RETRY = { initialRetryTime: 200, maxRetryTime: 1000, retries: 3 };

export function connectKafka(connection: KafkaConnection): Kafka {
  registerCodecs();
  muteKafkaJsTimeoutWarning();
  const config: KafkaConfig = {
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    connectionTimeout: 5000,
    requestTimeout: 30_000,
    // So long before the broker ends a session, KafkaJS logs in again. In shorter ones, at its default of 10 s, it would
    // before every request, which brokers refuse within a second.
    reauthenticationThreshold: 2000,
    // Tries every address: KafkaJS begins with the first one every time.
    retry: { ...KAFKA_RETRY, retries: Math.max(KAFKA_RETRY.retries, connection.brokers.length) },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => forward(entry, connection.log),
  };
  const { ssl } = connection;
  if (ssl !== undefined) config.ssl = true;
  if (typeof ssl === 'function') config.socketFactory = tlsSockets(ssl);
  if (connection.sasl !== undefined) config.sasl = connection.sasl;
  return new kafkajs.Kafka(config);
}

/** As those of KafkaJS, which is given certificates only once. */
function tlsSockets(certificates: () => SecureContextOptions): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = connectTls({ host, port, ...servername, ...certificates() }, onConnect);
    return socket.setKeepAlive(true, 60_000);
  };
}

/** KafkaJS logs every attempt as an error, even if it will retry; final failures are reported with a code elsewhere. */
function forward(entry: LogEntry, log: Log): void {
  const { message: said, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry.log;
  // Whatever its types say, in one place it logs the error itself.
  const message = messageOf(said);
  log('debug', `kafka client: ${message}`, fields);
  // After logging this line, KafkaJS silently overwrites the group's committed offset and continues elsewhere. Throwing
  // from here ends the consumer instead, and the group is joined again in full knowledge. A test with a real broker
  // checks that KafkaJS still uses this wording.
  if (message.startsWith('Offset out of range, resetting')) throw new OffsetGone();
}

let muted = false;

/**
 * KafkaJS 2.2.4 passes `-1 - now` to `setTimeout` when nothing is throttled, about which Node 24 warns once. Drops only
 * that warning from KafkaJS; all others go through.
 */
function muteKafkaJsTimeoutWarning(): void {
  if (muted) return;
  muted = true;
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]): void => {
    if (args[1] === 'TimeoutNegativeWarning' && fromKafkaJs()) return;
    emitWarning(...args);
  };
}

function fromKafkaJs(): boolean {
  return /[\\/]kafkajs[\\/]/.test(new Error('where from').stack ?? '');
}
