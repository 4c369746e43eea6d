/**
 * The total classification of Kafka failures.
 *
 * Guarantee: anything that KafkaJS throws becomes a `VigieError` with a stable code, the value at fault (never a
 * secret), the place, what to do, and whether a retry can help without anybody changing something here.
 */

import { messageOf, VigieError } from '../errors.ts';
import type { KafkaConnection } from './kafka-client.ts';

/** The message to read next is not in the log: it was deleted, or this is another log. KafkaJS may wrap this error. */
export class OffsetGone extends Error {
  override readonly name = 'OffsetGone';
  readonly retriable = false;

  constructor() {
    super('the offset to read next is not in the log');
  }
}

interface KafkaJsErrorShape {
  readonly name: string;
  readonly message: string;
  readonly type?: string;
  readonly code?: unknown;
  readonly retriable?: boolean;
  readonly cause?: unknown;
  /** Set for failed connections. */
  readonly broker?: string;
  /** The errors of several simultaneous requests. */
  readonly errors?: readonly unknown[];
}

/** The connection at fault. */
export type KafkaPlace = Pick<KafkaConnection, 'brokers' | 'sasl' | 'login' | 'tlsFiles'>;

/** The error and its causes, outermost first. */
function chain(thrown: unknown): KafkaJsErrorShape[] {
  const errors: KafkaJsErrorShape[] = [];
  let next: unknown = thrown;
  while (next instanceof Error && errors.length < 10) {
    const error: KafkaJsErrorShape = next;
    errors.push(error);
    next = error.cause ?? error.errors?.[0];
  }
  return errors;
}

const LOGIN_TYPES = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  // KafkaJS ignores a broker's answer to a token; it meets this error only with the next request.
  'ILLEGAL_SASL_STATE',
]);
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
  'KafkaJSMetadataNotLoaded',
  'KafkaJSLockTimeout',
]);

const COORDINATOR_TYPES = [
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
];

const REPLICA_TYPES = ['LEADER_NOT_AVAILABLE', 'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'];

/** TLS failures by the codes of Node and OpenSSL. */
const TLS: readonly {
  readonly codes: RegExp;
  readonly code: string;
  readonly what: string;
  readonly remedy: string;
}[] = [
  {
    codes: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    code: 'KAFKA_TLS_EXPIRED',
    what: 'shows a certificate that is not valid now',
    remedy:
      'Renew the certificate of the broker, or set the clock of this machine; trying again helps once that is done.',
  },
  {
    codes:
      /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE|INVALID_CA/,
    code: 'KAFKA_TLS_UNTRUSTED',
    what: 'shows a certificate that is not signed by an authority trusted here',
    remedy:
      'Let KAFKA_SSL_CA name the certificate of the authority that signed it; each attempt reads the file again.',
  },
  {
    codes: /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    code: 'KAFKA_TLS_WRONG_NAME',
    what: 'shows a certificate for other names',
    remedy:
      'Use a name of the certificate in KAFKA_BROKERS and in advertised.listeners of the broker; trying again alone does not help.',
  },
  {
    codes:
      /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|DECRYPT|ACCESS)|CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/,
    code: 'KAFKA_TLS_REFUSED',
    what: 'refused the certificate of this client, or wants one',
    remedy:
      'Let KAFKA_SSL_CERT and KAFKA_SSL_KEY name a valid certificate that an authority of the broker signed; each attempt reads the files again.',
  },
  {
    codes: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    code: 'KAFKA_TLS_MISMATCH',
    what: 'does not speak TLS on that port, or another version, or hung up',
    remedy:
      'Check that KAFKA_BROKERS names the port of a TLS listener; trying again helps if the broker was just restarting.',
  },
];

function tlsError(
  errors: readonly KafkaJsErrorShape[],
  { brokers, tlsFiles = {} }: KafkaPlace,
  of: (code: string, message: string, remedy: string, retryable?: boolean) => VigieError,
): VigieError | undefined {
  for (const { code, message, broker } of errors) {
    // A broker that cannot make sense of a TLS greeting hangs up.
    const hungUp = message.includes('before secure TLS connection');
    const found = hungUp ? 'WRONG_VERSION_NUMBER' : typeof code === 'string' ? code : '';
    const kind = TLS.find(({ codes }) => codes.test(found));
    if (kind === undefined) continue;
    const place = broker ?? brokers.join(', ');
    const files = Object.entries(tlsFiles).map(([name, path]) => `${name}=${path}`);
    const used = files.length === 0 ? '' : ` (${files.join(', ')})`;
    return of(kind.code, `Kafka at ${place} ${kind.what}${used}: ${message}`, kind.remedy);
  }
  return undefined;
}

/** True if a broker reported this error type. */
export function isOfType(thrown: unknown, wanted: string): boolean {
  return chain(thrown).some(({ type }) => type === wanted);
}

