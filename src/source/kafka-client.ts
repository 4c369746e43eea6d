/** How this process talks to Kafka: one client with its timeouts, codecs and KafkaJS's log. */

import kafkajs from 'kafkajs';
import type { Kafka, KafkaConfig, LogEntry, SASLOptions } from 'kafkajs';
import { registerCodecs } from './codecs/register.ts';
import { OffsetGone } from './kafka-errors.ts';

type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

export interface KafkaConnection {
  /** `host:port` of some brokers of the cluster; the rest is learnt from them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: NonNullable<KafkaConfig['ssl']>;
  readonly sasl?: SASLOptions;
  /** Where certificates came from, by setting, for error messages. */
  readonly tlsFiles?: Readonly<Record<string, string>>;
  readonly log: Log;
}

/** Few and short, so that a problem is seen within seconds (addresses that swallow what they get take 5 s each); whoever uses the client goes on trying. */
export const KAFKA_RETRY = { initialRetryTime: 200, maxRetryTime: 1000, retries: 3 };

export function connectKafka(connection: KafkaConnection): Kafka {
  registerCodecs();
  muteKafkaJsTimeoutWarning();
  const config: KafkaConfig = {
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    connectionTimeout: 5000,
    requestTimeout: 30_000,
    // Each of the addresses has its turn: KafkaJS begins with the first one every time.
    retry: { ...KAFKA_RETRY, retries: Math.max(KAFKA_RETRY.retries, connection.brokers.length) },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => forward(entry, connection.log),
  };
  if (connection.ssl !== undefined) config.ssl = connection.ssl;
  if (connection.sasl !== undefined) config.sasl = connection.sasl;
  return new kafkajs.Kafka(config);
}

/** KafkaJS calls every attempt an error that it will repeat; what fails for good is reported with a code. */
function forward(entry: LogEntry, log: Log): void {
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry.log;
  log('debug', `kafka client: ${message}`, fields);
  // What follows this line in KafkaJS overwrites the group's committed offset and goes on elsewhere without a
  // word to anybody. Thrown from here, the consumer ends instead, and the group is joined again with its eyes
  // open. A test on a real broker holds KafkaJS to these words.
  if (message.startsWith('Offset out of range, resetting')) throw new OffsetGone();
}

let muted = false;

/**
 * KafkaJS 2.2.4 passes `-1 - now` to `setTimeout` when nothing is throttled, which Node 24 warns about once.
 * Only that warning from there is dropped; every other one goes through.
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
