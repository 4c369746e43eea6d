import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MIN_SPOOL_BYTES } from '../../../src/sink/spool/disk-spool.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { SETTINGS } from '../../../src/config/settings.ts';
import { topicsOf } from '../../../src/config/topics.ts';
import { VigieError } from '../../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'vigie.yml');
  writeFileSync(path, text);
  return path;
}

/** The lines of the refusal. */
function faultsOf(env: Readonly<Record<string, string>>): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', remedy: expect.stringMatching(/\w/) as string });
    return error.message.split('\n');
  }
  throw new Error('the configuration was accepted');
}

describe('settings', () => {
  test('are the defaults when nothing is set', () => {
    expect(loadConfig({})).toMatchObject({
      rules: ['rules'],
      topic: 'portal-access',
      http_port: 9464,
      archive: false,
      lateness: 60_000,
      max_future: 300_000,
      person_fields: ['portal.records.ids'],
    });
    expect(loadConfig({}).kafka_brokers).toBeUndefined();
  });

  test('come from the command line before the environment before the file before the default', () => {
    const path = file('topic: from-file\ngroup: from-file\ndata_dir: from-file\n');
    const config = loadConfig(
      { VIGIE_CONFIG: path, VIGIE_GROUP: 'from-env', VIGIE_DATA_DIR: 'from-env' },
      { data_dir: 'from-option' },
    );
    expect(config).toMatchObject({
      topic: 'from-file',
      group: 'from-env',
      data_dir: 'from-option',
      http_host: '127.0.0.1',
    });
  });

  test.each([
    ['16777216', MIN_SPOOL_BYTES],
    ['16MiB', MIN_SPOOL_BYTES],
    ['20 GiB', 20 * 1024 ** 3],
    ['2TiB', 2 * 1024 ** 4],
  ])('take %s for a size', (text, bytes) => {
    expect(loadConfig({ VIGIE_SPOOL_MAX: text }).spool_max).toBe(bytes);
  });

  test('take the size of events in units, too', () => {
    expect(loadConfig({}).max_event_bytes).toBe(1024 ** 2);
    expect(loadConfig({ VIGIE_MAX_EVENT_BYTES: '2MiB' }).max_event_bytes).toBe(2 * 1024 ** 2);
  });

  test.each(['15MiB', '2GB', '1.5GiB', '-1', 'GiB', '1025TiB', '99999999999TiB'])(
    'do not take %s for a size, and say which forms there are',
    (text) => {
      const form = 'expected a number of bytes, or one with KiB, MiB, GiB or TiB, from 16MiB to 1024TiB';
      expect(faultsOf({ VIGIE_SPOOL_MAX: text })).toEqual([`VIGIE_SPOOL_MAX is "${text}": ${form}`]);
    },
  );

  test('count as not set when the variable is empty or the file says null', () => {
    expect(loadConfig({ VIGIE_CONFIG: '' })).toEqual(loadConfig({}));
    const path = file('group:\n');
    expect(loadConfig({ VIGIE_CONFIG: path, VIGIE_TOPIC: '' })).toMatchObject({
      topic: 'portal-access',
      group: 'vigie',
    });
  });

  test('cannot be changed once read, lists included', () => {
    const config = loadConfig({ KAFKA_BROKERS: 'a:9092, b:9092' });
    expect(config.kafka_brokers).toEqual(['a:9092', 'b:9092']);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.values(config).filter(Array.isArray).every(Object.isFrozen)).toBe(true);
  });

  test.each([
    [1, true],
    [0, false],
    ['"1"', true],
    ['"false"', false],
  ])('take %s in the file for a switch', (text, wanted) => {
    expect(loadConfig({ VIGIE_CONFIG: file(`archive: ${text}\n`) }).archive).toBe(wanted);
  });

  test('of the file may be of its own types, in YAML or JSON, and a file may be empty', () => {
    const wanted = { rules: ['a', 'b'], archive: true, archive_days: 30, kafka_brokers: ['k:1'] };
    const yaml = 'rules: [a, b]\narchive: true\narchive_days: 30\nkafka_brokers: k:1\n';
    expect(loadConfig({ VIGIE_CONFIG: file(yaml) })).toMatchObject(wanted);
    expect(loadConfig({ VIGIE_CONFIG: file(JSON.stringify(wanted)) })).toMatchObject(wanted);
    expect(loadConfig({ VIGIE_CONFIG: file('# nothing yet\n') })).toEqual(loadConfig({}));
  });
});