/** The failure as an error for people. `topic`: the topic in use. */
export function kafkaError(thrown: unknown, connection: KafkaPlace, topic: string): VigieError {
  const errors = chain(thrown);
  const own = errors.find((error) => error instanceof VigieError);
  if (own instanceof VigieError) return own;
  const { brokers } = connection;
  const types = new Set(errors.map((error) => error.type));
  const names = new Set(errors.map((error) => error.name));
  const servers = brokers.join(', ');
  const detail = errors.at(-1)?.message ?? messageOf(thrown);
  const of = (code: string, message: string, remedy: string, retryable = true): VigieError =>
    new VigieError(code, message, { remedy, retryable, cause: thrown });

  const tls = tlsError(errors, connection, of);
  if (tls !== undefined) return tls;
  if (
    names.has('KafkaJSSASLAuthenticationError') ||
    [...types].some((type) => type !== undefined && LOGIN_TYPES.has(type))
  ) {
    const { sasl, login } = connection;
    const whose = login === undefined ? '' : ` of ${login}`;
    return of(
      'KAFKA_AUTH_FAILED',
      `Kafka at ${servers} refused the ${sasl?.mechanism ?? 'SASL'} credentials${whose}: ${detail}`,
      'Check KAFKA_SASL_MECHANISM, the user name and the password or token; trying again helps only once the broker accepts them.',
    );
  }
  if ([...types].some((type) => type?.endsWith('_AUTHORIZATION_FAILED'))) {
    return of(
      'KAFKA_FORBIDDEN',
      `Kafka at ${servers} does not allow this user what topic ${topic} needs: ${detail}`,
      'Grant the user the rights that docs/kafka.md lists.',
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
      'Create the topic or correct its name.',
    );
  }
  if (names.has('KafkaJSCreateTopicError')) {
    return of(
      'TOPIC_NOT_CREATED',
      `Topic ${topic} cannot be created on ${servers}: ${detail}`,
      'Create it yourself with the settings that docs/kafka.md lists, or let the brokers allow it (vigie topics create --replication-factor).',
    );
  }
  if (names.has('KafkaJSGroupCoordinatorNotFound') || COORDINATOR_TYPES.some((type) => types.has(type))) {
    // KafkaJS does not say why; for a broker that has just started, the error types do.
    return of(
      'KAFKA_NO_COORDINATOR',
      `Kafka at ${servers} names no broker that coordinates this work on ${topic}: that one is away or starting, or this user lacks a right to the consumer group or the transactional id`,
      'If it lasts, grant the user the rights that docs/kafka.md lists.',
    );
  }
  if (REPLICA_TYPES.some((type) => types.has(type))) {
    return of(
      'KAFKA_REPLICAS_AWAY',
      `Kafka at ${servers} has too few brokers for topic ${topic}: ${detail}`,
      'Bring back the brokers that hold its partitions: one without a leader is neither read nor written, and one with fewer replicas than min.insync.replicas is not written.',
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
  if (types.has('INVALID_TIMESTAMP')) {
    return of(
      'KAFKA_CLOCK',
      `Topic ${topic} does not take a message of the time that the clock of this machine shows: ${detail}`,
      'Set the clock, or give the topic message.timestamp.type=LogAppendTime.',
    );
  }
  if (types.has('INVALID_RECORD')) {
    return of(
      'KAFKA_RECORD_REFUSED',
      `Topic ${topic} refuses what is written to it: ${detail}`,
      'Set cleanup.policy=delete on the topic: a compacted one takes no message without a key, and signals have none.',
    );
  }
  if (types.has('INVALID_SESSION_TIMEOUT')) {
    return of(
      'KAFKA_SESSION_TIMEOUT',
      `Kafka at ${servers} lets no member join that may be silent for 30 s: ${detail}`,
      'Set group.max.session.timeout.ms of the brokers to 30000 or more, and group.min.session.timeout.ms to no more.',
    );
  }
  if (names.has('OffsetGone')) {
    return of(
      'KAFKA_OFFSET_GONE',
      `Topic ${topic} does not have the messages that were to be read next where they were asked for: deleted by retention, the topic was created again, or a replica is behind its leader`,
      'Reading goes on there, or at the oldest there is; what is missing is counted and logged as INPUT_GAP.',
    );
  }
  if (names.has('UnreadableBatch') || names.has('KafkaJSNotImplemented')) {
    return of(
      'KAFKA_BATCH_UNREADABLE',
      `Topic ${topic} holds a batch that cannot be read: ${detail}`,
      'Reading stands still there. See what the producer wrote, then delete the partition up to the end of that batch (kafka-delete-records.sh), as docs/kafka.md says.',
      false,
    );
  }
  if ([...names].some((name) => UNREACHABLE_NAMES.has(name))) {
    const silent = errors.find(({ broker }) => broker !== undefined && broker !== servers)?.broker;
    const which = silent === undefined ? '' : ` (asked last: ${silent})`;
    return of(
      'KAFKA_UNREACHABLE',
      `Kafka at ${servers}${which} does not answer: ${detail}`,
      'Check the addresses, those that brokers advertise too, that the brokers run, and whether they want TLS.',
    );
  }
  return of(
    'KAFKA_FAILED',
    `Kafka at ${servers}, topic ${topic}: ${detail}`,
    'See the cause.',
    errors.some((error) => error.retriable === true),
  );
}
