/**
 * Settings: environment over file over default → validated and frozen. One table is the truth for names,
 * forms, defaults and docs/configuration.md (a test compares them).
 *
 * An unknown or wrong setting stops the start with its name, its value (unless secret) and the remedy; all
 * faults are reported at once.
 */

import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { z } from 'zod';
import { VigieError } from './errors.ts';
import { DURATION_FORM, parseDuration } from './sigma/duration.ts';
import { nearest } from './sigma/nearest.ts';
import { openFailure, shownPath } from './shown-path.ts';
import { MIN_SPOOL_BYTES } from './sink/spool/disk-spool.ts';

const duration = z.string(`expected ${DURATION_FORM}`).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue({ code: 'custom', message: `expected ${DURATION_FORM}` });
  return ms ?? 0;
});
/** What may be an address that holds a secret, which may hold any character: rather too many than one. */
const MAY_HOLD_SECRET = /@|:.*\?/s;
const NO_CREDENTIALS = 'expected no user and password in it: they have settings';
const text = z
  .string('expected a text; in the file, put it in quotes')
  .min(1, 'expected a text that is not empty');
const list = z
  .union(
    [z.string().transform((value) => value.split(',')), z.array(z.string())],
    'expected a list of texts, or one text with commas between',
  )
  .transform((values): readonly string[] =>
    Object.freeze(values.map((value) => value.trim()).filter((value) => value !== '')),
  );
const someOf = list.refine((values) => values.length > 0, 'expected at least one');
/** Not `z.coerce`: to it a space is 0 and `true` is 1. */
const whole = (least: number, most: number) =>
  z
    .union([z.int(), z.string().regex(/^\d+$/).transform(Number)], 'expected a whole number')
    .pipe(z.number().min(least, `expected at least ${least}`).max(most, `expected at most ${most}`));
/** In bytes. */
const size = (least: number, leastText: string) =>
  z.union([z.int(), z.string()], SIZE_FORM).transform((value, context) => {
    const [, number, unit = ''] = /^(\d{1,12}) ?(|[KMGT]iB)$/.exec(String(value)) ?? [];
    const bytes = number === undefined ? Number.NaN : Number(number) * 1024 ** SIZE_UNITS.indexOf(unit);
    if (!(bytes >= least && bytes <= Number.MAX_SAFE_INTEGER)) {
      context.addIssue({ code: 'custom', message: `${SIZE_FORM}, at least ${leastText}` });
    }
    return bytes;
  });
const SIZE_UNITS = ['', 'KiB', 'MiB', 'GiB', 'TiB'];
const SIZE_FORM = 'expected a number of bytes, or one with KiB, MiB, GiB or TiB';
const yesNo = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])], 'expected true or false')
  .transform((value) => value === true || value === 'true' || value === '1');

