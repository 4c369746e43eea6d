/** Kafka connection from the configuration. */

import type { SASLOptions } from 'kafkajs';
import { type Clock, systemClock } from '../clock.ts';
import { type Config, SETTINGS } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import type { KafkaConnection, Log } from '../source/kafka-client.ts';
import { tokenFromFile, tokenFromServer, withoutQuery } from '../source/oauth-token.ts';
import { kafkaTls } from './kafka-tls.ts';

/** Throws CONFIG_INVALID if brokers are missing or SASL is incomplete, and whatever `kafkaTls` throws. */
export function kafkaConnection(config: Config, log: Log, clock: Clock = systemClock): KafkaConnection {
  const { kafka_brokers: brokers } = config;
  if (brokers === undefined || brokers.length === 0) {
    throw new VigieError('CONFIG_INVALID', 'KAFKA_BROKERS is not set', {
      remedy: 'Set KAFKA_BROKERS=host:port; `npm run dev:up` starts a broker on 127.0.0.1:9092.',
    });
  }
  const sasl = saslOptions(config, log, clock);
  if (sends(sasl) && !config.kafka_ssl) {
    const fields = { code: 'KAFKA_SECRET_IN_CLEAR', mechanism: sasl?.mechanism };
    log('warn', 'the password or token goes to Kafka in clear: set KAFKA_SSL=true, or use SCRAM', fields);
  }
  return {
    brokers,
    clientId: 'vigie',
    log,
    ...kafkaTls(config, log, clock),
    ...(sasl === undefined ? {} : { sasl, login: loginOf(config) }),
  };
}

/** True if the secret itself is sent rather than a proof of it. */
function sends(sasl: SASLOptions | undefined): boolean {
  return sasl?.mechanism === 'plain' || sasl?.mechanism === 'oauthbearer';
}

function loginOf(config: Config): string {
  const { kafka_sasl_username: user, kafka_oauth_token_file: file, kafka_oauth_token_url: url } = config;
  if (config.kafka_sasl_mechanism !== 'oauthbearer') return `user ${user}`;
  if (file !== undefined) return `KAFKA_OAUTH_TOKEN_FILE=${file}`;
  return `KAFKA_OAUTH_CLIENT_ID=${config.kafka_oauth_client_id} at KAFKA_OAUTH_TOKEN_URL=${withoutQuery(url!)}`;
}

/** Settings that have no effect without a mechanism: the client would connect unauthenticated. */
const SASL_SETTINGS = [
  'kafka_sasl_username',
  'kafka_sasl_password',
  'kafka_oauth_token_file',
  'kafka_oauth_token_url',
  'kafka_oauth_client_id',
  'kafka_oauth_client_secret',
  'kafka_oauth_scope',
] as const;

function saslOptions(config: Config, log: Log, clock: Clock): SASLOptions | undefined {
  const { kafka_sasl_mechanism: mechanism, kafka_sasl_username: username } = config;
  const password = config.kafka_sasl_password;
  if (mechanism === undefined) {
    const given = SASL_SETTINGS.find((name) => config[name] !== undefined);
    if (given === undefined) return undefined;
    throw new VigieError('CONFIG_INVALID', `${SETTINGS[given].env} is set without KAFKA_SASL_MECHANISM`, {
      remedy: 'Set the mechanism as well, or remove what only it needs.',
    });
  }
  if (mechanism === 'oauthbearer') return { mechanism, oauthBearerProvider: tokens(config, log, clock) };
  if (username === undefined || password === undefined) {
    throw incomplete(mechanism, 'a user name and password', 'KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD');
  }
  return { mechanism, username, password };
}

function tokens(config: Config, log: Log, clock: Clock): ReturnType<typeof tokenFromFile> {
  const { kafka_oauth_token_file: file, kafka_oauth_token_url: url, kafka_oauth_scope: scope } = config;
  if (file !== undefined && url !== undefined) {
    throw new VigieError('CONFIG_INVALID', 'KAFKA_OAUTH_TOKEN_FILE and KAFKA_OAUTH_TOKEN_URL are both set', {
      remedy: 'Set the one that tokens come from.',
    });
  }
  if (file !== undefined) return tokenFromFile(file);
  const { kafka_oauth_client_id: clientId, kafka_oauth_client_secret: clientSecret } = config;
  if (url === undefined || clientId === undefined || clientSecret === undefined) {
    throw incomplete(
      'oauthbearer',
      'a place that tokens come from',
      'KAFKA_OAUTH_TOKEN_FILE, or KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET',
    );
  }
  return tokenFromServer({ url, clientId, clientSecret, scope, clock, log });
}

function incomplete(mechanism: string, what: string, settings: string): VigieError {
  return new VigieError('CONFIG_INVALID', `KAFKA_SASL_MECHANISM is ${mechanism} without ${what}`, {
    remedy: `Set ${settings} as well.`,
  });
}
