/**
 * Every way to log in to a real broker, from the settings to the first message; and what people are told when it
 * is refused: the value, the place, the remedy, and never the secret.
 */

import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { kafkaConnection } from '../../src/cli/kafka-settings.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { VigieError } from '../../src/errors.ts';
import { makeCertificates } from '../support/certificates.ts';
import type { Certificates } from '../support/certificates.ts';
import { cleanUp, start, until } from '../support/cli.ts';
import { closeReaders, Reader } from '../support/kafka-reader.ts';
import { createTopic, produce, testKafka } from '../support/kafka-topics.ts';
import { startNativeKafka } from '../support/native-kafka.ts';
import type { NativeKafka } from '../support/native-kafka.ts';
import { FEW_RULES } from '../support/programs.ts';

const native = testKafka()?.kind === 'native';
const TOPIC = 'guarded';
const USER = 'vigie';
const PASSWORD = 'marked-Secret-1';
const CLIENT_SECRET = 'marked-Secret-2';
const JAAS = 'org.apache.kafka.common.security';

let folder: string;
let certificates: Certificates;
let broker: NativeKafka;
let tokens: Server;
let issued = 0;

const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url');

/** As Kafka's validator without signatures takes it: for tests only. */
function unsecuredToken(lifeSeconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: USER, iat: now - 1, exp: now + lifeSeconds })}.`;
}

beforeAll(async () => {
  if (!native) return;
  folder = mkdtempSync(join(tmpdir(), 'vigie-security-'));
  certificates = await makeCertificates(folder);
  const scram = `${JAAS}.scram.ScramLoginModule required;`;
  broker = await startNativeKafka({
    scram: [
      `SCRAM-SHA-256=[name=${USER},password=${PASSWORD}]`,
      `SCRAM-SHA-512=[name=${USER},password=${PASSWORD}]`,
    ],
    listeners: [
      {
        name: 'login',
        protocol: 'SASL_SSL',
        settings: {
          ...certificates.server,
          'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
          'plain.sasl.jaas.config': `${JAAS}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
          'scram-sha-256.sasl.jaas.config': scram,
          'scram-sha-512.sasl.jaas.config': scram,
        },
      },
      {
        name: 'brief',
        protocol: 'SASL_PLAINTEXT',
        settings: {
          'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
          'scram-sha-256.sasl.jaas.config': scram,
          'scram-sha-256.connections.max.reauth.ms': '5000',
        },
      },
      {
        name: 'token',
        protocol: 'SASL_SSL',
        settings: {
          ...certificates.server,
          'sasl.enabled.mechanisms': 'OAUTHBEARER',
          'oauthbearer.sasl.jaas.config': `${JAAS}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="unused";`,
          'oauthbearer.connections.max.reauth.ms': '60000',
        },
      },
      {
        name: 'mutual',
        protocol: 'SSL',
        settings: { ...certificates.server, 'ssl.client.auth': 'required' },
      },
      { name: 'expired', protocol: 'SSL', settings: certificates.expiredServer },
    ],
  });
  await createTopic(broker.brokers, TOPIC, 1);
  await produce(broker.brokers, TOPIC, [{ value: 'hello' }]);
  // A broker without any group has work to do before its first.
  const first = new Reader(TOPIC, { brokers: broker.brokers });
  await first.batch();
  await first.close();
  tokens = createServer((request, response) => {
    request.resume();
    const expected = `Basic ${Buffer.from(`${USER}:${CLIENT_SECRET}`).toString('base64')}`;
    const known = request.headers.authorization === expected;
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    if (known) issued += 1;
    response.end(
      JSON.stringify(
        known ? { access_token: unsecuredToken(300), expires_in: 300 } : { error: 'invalid_client' },
      ),
    );
  });
  await new Promise<void>((done) => tokens.listen(0, '127.0.0.1', done));
}, 300_000);

afterEach(closeReaders);