test('a scheme is a scheme in any case', () => {
  const { webhook_url } = loadConfig({ VIGIE_WEBHOOK_URL: 'HTTPS://chat.example/hook' });
  expect(webhook_url).toBe('HTTPS://chat.example/hook');
});

describe('faulty settings', () => {
  test('are all reported at once, each with its place, its value and what was expected', () => {
    const path = file('topics: a\nVIGIE_GROUP: a\nhttp_port: abc\nrules: 5\narchive: perhaps\n');
    expect(
      faultsOf({ VIGIE_CONFIG: path, VIGIE_TOPICS: 'a', VIGIE_LATENESS: '5x', CLICKHOUSE_URL: 'localhost' }),
    ).toEqual([
      `${path}: topics is no setting; did you mean topic?`,
      `${path}: VIGIE_GROUP is no setting; did you mean group?`,
      'VIGIE_TOPICS is no setting; did you mean VIGIE_TOPIC?',
      `${path}: rules is 5: expected a list of texts, or one text with commas between`,
      'CLICKHOUSE_URL is "localhost": expected http(s)://host:port',
      `${path}: archive is "perhaps": expected true or false`,
      `${path}: http_port is "abc": expected a whole number`,
      expect.stringMatching(/^VIGIE_LATENESS is "5x": expected an integer and one of s, m, h, d/),
    ]);
  });

  test.each([
    ['VIGIE_HTTP_PORT', ' '],
    ['VIGIE_HTTP_PORT', '1e3'],
    ['VIGIE_HTTP_PORT', '-1'],
    ['VIGIE_HTTP_PORT', '65536'],
    ['VIGIE_ARCHIVE', 'yes'],
    ['VIGIE_LATENESS', '-5s'],
    ['VIGIE_MAX_FUTURE', '60'],
    ['VIGIE_MAX_EVENT_BYTES', '0'],
    ['VIGIE_MAX_EVENT_BYTES', '2GiB'],
    ['VIGIE_DATA_DIR', ' '],
    ['CLICKHOUSE_DATABASE', 'd'.repeat(201)],
    ['VIGIE_LOG_LEVEL', 'loud'],
    ['KAFKA_SASL_MECHANISM', 'gssapi'],
    ['KAFKA_BROKERS', ','],
    ['VIGIE_RULES', ' , '],
    // Persons' ids would go through as they are.
    ['VIGIE_PERSON_FIELDS', ' '],
    ['VIGIE_PERSON_FIELDS', ','],
    ['KAFKA_BROKERS', 'kafka'],
    ['KAFKA_BROKERS', 'a:9092,kafka:'],
    ['KAFKA_BROKERS', 'kafka:http'],
    ['KAFKA_BROKERS', 'kafka:65536'],
    ['KAFKA_BROKERS', 'kafka:9092;b:9092'],
    ['KAFKA_BROKERS', 'http://kafka:9092'],
    ['KAFKA_BROKERS', '[::1]:9092'],
    ['VIGIE_TOPIC', 'portal access'],
    ['VIGIE_TOPIC', '..'],
    ['VIGIE_DEAD_LETTER_TOPIC', 'a/b'],
    ['VIGIE_SIGNALS_TOPIC', 'x'.repeat(250)],
    ['KAFKA_OAUTH_TOKEN_URL', 'idp.example/token'],
    ['CLICKHOUSE_URL', 'ftp://host'],
    ['CLICKHOUSE_URL', 'http://proxy:80/clickhouse'],
    ['VIGIE_RULES_INTERVAL', '25d'],
    ['VIGIE_LISTS_INTERVAL', '1y'],
    ['VIGIE_ARCHIVE_DAYS', '36500'],
  ])('are refused: %s=%j', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([
      expect.stringContaining(`${name} is ${JSON.stringify(value)}: expected `),
    ]);
  });

  test.each(['http://host', 'https://host:8443', 'http://127.0.0.1:8123/'])(
    'take %s for the address of a server',
    (url) => {
      expect(loadConfig({ CLICKHOUSE_URL: url }).clickhouse_url).toBe(url);
    },
  );

  test.each([
    { VIGIE_TOPIC: 'a', VIGIE_DEAD_LETTER_TOPIC: 'a' },
    { VIGIE_TOPIC: 'a', VIGIE_SIGNALS_TOPIC: 'a' },
    { VIGIE_TOPIC: 'a', VIGIE_SIGNALS_TOPIC: 'a-dead-letters' },
    { VIGIE_TOPIC: 'a', VIGIE_DEAD_LETTER_TOPIC: 'b', VIGIE_SIGNALS_TOPIC: 'b' },
  ])('that give one topic two purposes are refused, for what is written there would be read: %o', (env) => {
    expect(() => topicsOf(loadConfig(env))).toThrow(/^VIGIE_\w+ is \S+, which is VIGIE_\w+ already$/);
  });

  test('of topics may leave those that Vigie writes out', () => {
    const alone = { input: 'a', deadLetters: 'a-dead-letters', signals: undefined };
    expect(topicsOf(loadConfig({ VIGIE_TOPIC: 'a' }))).toEqual(alone);
  });

  test('of other programs are none of our business', () => {
    expect(() => loadConfig({ KAFKA_HEAP_OPTS: '-Xmx1G', CLICKHOUSE_HOST: 'elsewhere' })).not.toThrow();
  });

  test.each(Object.entries(SETTINGS).filter(([, setting]) => 'secret' in setting))(
    'never show the value of %s',
    (name, { env, schema }) => {
      const secret = 'gGhH-not-to-be-seen';
      const path = file(`${name}: [${secret}]\n`);
      expect(faultsOf({ VIGIE_CONFIG: path }).join('\n')).not.toContain(secret);
      if (!schema.safeParse(secret).success) {
        expect(faultsOf({ [env]: secret }).join('\n')).not.toContain(secret);
      }
    },
  );

  test('never show a secret: neither one within an address, nor one beside a fault of the file', () => {
    const [fault] = faultsOf({ CLICKHOUSE_URL: 'http://vigie:hunter2@clickhouse:8123' });
    expect(fault).toBe(
      'CLICKHOUSE_URL is (a secret): expected no user and password in it: they have settings',
    );
    const path = file('clickhouse_password: hunter2\nrules: [a\n');
    expect(faultsOf({ VIGIE_CONFIG: path })).toEqual([
      expect.stringMatching(
        /^cannot read the configuration file .*vigie\.yml: line 3, column 1: (?!.*hunter2)/,
      ),
    ]);
  });

  test.each([
    ['is missing', 'no-such-file.yml', /ENOENT/],
    ['is a folder', '.', /EISDIR/],
  ])('stop the start when the file %s', (_, name, reason) => {
    const path = join(folder, name);
    const [fault] = faultsOf({ VIGIE_CONFIG: path });
    expect(fault).toContain(`cannot read the configuration file ${path}`);
    expect(fault).toMatch(reason);
  });

  test('stop the start when the file is no map', () => {
    expect(faultsOf({ VIGIE_CONFIG: file('- topic\n') })[0]).toMatch(/it is not a map of settings$/);
  });
});

const code = (word: string): string => `\`${word}\``;

test('docs/configuration.md lists exactly the settings there are, with their defaults and meanings', () => {
  const text = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `\w+` .*$/gm)].map(([row]) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  expect(rows).toEqual(
    Object.entries(SETTINGS).map(([name, setting]) => [
      code(name),
      code(setting.env),
      setting.default === undefined ? 'none' : code(setting.default),
      `${setting.doc}${'secret' in setting && setting.secret ? ' **Secret.**' : ''}`,
    ]),
  );
});

test.each([
  ['VIGIE_LATENESS', '100y', 'expected at most 31d'],
  ['VIGIE_FLUSH_INTERVAL', '2h', 'expected at most 1h'],
])('%s is not %s: nothing would be judged or committed for so long', (name, value, wanted) => {
  expect(faultsOf({ [name]: value })).toEqual([expect.stringContaining(`${name} is "${value}": ${wanted}`)]);
});
