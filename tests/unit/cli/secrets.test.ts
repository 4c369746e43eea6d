/**
 * Secrets are set, and then looked for in all that Vigie writes: help, errors, logs, /metrics, /readyz. And what
 * a running service listens on is reachable from its own machine only.
 */

import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { SETTINGS } from '../../../src/config/settings.ts';
import { tokenFromFile, tokenFromServer } from '../../../src/source/oauth-token.ts';
import { cleanUp, start, temporaryFolder, until, vigie } from '../../support/cli.ts';

const SECRETS = {
  KAFKA_SASL_PASSWORD: 'kafka-Marked/secret+1',
  KAFKA_SSL_KEY_PASSPHRASE: 'passphrase-Marked/secret+3',
  KAFKA_OAUTH_CLIENT_SECRET: 'oauth-Marked/secret+4',
  CLICKHOUSE_PASSWORD: 'clickhouse-Marked/secret+2',
  VIGIE_PSEUDONYM_KEY: 'a7d1f0c3b2e4958677a8b9cadbecfd0e',
  VIGIE_WEBHOOK_URL: 'https://127.0.0.1:9/Marked/secret+8',
  VIGIE_WEBHOOK_SECRET: 'whsec_MarkedSecret9MarkedSecret9MarkedSe',
  VIGIE_CANARY_KEY: 'c4e2b1a09f8d7e6c5b4a392817065f4d',
};
/** What files hold that settings name, and what answers hold. */
const HELD = {
  'the key file of the pseudonyms': 'key-file-Marked/secret+5',
  'the file of a private key': 'private-key-Marked/secret+6',
  'an access token': 'token-Marked/secret+7',
};
const PEM = `-----BEGIN PRIVATE KEY-----\n${HELD['the file of a private key']}\n-----END PRIVATE KEY-----`;
const TOKEN = `eyJhbGciOiJub25lIn0.${'x'.repeat(20)}.`;
const USER = 'vigie-user';
const USERS = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: USER, CLICKHOUSE_USER: USER };

/** Every form in which a secret could come out, by the name of its setting. */
const MARKS = Object.entries({ ...SECRETS, ...HELD }).flatMap(([name, secret]) =>
  [
    secret,
    secret.toUpperCase(),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
    Buffer.from(secret, 'hex').toString('base64'),
    Buffer.from(`${USER}:${secret}`).toString('base64'),
    Buffer.from(`\0${USER}\0${secret}`).toString('base64'),
  ]
    .filter((mark) => mark.length > 8)
    .map((mark) => ({ name, mark: mark.toLowerCase() })),
);

/** Names of the secrets that a text gives away. */
function leaks(text: string): string[] {
  const lower = text.toLowerCase();
  return [...new Set(MARKS.filter(({ mark }) => lower.includes(mark)).map(({ name }) => name))];
}

const servers: Server[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) server.close();
});
afterAll(cleanUp);

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** Takes connections and closes them: what a broker that wants TLS looks like to one without. */
function brokenBroker(): Promise<number> {
  return listening(createTcpServer((socket) => socket.destroy()));
}

/** As ClickHouse refuses a user. */
function refusingClickHouse(): Promise<number> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(403, { 'x-clickhouse-exception-code': '516' });
    response.end(
      `Code: 516. DB::Exception: ${USER}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED) (version 25.8.1.1)\n`,
    );
  });
  return listening(server);
}

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