afterAll(async () => {
  await cleanUp();
  tokens?.close();
  await broker?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

type Env = Readonly<Record<string, string>>;

const at = (listener: string, env: Env): Env => ({
  KAFKA_BROKERS: broker.listeners.get(listener)!,
  KAFKA_SSL: 'true',
  KAFKA_SSL_CA: certificates.ca,
  ...env,
});
const login = (mechanism: string, password = PASSWORD): Env => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: USER,
  KAFKA_SASL_PASSWORD: password,
});
const clientCertificate = (file: string): Env => ({ KAFKA_SSL_CERT: file, KAFKA_SSL_KEY: file });
const tokenUrl = (): string => `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`;
const credentials = (secret: string): Env => ({
  KAFKA_SASL_MECHANISM: 'oauthbearer',
  KAFKA_OAUTH_TOKEN_URL: tokenUrl(),
  KAFKA_OAUTH_CLIENT_ID: USER,
  KAFKA_OAUTH_CLIENT_SECRET: secret,
});

function tokenFile(content: string): string {
  const path = join(folder, 'token');
  writeFileSync(path, `${content}\n`);
  return path;
}

const logged: string[] = [];

function reader(env: Env): Reader {
  const connection = kafkaConnection(loadConfig(env), (level, message, fields) =>
    logged.push(JSON.stringify({ level, message, ...fields })),
  );
  return new Reader(TOPIC, connection);
}

/** Neither as they are, nor as they go over the wire. */
function expectNoSecrets(): void {
  const text = logged.join('\n');
  for (const secret of [PASSWORD, CLIENT_SECRET, 'guess', unsecuredToken(300).slice(0, 30)]) {
    for (const sent of [secret, `\0${USER}\0${secret}`, `${USER}:${secret}`]) {
      expect(text.includes(sent), secret).toBe(false);
      expect(text.includes(Buffer.from(sent).toString('base64')), secret).toBe(false);
    }
  }
}

async function problemOf(env: Env): Promise<VigieError> {
  const refused = reader(env);
  void refused.next().catch(() => undefined);
  await expect.poll(() => refused.problems[0], { timeout: 15_000 }).toBeDefined();
  return refused.problems[0]!;
}

describe.runIf(native)('the topic is read', () => {
  test.each<[string, () => Env]>([
    ['with PLAIN over TLS', () => at('login', login('plain'))],
    ['with SCRAM-SHA-256 over TLS', () => at('login', login('scram-sha-256'))],
    ['with SCRAM-SHA-512 over TLS', () => at('login', login('scram-sha-512'))],
    [
      'in sessions that the broker ends after a few seconds',
      () => ({ KAFKA_BROKERS: broker.listeners.get('brief')!, ...login('scram-sha-256') }),
    ],
    ['with a client certificate', () => at('mutual', clientCertificate(certificates.client))],
    [
      'with a token from a file',
      () =>
        at('token', {
          KAFKA_SASL_MECHANISM: 'oauthbearer',
          KAFKA_OAUTH_TOKEN_FILE: tokenFile(unsecuredToken(300)),
        }),
    ],
    ['with a token from a server', () => at('token', credentials(CLIENT_SECRET))],
  ])('%s', async (_name, env) => {
    const reading = reader(env());
    expect((await reading.batch()).count).toBe(1);
    expect(reading.values).toEqual(['hello']);
    expect(reading.problems.filter((problem) => problem !== undefined)).toEqual([]);
  });

  test('with one token for all connections', () => {
    expect(issued).toBe(1);
  });

  test('and no line that was logged on the way, down to debug, shows what it logged in with', () => {
    const joined = logged.filter((line) => line.includes('joined group'));
    expect(joined).toHaveLength(7);
    expect(logged.some((line) => line.includes('"level":"debug"'))).toBe(true);
    expectNoSecrets();
  });
});

/** Reads with `before` in place of a file that names `after` once the broker was refused. */
async function renewed(
  before: string,
  after: string,
  env: (path: string) => Env,
  code: string,
): Promise<Reader> {
  const path = join(folder, 'renewed.pem');
  copyFileSync(before, path);
  const reading = reader(at('mutual', env(path)));
  const batch = reading.batch();
  await expect.poll(() => reading.problems[0], { timeout: 15_000 }).toMatchObject({ code });
  copyFileSync(after, path);
  expect((await batch).count).toBe(1);
  return reading;
}

describe.runIf(native)('without a restart, a reader that waits for its broker uses', () => {
  test('a client certificate that was renewed', async () => {
    const { strangeClient, client } = certificates;
    await renewed(strangeClient, client, clientCertificate, 'KAFKA_TLS_REFUSED');
  });

  test('an authority that was replaced', async () => {
    const { otherCa, ca, client } = certificates;
    const env = (path: string): Env => ({ ...clientCertificate(client), KAFKA_SSL_CA: path });
    await renewed(otherCa, ca, env, 'KAFKA_TLS_UNTRUSTED');
  });
});

