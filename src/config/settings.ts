/**
 * Every setting. This table is the truth for names, forms, defaults and docs/configuration.md (a test compares
 * them).
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
  /** As a person would write it; undefined: none. */
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

/** Their end is counted in 32 bits of seconds: beyond 2106 it lies in the past, and all would be deleted at once. */
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
    'Wall time between two looks of `vigie run` whether the rule files have changed; with 0s they are read again on SIGHUP only.',
  ),
  lists: setting(
    'VIGIE_LISTS',
    text.optional(),
    undefined,
    'Folder of lookup lists, `NAME.csv`, which take the place of those beside the rules. Default: `lists` in the working folder, if there is one.',
  ),
  lists_interval: setting(
    'VIGIE_LISTS_INTERVAL',
    interval.refine((ms) => ms > 0, 'expected a duration above 0'),
    '5s',
    'Wall time between two looks whether the files of lookup lists have changed.',
  ),
  placeholders: setting(
    'VIGIE_PLACEHOLDERS',
    z
      .union([text, z.record(z.string(), z.unknown())], 'expected a file, or a map of names to values')
      .optional(),
    undefined,
    'Values of `%name%` under the modifier `expand`: a YAML or JSON file; in the configuration file also the map itself.',
  ),
  data_dir: setting(
    'VIGIE_DATA_DIR',
    text,
    '.vigie',
    'Folder of the embedded database, the generated key and dead letters of files. Made for its owner alone where it is missing.',
  ),
  kafka_brokers: setting(
    'KAFKA_BROKERS',
    brokers.optional(),
    undefined,
    'Brokers, `host:port` separated by commas. `vigie run` reads Kafka when set.',
  ),
  kafka_ssl: setting('KAFKA_SSL', yesNo, 'false', 'Connect to Kafka over TLS.'),
  kafka_ssl_ca: setting(
    'KAFKA_SSL_CA',
    text.optional(),
    undefined,
    'File of the authorities (PEM) that sign the certificates of the brokers. Default: those that Node trusts.',
  ),
  kafka_ssl_cert: setting(
    'KAFKA_SSL_CERT',
    text.optional(),
    undefined,
    "File of this client's certificate (PEM), with what leads to its authority, for brokers that want one.",
  ),
  kafka_ssl_key: setting('KAFKA_SSL_KEY', text.optional(), undefined, 'File of its private key (PEM).'),
  kafka_ssl_key_passphrase: setting(
    'KAFKA_SSL_KEY_PASSPHRASE',
    text.optional(),
    undefined,
    'Passphrase of that key.',
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
    'File of the token for oauthbearer, kept fresh by another program; read anew for each connection.',
  ),
  kafka_oauth_token_url: setting(
    'KAFKA_OAUTH_TOKEN_URL',
    tokenUrl.optional(),
    undefined,
    'Where tokens for oauthbearer are fetched instead, by client credentials.',
  ),
  kafka_oauth_client_id: setting('KAFKA_OAUTH_CLIENT_ID', text.optional(), undefined, 'Client id there.'),
  kafka_oauth_client_secret: setting(
    'KAFKA_OAUTH_CLIENT_SECRET',
    text.optional(),
    undefined,
    'Client secret there.',
    true,
  ),
  kafka_oauth_scope: setting('KAFKA_OAUTH_SCOPE', text.optional(), undefined, 'Scope to ask for there.'),
  topic: setting('VIGIE_TOPIC', topicName, 'portal-access', 'Topic of access events.'),
  signals_topic: setting(
    'VIGIE_SIGNALS_TOPIC',
    topicName.optional(),
    undefined,
    'Topic between matching and correlating. When set, groups are divided over all processes of the group, whatever the key of the input topic.',
  ),
  signals_partitions: setting(
    'VIGIE_SIGNALS_PARTITIONS',
    whole(1, 1024),
    '12',
    'Partitions of that topic when Vigie creates it: at most so many processes correlate. They cannot be changed later.',
  ),
  group: setting('VIGIE_GROUP', text, 'vigie', 'Consumer group.'),
  dead_letter_topic: setting(
    'VIGIE_DEAD_LETTER_TOPIC',
    topicName.optional(),
    undefined,
    'Topic of inputs that are no events. Default: the topic with `-dead-letters` appended.',
  ),
  clickhouse_url: setting(
    'CLICKHOUSE_URL',
    serverUrl.optional(),
    undefined,
    'ClickHouse server. Without it the engine runs inside the process, on the data folder.',
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
    'Database of the tables.',
  ),
  clickhouse_cluster: setting(
    'CLICKHOUSE_CLUSTER',
    text.optional(),
    undefined,
    'Cluster whose servers all get the tables and share their rows (`system.clusters`). Default: one server.',
  ),
  archive: setting(
    'VIGIE_ARCHIVE',
    yesNo,
    'false',
    'Keep every accepted event in the table `access_events`, for hunts and for `vigie alerts export`.',
  ),
  archive_days: setting(
    'VIGIE_ARCHIVE_DAYS',
    whole(0, MAX_ARCHIVE_DAYS),
    '365',
    'Days after which archived events are deleted, at most 50 years; 0 keeps them.',
  ),
  spool: setting(
    'VIGIE_SPOOL',
    text.optional(),
    undefined,
    'Folder where rows wait while ClickHouse is away, so that detection goes on. It must outlast the process and be its alone. Default: none; the input waits instead.',
  ),
  spool_max: setting(
    'VIGIE_SPOOL_MAX',
    size('16MiB', '1024TiB'),
    '1GiB',
    'Most that the spool may take on its disk; beyond it the input waits.',
  ),
  http_host: setting(
    'VIGIE_HTTP_HOST',
    text,
    '127.0.0.1',
    'Address that /metrics, /healthz and /readyz listen on.',
  ),
  http_port: setting('VIGIE_HTTP_PORT', whole(0, 65_535), '9464', 'Their port; 0 takes a free one.'),
  pseudonym_key: setting(
    'VIGIE_PSEUDONYM_KEY',
    key.optional(),
    undefined,
    'Key under which persons are hashed, 32 hex digits. With Kafka required; else made once in the data folder.',
    true,
  ),
  pseudonym_key_file: setting(
    'VIGIE_PSEUDONYM_KEY_FILE',
    text.optional(),
    undefined,
    'File that holds the key instead.',
  ),
  canary_key: setting(
    'VIGIE_CANARY_KEY',
    key.optional(),
    undefined,
    'Key under which `vigie canary` marks its accounts and addresses, 32 hex digits, the same for `vigie run`, which tells its alerts from others by it. Default: none, and no alert is taken for a canary.',
    true,
  ),
  canary_key_file: setting(
    'VIGIE_CANARY_KEY_FILE',
    text.optional(),
    undefined,
    'File that holds that key instead.',
  ),
  webhook_url: setting(
    'VIGIE_WEBHOOK_URL',
    tokenUrl.optional(),
    undefined,
    'Where `vigie notify` tells of alerts (Standard Webhooks).',
    true,
  ),
  webhook_secret: setting(
    'VIGIE_WEBHOOK_SECRET',
    webhookSecret.optional(),
    undefined,
    'Secret under which it signs what it sends, `whsec_` and 24 to 64 bytes in base64. Default: none, nothing is signed.',
    true,
  ),
  timestamp_field: setting('VIGIE_TIMESTAMP_FIELD', text, '@timestamp', 'Field of the event time.'),
  person_fields: setting(
    'VIGIE_PERSON_FIELDS',
    someOf,
    'portal.records.ids',
    "Fields that hold persons' ids, separated by commas: all of them, for yours take the place of the default (`PERSON_IDS_STORED`).",
  ),
  mapping: setting(
    'VIGIE_MAPPING',
    text.optional(),
    undefined,
    'Mapping of a log whose lines are not events: a file, or the name of a ready one (docs/mappings.md).',
  ),
  max_event_bytes: setting(
    'VIGIE_MAX_EVENT_BYTES',
    size('1', '1GiB'),
    '1MiB',
    'Larger events become dead letters.',
  ),
  lateness: setting(
    'VIGIE_LATENESS',
    durationUpTo('31d'),
    '60s',
    "Allowed lateness: how far behind its partition's newest event an event is still on time. Whatever waits for the watermark waits that long; at most 31d.",
  ),
  max_future: setting(
    'VIGIE_MAX_FUTURE',
    duration,
    '5m',
    'Events further ahead of the wall clock are quarantined as dead letters.',
  ),
  idle_timeout: setting(
    'VIGIE_IDLE_TIMEOUT',
    duration,
    '30s',
    'A caught-up partition silent for this wall time no longer holds the watermark back. Time in which Vigie reads nothing, as it waits for its database or stands still with its machine, is none.',
  ),
  flush_interval: setting(
    'VIGIE_FLUSH_INTERVAL',
    durationUpTo('1h'),
    '1s',
    'Longest wall time between two writes of changed alerts, and two commits; new alerts are written at once. At most 1h.',
  ),
  snapshot_interval: setting(
    'VIGIE_SNAPSHOT_INTERVAL',
    duration,
    '60s',
    'Wall time between two savings of state in the data folder, from which a restart goes on; 0s saves none, and windows are read again. Kafka only.',
  ),
  state_dir: setting(
    'VIGIE_STATE_DIR',
    text.optional(),
    undefined,
    'Folder of saved state. Default: the data folder. Scaled out, one that all processes share lets a shard move without reading again.',
  ),
  log_level: setting(
    'VIGIE_LOG_LEVEL',
    z.enum(['debug', 'info', 'warn', 'error'], 'expected debug, info, warn or error'),
    'info',
    'Least level that is logged.',
  ),
} as const;

type Settings = typeof SETTINGS;
export type Config = { readonly [K in keyof Settings]: Settings[K] extends Setting<infer T> ? T : never };