describe('secrets', () => {
  test('are all in this test', () => {
    const settings = Object.values(SETTINGS).filter((setting) => 'secret' in setting && setting.secret);
    expect(Object.keys(SECRETS).toSorted()).toEqual(settings.map(({ env }) => env).toSorted());
    for (const [name, secret] of Object.entries(SECRETS)) expect(leaks(`"x${secret}x"`)).toEqual([name]);
  });

  test('are in no help text of any command', () => {
    for (const [name, value] of Object.entries(SECRETS)) vi.stubEnv(name, value);
    let text = '';
    const output = { writeOut: (more: string) => (text += more), writeErr: (more: string) => (text += more) };
    const commands = commandsOf(createProgram(() => undefined, output));
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      const before = text.length;
      expect(() => command.configureOutput(output).exitOverride().help()).toThrow(CommanderError);
      expect(text.length).toBeGreaterThan(before + 100);
    }
    expect(leaks(text)).toEqual([]);
    // Everybody on the machine can read a command line.
    const options = commands.flatMap((command) => command.options.map(({ long }) => long));
    expect(options.filter((name) => /password|secret|key$/.test(name ?? ''))).toEqual([]);
  });

  test.each([
    ['the key file of the pseudonyms', ['--input', '-'], 'PSEUDONYM_KEY_INVALID'],
    ['the file of a private key', [], 'KAFKA_CERT_INVALID'],
  ] as const)('are in no error about %s when it holds something else', async (what, args, fault) => {
    const file = join(temporaryFolder(), 'held');
    writeFileSync(file, `key: ${HELD[what]}`);
    const { code, stdout, stderr } = await vigie(['run', ...args], {
      VIGIE_PSEUDONYM_KEY_FILE: file,
      ...(args.length > 0
        ? {}
        : {
            KAFKA_BROKERS: '127.0.0.1:9',
            KAFKA_SSL: 'true',
            KAFKA_SSL_CERT: file,
            KAFKA_SSL_KEY: file,
            VIGIE_PSEUDONYM_KEY: SECRETS.VIGIE_PSEUDONYM_KEY,
            VIGIE_DATA_DIR: temporaryFolder(),
          }),
    });
    expect(code).toBe(1);
    expect(stderr).toContain(fault);
    expect(leaks(stdout + stderr)).toEqual([]);
  });

  test.each([
    [
      'the key of the pseudonyms',
      'PSEUDONYM_KEY_UNREADABLE',
      { VIGIE_PSEUDONYM_KEY_FILE: SECRETS.VIGIE_PSEUDONYM_KEY },
    ],
    [
      'a private key',
      'KAFKA_CERT_INVALID',
      {
        KAFKA_SSL: 'true',
        KAFKA_SSL_CERT: `${PEM}\n`,
        KAFKA_SSL_KEY: PEM,
        VIGIE_PSEUDONYM_KEY: SECRETS.VIGIE_PSEUDONYM_KEY,
      },
    ],
    [
      'a configuration',
      'CONFIG_INVALID',
      { VIGIE_CONFIG: `{"clickhouse_password":"${SECRETS.CLICKHOUSE_PASSWORD}"}\n` },
    ],
  ] as const)('are in no error where a setting is %s instead of its file', async (_, fault, env) => {
    const { code, stdout, stderr } = await vigie(['run'], { KAFKA_BROKERS: '127.0.0.1:9', ...env });
    expect(code).toBe(1);
    expect(stderr).toContain(fault);
    expect(leaks(stdout + stderr)).toEqual([]);
  });

  test('are in no error where a setting is a token instead of its file', async () => {
    const error: unknown = await tokenFromFile(TOKEN)().catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain('KAFKA_OAUTH_TOKEN_FILE');
    expect((error as Error).message).not.toContain(TOKEN);
  });

  test.each([
    [400, (got: string) => ({ error: got })],
    [401, (got: string) => ({ error: 'invalid_client', error_description: got })],
    [500, (got: string) => got],
    [200, (got: string) => ({ token: HELD['an access token'], got })],
  ])(
    'are in no error about a server of tokens that answers %d and repeats what it got',
    async (status, answer) => {
      const port = await listening(
        createServer((request, response) => {
          request.resume();
          const basic = Buffer.from(String(request.headers.authorization).replace('Basic ', ''), 'base64');
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(JSON.stringify(answer(`${basic.toString()} ${SECRETS.KAFKA_OAUTH_CLIENT_SECRET}`)));
        }),
      );
      const provider = tokenFromServer({
        url: `http://127.0.0.1:${port}/token?client_secret=${SECRETS.KAFKA_OAUTH_CLIENT_SECRET}`,
        clientId: USER,
        clientSecret: SECRETS.KAFKA_OAUTH_CLIENT_SECRET,
        scope: undefined,
        clock: systemClock,
        log: () => undefined,
      });
      const error: unknown = await provider().then(
        () => expect.fail('there is no token in it'),
        (thrown: unknown) => thrown,
      );
      expect((error as Error).message).toContain('KAFKA_OAUTH_TOKEN_URL');
      expect(leaks(inspect(error, { depth: 10 }))).toEqual([]);
    },
  );

  test.each([
    ['too long for a key', { VIGIE_PSEUDONYM_KEY: `${SECRETS.VIGIE_PSEUDONYM_KEY}0` }],
    ['in a variable with a misspelt name', { VIGIE_PSEUDONIM_KEY: SECRETS.VIGIE_PSEUDONYM_KEY }],
    ['in an address', { CLICKHOUSE_URL: `http://${USER}:${SECRETS.CLICKHOUSE_PASSWORD}@localhost:8123` }],
    ['in an address that is none', { CLICKHOUSE_URL: `ftp://u:${SECRETS.CLICKHOUSE_PASSWORD}@localhost` }],
    [
      'in the parameters of an address',
      { CLICKHOUSE_URL: `http://ch?password=${SECRETS.CLICKHOUSE_PASSWORD}` },
    ],
    ['in those of one that is none', { CLICKHOUSE_URL: `ftp://ch/?password=${SECRETS.CLICKHOUSE_PASSWORD}` }],
    ['as the user at a broker', { KAFKA_BROKERS: `${SECRETS.KAFKA_SASL_PASSWORD}@kafka:9092` }],
    ['in the address of a broker', { KAFKA_BROKERS: `${USER}:${SECRETS.KAFKA_SASL_PASSWORD}@kafka:9092` }],
    ['beside a wrong setting', { VIGIE_LATENESS: 'soon', ...SECRETS }],
  ])('are in no error about settings: %s', async (_, env) => {
    const { code, stdout, stderr } = await vigie(['run', '--input', '-'], env);
    expect(code).toBe(1);
    expect(stderr).toContain('CONFIG_INVALID');
    expect(leaks(stdout + stderr)).toEqual([]);
  });

  test.each([
    ['that is no YAML', `kafka_sasl_password: "${SECRETS.KAFKA_SASL_PASSWORD}\nclickhouse_password: [`],
    ['with a secret of the wrong type', `clickhouse_password: [${SECRETS.CLICKHOUSE_PASSWORD}]`],
    ['with a key that is too short', `pseudonym_key: "${SECRETS.VIGIE_PSEUDONYM_KEY.slice(1)}"`],
    ['with a misspelt setting', `clickhouse_pasword: "${SECRETS.CLICKHOUSE_PASSWORD}"`],
    ['that is a list', `- ${SECRETS.CLICKHOUSE_PASSWORD}`],
  ])('are in no error about a file %s', async (_, text) => {
    const file = join(temporaryFolder(), 'vigie.yml');
    writeFileSync(file, text);
    const { code, stdout, stderr } = await vigie(['run', '--input', '-'], { VIGIE_CONFIG: file });
    expect(code).toBe(1);
    expect(stderr).toContain('CONFIG_INVALID');
    expect(leaks(stdout + stderr)).toEqual([]);
    // Also not shortened by a character, as the short key is.
    expect(stderr).not.toContain(SECRETS.VIGIE_PSEUDONYM_KEY.slice(1));
  });

  test.each([
    // Without quotes these begin something else in YAML.
    ...['*', '!', '>', '|', '%', '@', '`'].map(
      (first) => `clickhouse_password: ${first}${SECRETS.CLICKHOUSE_PASSWORD}`,
    ),
    `clickhouse_password: !${SECRETS.CLICKHOUSE_PASSWORD}!a x`,
    `{"topic": "x"} ${SECRETS.CLICKHOUSE_PASSWORD}`,
    `topic: "\\${SECRETS.CLICKHOUSE_PASSWORD}"`,
  ])('are in no error about the file: %s', (text) => {
    const file = join(temporaryFolder(), 'vigie.yml');
    writeFileSync(file, text);
    const read = (): unknown => loadConfig({ VIGIE_CONFIG: file });
    expect(read).toThrow(/cannot read the configuration file .*vigie\.yml: \S/);
    expect(read).not.toThrow(/Marked/);
  });

  test('are in no error of a start that ClickHouse refuses', async () => {
    const { code, stdout, stderr } = await vigie(['run'], {
      ...SECRETS,
      ...USERS,
      KAFKA_BROKERS: `127.0.0.1:${await brokenBroker()}`,
      CLICKHOUSE_URL: `http://127.0.0.1:${await refusingClickHouse()}`,
      VIGIE_DATA_DIR: temporaryFolder(),
      VIGIE_LOG_LEVEL: 'debug',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('CLICKHOUSE_AUTH_FAILED');
    expect(leaks(stdout + stderr)).toEqual([]);
  });

  test('are in no error of a command that cannot reach Kafka', async () => {
    const port = await brokenBroker();
    const { code, stdout, stderr } = await vigie(['replay', 'kairos-2025', '--to', 'kafka'], {
      ...SECRETS,
      ...USERS,
      KAFKA_BROKERS: `127.0.0.1:${port}`,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('KAFKA_');
    expect(leaks(stdout + stderr)).toEqual([]);
  });

  test('are in no log line, metric or answer of a service that cannot read, and nobody else can ask it', async () => {
    const service = start(['run'], {
      ...SECRETS,
      ...USERS,
      KAFKA_BROKERS: `127.0.0.1:${await brokenBroker()}`,
      VIGIE_DATA_DIR: temporaryFolder(),
      VIGIE_LOG_LEVEL: 'debug',
    });
    await service.address();
    await until(async () => ((await service.metric('vigie_source_problems_total')) ?? 0) > 0);
    const answers = await Promise.all(
      ['/metrics', '/readyz', '/healthz', '/'].map((path) => service.get(path)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 200, 404]);
    expect(leaks(answers.map(({ text }) => text).join('\n'))).toEqual([]);
    expectOnlyLoopback(service.pid);
    const { stdout, stderr } = await service.signal('SIGTERM');
    expect(stderr).toContain('KAFKA_');
    expect(leaks(stdout + stderr)).toEqual([]);
  }, 60_000);
});

test.runIf(process.platform === 'linux').each([
  ['with the embedded database', ['run', '--input', '-'], {}],
  [
    'scaled out',
    ['run'],
    {
      KAFKA_BROKERS: '127.0.0.1:9',
      VIGIE_SIGNALS_TOPIC: 'signals',
      VIGIE_PSEUDONYM_KEY: SECRETS.VIGIE_PSEUDONYM_KEY,
    },
  ],
])(
  'a service %s listens on its own machine only',
  async (_, args, env) => {
    const service = start(args, { ...env, VIGIE_DATA_DIR: temporaryFolder() });
    await until(() => Promise.resolve(listeningAddresses(service.pid).length > 0));
    expectOnlyLoopback(service.pid);
    await service.signal('SIGTERM');
  },
  60_000,
);

function expectOnlyLoopback(pid: number): void {
  if (process.platform !== 'linux') return;
  const addresses = listeningAddresses(pid);
  expect(addresses.length).toBeGreaterThan(0);
  expect(addresses.filter((address) => !LOOPBACK.includes(address))).toEqual([]);
}

/** 127.0.0.1 and ::1 as the kernel writes them. */
const LOOPBACK = ['0100007F', '00000000000000000000000001000000'];

/** Addresses of the TCP ports that a process listens on, from /proc. */
function listeningAddresses(pid: number): string[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? ''];
      } catch {
        // Closed in between.
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.has(inode ?? ''))
      .map(([, local]) => local!.split(':')[0]!),
  );
}