/** End of a certificate, seconds since the epoch. */
const ends = (file: string): number => new X509Certificate(readFileSync(file)).validToDate.getTime() / 1000;

describe.runIf(native)('files that are renewed', () => {
  test('leave the certificate before in use while they do not fit each other, which is said once', async () => {
    const cert = join(folder, 'half-done.pem');
    copyFileSync(certificates.client, cert);
    const env = { KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: certificates.client };
    const reading = reader(at('mutual', env));
    copyFileSync(certificates.strangeClient, cert);
    const before = logged.length;
    expect((await reading.batch()).count).toBe(1);
    const said = logged.slice(before).filter((line) => line.includes('KAFKA_CERT_INVALID'));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(`does not belong to KAFKA_SSL_CERT=${cert}`);
  });

  test('are used once the certificate is valid, are told of each time they cannot be, and not when they are back', () => {
    const [cert, key] = ['soon.pem', 'soon-key.pem'].map((name) => join(folder, name)) as [string, string];
    copyFileSync(certificates.client, cert);
    copyFileSync(certificates.client, key);
    const { validFromDate, validToDate } = new X509Certificate(readFileSync(certificates.longClient));
    let now = validFromDate.getTime() - 1;
    const said: unknown[] = [];
    const connection = kafkaConnection(
      loadConfig({
        KAFKA_BROKERS: 'broker:9092',
        KAFKA_SSL: 'true',
        KAFKA_SSL_CERT: cert,
        KAFKA_SSL_KEY: key,
      }),
      (level, _message, fields) => said.push([level, fields?.['code']]),
      { now: () => now, elapsed: () => now },
    );
    const certificateEnds = (): Date => new Date(connection.certificateEndsMs!()!);
    const { validToDate: firstEnd } = new X509Certificate(readFileSync(certificates.client));
    for (let i = 0; i < 2; i += 1) {
      rmSync(key);
      expect([certificateEnds(), certificateEnds()]).toEqual([firstEnd, firstEnd]);
      copyFileSync(certificates.client, key);
      expect(certificateEnds()).toEqual(firstEnd);
    }
    expect(said.splice(0)).toEqual([
      ['warn', 'KAFKA_CERT_INVALID'],
      ['warn', 'KAFKA_CERT_INVALID'],
    ]);
    for (const path of [cert, key]) copyFileSync(certificates.longClient, path);
    expect([certificateEnds(), certificateEnds()]).toEqual([firstEnd, firstEnd]);
    now += 1;
    expect([certificateEnds(), certificateEnds()]).toEqual([validToDate, validToDate]);
    expect(said).toEqual([
      ['warn', 'KAFKA_CERT_EXPIRED'],
      ['info', undefined],
    ]);
  });

  test('that are pipes are read once', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const writing = spawn('cp', [certificates.ca, pipe]);
    const connection = kafkaConnection(
      loadConfig({ KAFKA_BROKERS: 'broker:9092', KAFKA_SSL: 'true', KAFKA_SSL_CA: pipe }),
      () => undefined,
    );
    const { ssl } = connection;
    expect(typeof ssl === 'function' && ssl().ca).toHaveLength(1);
    writing.kill();
  });

  test('show in the metrics when the certificate ends, before anything connects anew', async () => {
    const path = join(folder, 'shown.pem');
    copyFileSync(certificates.client, path);
    const running = start(['run', '--rules', FEW_RULES, '--data-dir', join(folder, 'shown')], {
      ...at('mutual', clientCertificate(path)),
      VIGIE_TOPIC: TOPIC,
      VIGIE_PSEUDONYM_KEY: '0'.repeat(32),
    });
    const shown = (): Promise<number | undefined> =>
      running.metric('vigie_kafka_certificate_expiry_timestamp_seconds');
    await until(async () => (await running.get('/readyz')).status === 200);
    expect(await shown()).toBe(ends(certificates.client));
    copyFileSync(certificates.longClient, path);
    expect(await shown()).toBe(ends(certificates.longClient));
    expect(ends(certificates.longClient)).toBeGreaterThan(ends(certificates.client));
    writeFileSync(path, 'half');
    expect(await shown()).toBe(ends(certificates.longClient));
    await running.signal('SIGTERM');
  });
});

