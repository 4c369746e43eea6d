/**
 * All settings. This table is the source of names, forms and defaults, and docs/configuration.md must agree with it (a
 * test compares them).
 */

import { z } from 'zod';
import {
  brokers,
  duration,
  durationUpTo,
  interval,
  key,
  serverUrl,
  size,
  someOf,
  text,
  tokenUrl,
  topicName,
  webhookSecret,
  whole,
  yesNo,
} from './forms.ts';

export interface Setting<T> {
  readonly env: string;
  readonly schema: z.ZodType<T>;
  /** As a person would write it; undefined if there is none. */
  readonly default: string | undefined;
  readonly secret?: true;
  readonly doc: string;
}

function setting<T>(
  env: string,
  schema: z.ZodType<T>,
  fallback: string | undefined,
  doc: string,
  secret?: true,
): Setting<T> {
  return { env, schema, default: fallback, doc, ...(secret === undefined ? {} : { secret }) };
}

/**
 * The expiry is counted in 32 bits of seconds: beyond 2106 it would lie in the past, and everything be deleted at once.
 */
const MAX_ARCHIVE_DAYS = 18_250;

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;
const MECHANISMS_FORM = 'plain, scram-sha-256, scram-sha-512 or oauthbearer';

/** Every setting, by its name in the configuration file. */
export const SETTINGS = {
  rules: setting('VIGIE_RULES', someOf, 'rules', 'Folders or files of Sigma rules, separated by commas.'),
  rules_interval: setting(
    'VIGIE_RULES_INTERVAL',
    interval,
    '5s',
    'How often `vigie run` checks whether rule files have changed. With 0s it reads them again only on SIGHUP.',
  ),
  lists: setting(
    'VIGIE_LISTS',
    text.optional(),
    undefined,
    'Folder of lookup lists (`NAME.csv`). They replace lists of the same name beside the rules. Default: `lists` in the working folder, if it exists.',
  ),
  lists_interval: setting(
    'VIGIE_LISTS_INTERVAL',
    interval.refine((ms) => ms > 0, 'expected a duration above 0'),
    '5s',
    'How often lookup lists are checked for changes.',
  ),
  placeholders: setting(
    'VIGIE_PLACEHOLDERS',
    z
      .union([text, z.record(z.string(), z.unknown())], 'expected a file, or a map of names to values')
      .optional(),
    undefined,
    'Values for `%name%` placeholders (modifier `expand`): a YAML or JSON file. The configuration file may also hold the map itself.',
  ),
  data_dir: setting(
    'VIGIE_DATA_DIR',
    text,
    '.vigie',
    'Folder for the embedded database, the generated pseudonym key and dead letters from files. Created with access for its owner only.',
  ),
  kafka_brokers: setting(
    'KAFKA_BROKERS',
    brokers.optional(),
    undefined,
    'Kafka brokers as `host:port`, separated by commas. When set, `vigie run` reads from Kafka.',
  ),
  kafka_ssl: setting('KAFKA_SSL', yesNo, 'false', 'Connect to Kafka over TLS.'),
  kafka_ssl_ca: setting(
    'KAFKA_SSL_CA',
    text.optional(),
    undefined,
    "CA certificates (PEM file) that sign the brokers' certificates. Default: the ones Node trusts.",
  ),
  kafka_ssl_cert: setting(
    'KAFKA_SSL_CERT',
    text.optional(),
    undefined,
    'Client certificate with its chain (PEM file), for brokers that require one.',
  ),
  kafka_ssl_key: setting(
    'KAFKA_SSL_KEY',
    text.optional(),
    undefined,
    'Private key of the client certificate (PEM file).',
  ),
  kafka_ssl_key_passphrase: setting(
    'KAFKA_SSL_KEY_PASSPHRASE',
    text.optional(),
    undefined,
    'Passphrase of the private key.',
    true,
  ),
  kafka_sasl_mechanism: setting(
    'KAFKA_SASL_MECHANISM',
    z.enum(MECHANISMS, `expected ${MECHANISMS_FORM}`).optional(),
    undefined,
    `SASL mechanism: ${MECHANISMS_FORM}.`,
  ),
  kafka_sasl_username: setting('KAFKA_SASL_USERNAME', text.optional(), undefined, 'SASL user name.'),
  kafka_sasl_password: setting('KAFKA_SASL_PASSWORD', text.optional(), undefined, 'SASL password.', true),
  kafka_oauth_token_file: setting(
    'KAFKA_OAUTH_TOKEN_FILE',
    text.optional(),
    undefined,
    'File that holds the token for oauthbearer and that another program keeps fresh. It is read again for each connection.',
  ),
  kafka_oauth_token_url: setting(
    'KAFKA_OAUTH_TOKEN_URL',
    tokenUrl.optional(),
    undefined,
    'Token endpoint for oauthbearer (client credentials), instead of a file.',
  ),
  kafka_oauth_client_id: setting(
    'KAFKA_OAUTH_CLIENT_ID',
    text.optional(),
    undefined,
    'Client id for the token endpoint.',
  ),
  kafka_oauth_client_secret: setting(
    'KAFKA_OAUTH_CLIENT_SECRET',
    text.optional(),
    undefined,
    'Client secret for the token endpoint.',
    true,
  ),
  kafka_oauth_scope: setting(
    'KAFKA_OAUTH_SCOPE',
    text.optional(),
    undefined,
    'Scope to request from the token endpoint.',
  ),
  topic: setting('VIGIE_TOPIC', topicName, 'portal-access', 'Topic that access events are read from.'),
  signals_topic: setting(
    'VIGIE_SIGNALS_TOPIC',
    topicName.optional(),
    undefined,
    'Topic between matching and correlating. When set, all processes of the consumer group share the work, whatever the input topic is keyed by.',
  ),
  signals_partitions: setting(
    'VIGIE_SIGNALS_PARTITIONS',
    whole(1, 1024),
    '12',
    'Partitions of the signals topic when Vigie creates it. No more processes than this can correlate, and the number cannot be changed later.',
  ),
  group: setting('VIGIE_GROUP', text, 'vigie', 'Consumer group.'),
  dead_letter_topic: setting(
    'VIGIE_DEAD_LETTER_TOPIC',
    topicName.optional(),
    undefined,
    "Topic for input that could not be read as an event. Default: the input topic's name with `-dead-letters` appended.",
  ),
  clickhouse_url: setting(
    'CLICKHOUSE_URL',
    serverUrl.optional(),
    undefined,
    'ClickHouse server. Without one, the embedded engine stores everything in the data folder.',
  ),
  clickhouse_user: setting('CLICKHOUSE_USER', text.optional(), undefined, 'ClickHouse user.'),
  clickhouse_password: setting(
    'CLICKHOUSE_PASSWORD',
    z.string('expected a text; in the file, put it in quotes').optional(),
    undefined,
    'ClickHouse password.',
    true,
  ),
  clickhouse_database: setting(
    'CLICKHOUSE_DATABASE',
    text.max(200, 'expected at most 200 characters'),
    'vigie',
    "ClickHouse database that holds Vigie's tables.",
  ),
  clickhouse_cluster: setting(
    'CLICKHOUSE_CLUSTER',
    text.optional(),
    undefined,
    'ClickHouse cluster (a name in `system.clusters`) on which the tables are created and replicated. Default: a single server.',
  ),
  archive: setting(
    'VIGIE_ARCHIVE',
    yesNo,
    'false',
    'Store every accepted event in the table `access_events`, for hunts and `vigie alerts export`.',
  ),
  archive_days: setting(
    'VIGIE_ARCHIVE_DAYS',
    whole(0, MAX_ARCHIVE_DAYS),
    '365',
    'Days to keep archived events, at most 50 years. 0 keeps them for ever.',
  ),
  spool: setting(
    'VIGIE_SPOOL',
    text.optional(),
    undefined,
    'Folder where rows wait while ClickHouse is unreachable, so that detection continues. It must survive restarts, and each process needs its own. Default: none; the input waits instead.',
  ),
  spool_max: setting(
    'VIGIE_SPOOL_MAX',
    size('16MiB', '1024TiB'),
    '1GiB',
    'Largest size of the spool. When it is full, the input waits.',
  ),
  http_host: setting(
    'VIGIE_HTTP_HOST',
    text,
    '127.0.0.1',
    'Address that serves /metrics, /healthz and /readyz.',
  ),
  http_port: setting(
    'VIGIE_HTTP_PORT',
    whole(0, 65_535),
    '9464',
    'Port for /metrics, /healthz and /readyz. 0 picks a free one.',
  ),
  pseudonym_key: setting(
    'VIGIE_PSEUDONYM_KEY',
    key.optional(),
    undefined,
    "Secret key for hashing persons' ids, 32 hex digits. Required with Kafka; otherwise generated once in the data folder.",
    true,
  ),
  pseudonym_key_file: setting(
    'VIGIE_PSEUDONYM_KEY_FILE',
    text.optional(),
    undefined,
    'File that holds the pseudonym key, instead of the key itself.',
  ),
  canary_key: setting(
    'VIGIE_CANARY_KEY',
    key.optional(),
    undefined,
    "Secret key that marks the accounts and addresses of `vigie canary`, 32 hex digits. `vigie run` needs the same key to recognise canaries' alerts. Default: none; no alert counts as a canary's.",
    true,
  ),
  canary_key_file: setting(
    'VIGIE_CANARY_KEY_FILE',
    text.optional(),
    undefined,
    'File that holds the canary key, instead of the key itself.',
  ),
  webhook_url: setting(
    'VIGIE_WEBHOOK_URL',
    tokenUrl.optional(),
    undefined,
    'Webhook that `vigie notify` sends alerts to (Standard Webhooks).',
    true,
  ),
  webhook_secret: setting(
    'VIGIE_WEBHOOK_SECRET',
    webhookSecret.optional(),
    undefined,
    'Secret that signs webhook requests: `whsec_` followed by 24 to 64 bytes in base64. Default: none; requests are not signed.',
    true,
  ),
  timestamp_field: setting('VIGIE_TIMESTAMP_FIELD', text, '@timestamp', 'Field that holds the event time.'),
  person_fields: setting(
    'VIGIE_PERSON_FIELDS',
    someOf,
    'portal.records.ids',
    "All fields that hold persons' ids, separated by commas. They replace the default: list it too if any event has it, or ids in it are stored as they come (`PERSON_IDS_STORED` warns of that).",
  ),
  mapping: setting(
    'VIGIE_MAPPING',
    text.optional(),
    undefined,
    'Mapping for logs that are not JSON events: a file, or the name of a built-in mapping (docs/mappings.md).',
  ),
  max_event_bytes: setting(
    'VIGIE_MAX_EVENT_BYTES',
    size('1', '1GiB'),
    '1MiB',
    'Largest event. Larger ones become dead letters.',
  ),
  lateness: setting(
    'VIGIE_LATENESS',
    durationUpTo('31d'),
    '60s',
    'Allowed lateness: how far behind the newest event of its partition an event may arrive and still be on time. Windows that wait for the watermark wait this long. At most 31d.',
  ),
  max_future: setting(
    'VIGIE_MAX_FUTURE',
    duration,
    '5m',
    'Events further ahead of the wall clock than this become dead letters.',
  ),
  idle_timeout: setting(
    'VIGIE_IDLE_TIMEOUT',
    duration,
    '30s',
    'A partition that has been read to its end and stays silent for this long no longer holds back the watermark. Time during which Vigie itself reads nothing (database unreachable, machine suspended) does not count.',
  ),
  flush_interval: setting(
    'VIGIE_FLUSH_INTERVAL',
    durationUpTo('1h'),
    '1s',
    'Changed alerts are written, and offsets committed, at least this often; new alerts are written at once. At most 1h.',
  ),
  snapshot_interval: setting(
    'VIGIE_SNAPSHOT_INTERVAL',
    duration,
    '60s',
    'How often state is saved, so that a restart continues from it. With 0s nothing is saved, and a restart reads its windows again. Kafka only.',
  ),
  state_dir: setting(
    'VIGIE_STATE_DIR',
    text.optional(),
    undefined,
    'Folder for saved state. Default: the data folder. When scaled out, a folder that all processes share lets a shard move without reading its windows again.',
  ),
  log_level: setting(
    'VIGIE_LOG_LEVEL',
    z.enum(['debug', 'info', 'warn', 'error'], 'expected debug, info, warn or error'),
    'info',
    'Lowest level that is logged.',
  ),
} as const;

type Settings = typeof SETTINGS;
export type Config = { readonly [K in keyof Settings]: Settings[K] extends Setting<infer T> ? T : never };
