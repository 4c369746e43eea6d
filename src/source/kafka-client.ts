/**
 * How this process talks to Kafka: one client with its timeouts, KafkaJS's log, and
 * the total classification of what can go wrong.
 *
 * Guarantee: whatever KafkaJS throws becomes a `VigieError` with a stable code and a remedy.
 */

import kafkajs from 'kafkajs';
import type { Kafka, KafkaConfig, LogEntry, SASLOptions } from 'kafkajs';
import { messageOf, VigieError } from '../errors.ts';
import { registerCodecs } from './codecs/register.ts';

type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

export interface KafkaConnection {
  /** `host:port` of some brokers of the cluster; the rest is learnt from them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: NonNullable<KafkaConfig['ssl']>;
  readonly sasl?: SASLOptions;
  readonly log: Log;
}

/** Few and short, so that a problem is seen within seconds; whoever uses the client goes on trying. */
export const KAFKA_RETRY = { initialRetryTime: 200, maxRetryTime: 1000, retries: 3 };

export function connectKafka(connection: KafkaConnection): Kafka {
  registerCodecs();
  muteKafkaJsTimeoutWarning();
  const config: KafkaConfig = {
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    connectionTimeout: 5000,
    requestTimeout: 30_000,
    retry: KAFKA_RETRY,
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

class OffsetGone extends Error {
  override readonly name = 'OffsetGone';
  readonly retriable = false;

  constructor() {
    super('the offset to read next is not in the log');
  }
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

interface KafkaJsErrorShape {
  readonly name: string;
  readonly message: string;
  readonly type?: string;
  readonly code?: unknown;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/** The error and what caused it, outermost first. */
function chain(thrown: unknown): KafkaJsErrorShape[] {
  const errors: KafkaJsErrorShape[] = [];
  let next: unknown = thrown;
  while (next instanceof Error && errors.length < 10) {
    errors.push(next);
    next = next.cause;
  }
  return errors;
}

const GENERATION_TYPES = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
]);
const UNREACHABLE_NAMES = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSLockTimeout',
]);

/** What went wrong, as people need it. `topic` is the one that was worked on. */
export function kafkaError(thrown: unknown, brokers: readonly string[], topic: string): VigieError {
  if (thrown instanceof VigieError) return thrown;
  const errors = chain(thrown);
  const types = new Set(errors.map((error) => error.type));
  const names = new Set(errors.map((error) => error.name));
  const servers = brokers.join(', ');
  const detail = errors.at(-1)?.message ?? messageOf(thrown);
  const of = (code: string, message: string, remedy: string, retryable = true): VigieError =>
    new VigieError(code, message, { remedy, retryable, cause: thrown });

  if (names.has('KafkaJSSASLAuthenticationError') || types.has('SASL_AUTHENTICATION_FAILED')) {
    return of(
      'KAFKA_AUTH_FAILED',
      `Kafka at ${servers} refused the credentials: ${detail}`,
      'Check the SASL mechanism, user name and password; trying again until they are accepted.',
    );
  }
  if ([...types].some((type) => type?.endsWith('_AUTHORIZATION_FAILED'))) {
    return of(
      'KAFKA_FORBIDDEN',
      `Kafka at ${servers} does not allow this user what topic ${topic} needs: ${detail}`,
      'Grant the user Read and Describe on the topic and Read on the consumer group.',
    );
  }
  if ([...types].some((type) => type !== undefined && GENERATION_TYPES.has(type))) {
    return of(
      'KAFKA_GENERATION_LOST',
      `The consumer group rebalanced meanwhile, so partitions of ${topic} may have moved: ${detail}`,
      'Nothing to do: the new assignment follows and reading resumes at the committed offsets.',
    );
  }
  if (types.has('UNKNOWN_TOPIC_OR_PARTITION') || names.has('KafkaJSTopicMetadataNotLoaded')) {
    return of(
      'TOPIC_MISSING',
      `Topic ${topic} does not exist on ${servers}`,
      'Create the topic or correct its name; trying again until it exists.',
    );
  }
  if (types.has('MESSAGE_TOO_LARGE') || types.has('RECORD_LIST_TOO_LARGE')) {
    return of(
      'KAFKA_MESSAGE_TOO_LARGE',
      `Topic ${topic} does not take a message of that size`,
      'Raise max.message.bytes of the topic.',
      false,
    );
  }
  if (names.has('OffsetGone')) {
    return of(
      'KAFKA_OFFSET_GONE',
      `Topic ${topic} no longer has the messages that were to be read next: deleted by retention, or the topic was created again`,
      'Reading goes on at the oldest there is; what is missing is counted and logged as INPUT_GAP.',
    );
  }
  if (names.has('UnreadableBatch') || names.has('KafkaJSNotImplemented')) {
    return of(
      'KAFKA_BATCH_UNREADABLE',
      `Topic ${topic} holds a batch that cannot be read: ${detail}`,
      'Reading stands still there. See what the producer wrote, then move the group past it (kafka-consumer-groups.sh --reset-offsets).',
      false,
    );
  }
  if ([...names].some((name) => UNREACHABLE_NAMES.has(name))) {
    return of(
      'KAFKA_UNREACHABLE',
      `Kafka at ${servers} does not answer: ${detail}`,
      'Check the addresses, that the brokers run, and whether they want TLS; trying again until they answer.',
    );
  }
  return of(
    'KAFKA_FAILED',
    `Kafka at ${servers}, topic ${topic}: ${detail}`,
    'See the cause; it is tried again.',
    errors.some((error) => error.retriable === true),
  );
}
