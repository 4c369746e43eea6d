/** Settings of the Kafka connection that cannot work are refused at the start, by name and without secrets. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { kafkaConnection } from '../../../src/cli/kafka-settings.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { kafkaError } from '../../../src/source/kafka-errors.ts';
import { cleanUp, temporaryFolder } from '../../support/cli.ts';

afterAll(cleanUp);

const connect = (env: Readonly<Record<string, string>>) =>
  kafkaConnection(loadConfig({ KAFKA_BROKERS: 'kafka:9093', ...env }), () => undefined);

const folder = temporaryFolder();
const noCertificate = join(folder, 'none.pem');
writeFileSync(noCertificate, 'hello');
const OAUTH = { KAFKA_SASL_MECHANISM: 'oauthbearer' };

test.each([
  [
    'CONFIG_INVALID',
    'scram-sha-256 without',
    { KAFKA_SASL_MECHANISM: 'scram-sha-256', KAFKA_SASL_USERNAME: 'u' },
  ],
  [
    'CONFIG_INVALID',
    'KAFKA_SASL_USERNAME is set without KAFKA_SASL_MECHANISM',
    { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' },
  ],
  [
    'CONFIG_INVALID',
    'KAFKA_OAUTH_TOKEN_FILE is set without KAFKA_SASL_MECHANISM',
    { KAFKA_OAUTH_TOKEN_FILE: 'token' },
  ],
  ['CONFIG_INVALID', 'KAFKA_OAUTH_SCOPE is set without KAFKA_SASL_MECHANISM', { KAFKA_OAUTH_SCOPE: 'kafka' }],
  ['CONFIG_INVALID', 'oauthbearer without', OAUTH],
  ['CONFIG_INVALID', 'oauthbearer without', { ...OAUTH, KAFKA_OAUTH_TOKEN_URL: 'https://id/token' }],
  [
    'CONFIG_INVALID',
    'both set',
    { ...OAUTH, KAFKA_OAUTH_TOKEN_URL: 'https://id/token', KAFKA_OAUTH_TOKEN_FILE: 't' },
  ],
  ['CONFIG_INVALID', 'expected https', { ...OAUTH, KAFKA_OAUTH_TOKEN_URL: 'http://id/token' }],
  ['CONFIG_INVALID', 'KAFKA_SSL is false', { KAFKA_SSL_CA: noCertificate }],
  [
    'CONFIG_INVALID',
    'KAFKA_SSL_CERT is set without KAFKA_SSL_KEY',
    { KAFKA_SSL: 'true', KAFKA_SSL_CERT: noCertificate },
  ],
  [
    'KAFKA_CERT_INVALID',
    `KAFKA_SSL_CA=${noCertificate} holds no certificate`,
    { KAFKA_SSL: 'true', KAFKA_SSL_CA: noCertificate },
  ],
  [
    'KAFKA_CERT_INVALID',
    'KAFKA_SSL_CA=/nowhere.pem cannot be read',
    { KAFKA_SSL: 'true', KAFKA_SSL_CA: '/nowhere.pem' },
  ],
])('%s: %s', (code, message, env) => {
  expect(() => connect(env)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message), retryable: false }),
  );
});

test('without any of them the connection is plain', () => {
  expect(connect({})).not.toHaveProperty('ssl');
  expect(connect({ KAFKA_SSL: 'true' })).toMatchObject({ ssl: true });
});

test.each([
  [{ KAFKA_OAUTH_TOKEN_FILE: '/run/token' }, 'KAFKA_OAUTH_TOKEN_FILE=/run/token'],
  [
    {
      KAFKA_OAUTH_TOKEN_URL: 'https://id/token?key=hidden',
      KAFKA_OAUTH_CLIENT_ID: 'vigie',
      KAFKA_OAUTH_CLIENT_SECRET: 'hidden',
    },
    'KAFKA_OAUTH_CLIENT_ID=vigie at KAFKA_OAUTH_TOKEN_URL=https://id/token',
  ],
])('where the refused token came from is said: %j', (env, place) => {
  const refused = Object.assign(new Error('no'), { name: 'KafkaJSSASLAuthenticationError' });
  const { message } = kafkaError(refused, connect({ ...OAUTH, ...env }), 'access');
  expect(message).toBe(`Kafka at kafka:9093 refused the oauthbearer credentials of ${place}: no`);
});

test.each([
  ['plain', 'false', true],
  ['plain', 'true', false],
  ['scram-sha-256', 'false', false],
])('with %s and KAFKA_SSL=%s, that the secret goes in clear is said: %s', (mechanism, ssl, said) => {
  const codes: unknown[] = [];
  const env = {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: 'u',
    KAFKA_SASL_PASSWORD: 'hidden',
    KAFKA_SSL: ssl,
  };
  kafkaConnection(loadConfig({ KAFKA_BROKERS: 'kafka:9093', ...env }), (_, message, fields) => {
    codes.push(fields['code']);
    expect(JSON.stringify([message, fields])).not.toContain('hidden');
  });
  expect(codes).toEqual(said ? ['KAFKA_SECRET_IN_CLEAR'] : []);
});