interface Setting<T> {
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

const url = z
  .url({ protocol: /^https?$/, error: 'expected http(s)://host:port' })
  .refine((value) => !/:.*@/s.test(value), NO_CREDENTIALS);

/** The secret goes there: in clear only to this machine. */
const tokenUrl = url.refine(
  (value) => value.startsWith('https:') || LOOPBACK_HOSTS.has(new URL(value).hostname),
  'expected https',
);
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;
const MECHANISMS_FORM = 'plain, scram-sha-256, scram-sha-512 or oauthbearer';

/** Every setting, by its name in the configuration file. */
export const SETTINGS = {
  rules: setting('VIGIE_RULES', someOf, 'rules', 'Folders or files of Sigma rules, separated by commas.'),
  rules_interval: setting(
    'VIGIE_RULES_INTERVAL',
    duration,
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
    duration.refine((ms) => ms > 0, 'expected a duration above 0'),
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
    someOf.refine((brokers) => !brokers.join().includes('@'), NO_CREDENTIALS).optional(),
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
  topic: setting('VIGIE_TOPIC', text, 'portal-access', 'Topic of access events.'),
  signals_topic: setting(
    'VIGIE_SIGNALS_TOPIC',
    text.optional(),
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
    text.optional(),
    undefined,
    'Topic of inputs that are no events. Default: the topic with `-dead-letters` appended.',
  ),
  clickhouse_url: setting(
    'CLICKHOUSE_URL',
    url.refine((value) => !value.includes('?'), 'expected no parameters in it').optional(),
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
  clickhouse_database: setting('CLICKHOUSE_DATABASE', text, 'vigie', 'Database of the tables.'),
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
    'Keep every accepted event in the table `access_events`.',
  ),
  archive_days: setting(
    'VIGIE_ARCHIVE_DAYS',
    whole(0, 36_500),
    '365',
    'Days after which archived events are deleted; 0 keeps them.',
  ),
  spool: setting(
    'VIGIE_SPOOL',
    text.optional(),
    undefined,
    'Folder where rows wait while ClickHouse is away, so that detection goes on. It must outlast the process and be its alone. Default: none; the input waits instead.',
  ),
  spool_max: setting(
    'VIGIE_SPOOL_MAX',
    size(MIN_SPOOL_BYTES, '16MiB'),
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
    z
      .string('expected 32 hex digits in quotes')
      .regex(/^[0-9a-fA-F]{32}$/, 'expected 32 hex digits (16 bytes)')
      .optional(),
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
  timestamp_field: setting('VIGIE_TIMESTAMP_FIELD', text, '@timestamp', 'Field of the event time.'),
  person_fields: setting(
    'VIGIE_PERSON_FIELDS',
    list,
    'portal.records.ids',
    "Fields that hold persons' ids, separated by commas.",
  ),
  mapping: setting(
    'VIGIE_MAPPING',
    text.optional(),
    undefined,
    'Mapping of a log whose lines are not events: a file, or the name of a ready one (docs/mappings.md).',
  ),
  max_event_bytes: setting(
    'VIGIE_MAX_EVENT_BYTES',
    whole(1, 1_073_741_824),
    '1048576',
    'Larger events become dead letters.',
  ),
  lateness: setting(
    'VIGIE_LATENESS',
    duration,
    '60s',
    "Allowed lateness: how far behind its partition's newest event an event is still on time.",
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
    'A caught-up partition silent for this wall time no longer holds the watermark back.',
  ),
  flush_interval: setting(
    'VIGIE_FLUSH_INTERVAL',
    duration,
    '1s',
    'Longest wall time between two writes of changed alerts; new alerts are written at once.',
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

/**
 * Reads the settings. `env` is the process environment; `VIGIE_CONFIG` names an optional YAML or JSON file.
 * `overrides` are command-line options by setting name and come first. Throws CONFIG_INVALID.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, unknown>> = {},
): Config {
  const file = env['VIGIE_CONFIG'];
  const faults: string[] = [];
  const fromFile = file === undefined ? {} : readFile(file);
  for (const name of Object.keys(fromFile)) {
    if (!Object.hasOwn(SETTINGS, name)) faults.push(`${file}: ${name} is no setting${inFile(name)}`);
  }
  const known = new Set(Object.values(SETTINGS).map((entry) => entry.env));
  for (const name of Object.keys(env)) {
    if (name.startsWith('VIGIE_') && name !== 'VIGIE_CONFIG' && !known.has(name)) {
      faults.push(`${name} is no setting${didYouMean(name, known)}`);
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(SETTINGS) as [string, Setting<unknown>][]) {
    const fromEnv = env[entry.env] === '' ? undefined : env[entry.env];
    const value =
      overrides[name] ?? fromEnv ?? (fromFile[name] === null ? undefined : fromFile[name]) ?? entry.default;
    const parsed = entry.schema.safeParse(value);
    if (parsed.success) {
      values[name] = parsed.data;
      continue;
    }
    const place =
      overrides[name] !== undefined
        ? `option for ${name}`
        : fromEnv !== undefined
          ? entry.env
          : `${file ?? 'default'}: ${name}`;
    const written = JSON.stringify(value);
    const shown = entry.secret === true || MAY_HOLD_SECRET.test(written) ? '(a secret)' : written;
    faults.push(`${place} is ${shown}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
  }
  if (faults.length > 0) {
    throw new VigieError('CONFIG_INVALID', faults.join('\n'), {
      remedy: 'Correct or remove these settings; docs/configuration.md lists all of them.',
    });
  }
  return Object.freeze(values) as Config;
}

function readFile(file: string): Record<string, unknown> {
  try {
    const lineCounter = new LineCounter();
    // Not pretty: that would quote the lines around, which may hold a secret.
    const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter, prettyErrors: false });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) {
      const { line, col } = lineCounter.linePos(fault.pos[0]);
      throw new Error(`line ${line}, column ${col}: ${withoutQuote(fault)}`);
    }
    // A file of comments only is an empty one.
    const parsed: unknown = toValues(document) ?? {};
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      throw new Error('it is not a map of settings');
    }
    return parsed as Record<string, unknown>;
  } catch (error) {
    throw new VigieError(
      'CONFIG_INVALID',
      `cannot read the configuration file ${shownPath(file)}: ${openFailure(file, error)}`,
      {
        remedy: 'Let VIGIE_CONFIG name a readable YAML or JSON file, or unset it.',
        cause: error,
      },
    );
  }
}

/** A secret without quotes may begin with a character that means something in YAML, and is then what is at fault. */
function withoutQuote({ code, message }: YAMLError): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'a tag that does not exist; put what begins with ! in quotes';
  if (code === 'BAD_DQ_ESCAPE') return 'an escape sequence that does not exist';
  return message.replace(/: .*/s, '');
}

function toValues(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch {
    throw new Error('it refers to what is not there; put what begins with * in quotes');
  }
}

/** What the file's name of a setting may have been; people write the variable's name there, too. */
function inFile(name: string): string {
  const entries = Object.entries(SETTINGS);
  const variable = nearest(
    name,
    entries.map(([, { env }]) => env),
  );
  const meant = entries.find(([, { env }]) => env === variable)?.[0] ?? nearest(name, Object.keys(SETTINGS));
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