describe.runIf(native)('what is refused is named', () => {
  test.each<[string, () => Env, string, () => string]>([
    [
      'a wrong password',
      () => at('login', login('plain', 'guess')),
      'KAFKA_AUTH_FAILED',
      () => `plain credentials of user ${USER}`,
    ],
    [
      'a wrong password under SCRAM',
      () => at('login', login('scram-sha-512', 'guess')),
      'KAFKA_AUTH_FAILED',
      () => USER,
    ],
    [
      'a mechanism that the listener does not offer',
      () => at('token', login('plain')),
      'KAFKA_AUTH_FAILED',
      () => 'does not support',
    ],
    [
      'a token that has expired',
      () =>
        at('token', {
          KAFKA_SASL_MECHANISM: 'oauthbearer',
          KAFKA_OAUTH_TOKEN_FILE: tokenFile(unsecuredToken(-60)),
        }),
      'KAFKA_AUTH_FAILED',
      () => `the oauthbearer credentials of KAFKA_OAUTH_TOKEN_FILE=${join(folder, 'token')}`,
    ],
    [
      'a missing token file',
      () => at('token', { KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_OAUTH_TOKEN_FILE: '/nowhere/token' }),
      'KAFKA_TOKEN_UNAVAILABLE',
      () => 'KAFKA_OAUTH_TOKEN_FILE=/nowhere/token',
    ],
    [
      'a wrong client secret',
      () => at('token', credentials('guess')),
      'KAFKA_TOKEN_REFUSED',
      () => `${tokenUrl()} answers 401 to KAFKA_OAUTH_CLIENT_ID=${USER}: invalid_client`,
    ],
    [
      'an authority that is not the broker’s',
      () => at('login', { ...login('plain'), KAFKA_SSL_CA: certificates.otherCa }),
      'KAFKA_TLS_UNTRUSTED',
      () => `KAFKA_SSL_CA=${certificates.otherCa}`,
    ],
    [
      'a broker whose certificate has expired',
      () => at('expired', {}),
      'KAFKA_TLS_EXPIRED',
      () => broker.listeners.get('expired')!,
    ],
    [
      'a broker under a name that is not in its certificate',
      () =>
        at('login', {
          ...login('plain'),
          KAFKA_BROKERS: broker.listeners.get('login')!.replace('127.0.0.1', 'localhost'),
        }),
      'KAFKA_TLS_WRONG_NAME',
      () => 'localhost',
    ],
    [
      'no client certificate',
      () => at('mutual', {}),
      'KAFKA_TLS_REFUSED',
      () => broker.listeners.get('mutual')!,
    ],
    [
      'a client certificate of another authority',
      () => at('mutual', clientCertificate(certificates.strangeClient)),
      'KAFKA_TLS_REFUSED',
      () => `KAFKA_SSL_CERT=${certificates.strangeClient}`,
    ],
    [
      'TLS to a port without it',
      () => ({ ...at('login', {}), KAFKA_BROKERS: broker.brokers[0]! }),
      'KAFKA_TLS_MISMATCH',
      () => broker.brokers[0]!,
    ],
    [
      'no TLS to a port with it',
      () => ({ KAFKA_BROKERS: broker.listeners.get('mutual')! }),
      'KAFKA_UNREACHABLE',
      () => broker.listeners.get('mutual')!,
    ],
  ])('%s', async (_name, env, code, value) => {
    const problem = await problemOf(env());
    expect(problem).toMatchObject({ code, retryable: true });
    expect(problem.message).toContain(value());
    expect(problem.remedy).toBeTruthy();
    // The log says that it is tried again.
    expect(logged.map((line) => JSON.parse(line) as unknown)).toContainEqual(
      expect.objectContaining({ code, message: problem.message, retryInMs: expect.any(Number) }),
    );
  });

  test('a client certificate that has expired, before anything connects', () => {
    expect(() => reader(at('mutual', clientCertificate(certificates.expiredClient)))).toThrow(
      expect.objectContaining({
        code: 'KAFKA_CERT_EXPIRED',
        retryable: false,
        message: expect.stringContaining(`KAFKA_SSL_CERT=${certificates.expiredClient}`),
      }),
    );
  });

  test('and no secret is in any log line', () => {
    expect(logged.length).toBeGreaterThan(50);
    expectNoSecrets();
  });
});
