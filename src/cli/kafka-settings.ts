/** Kafka connection from the configuration. */

import type { Config } from '../config.ts';
import { VigieError } from '../errors.ts';
import type { KafkaConnection, Log } from '../source/kafka-client.ts';

/** Throws CONFIG_INVALID when brokers are missing or SASL is incomplete. */
export function kafkaConnection(config: Config, log: Log): KafkaConnection {
  const { kafka_brokers: brokers, kafka_sasl_mechanism: mechanism, kafka_sasl_username: username } = config;
  if (brokers === undefined || brokers.length === 0) {
    throw new VigieError('CONFIG_INVALID', 'KAFKA_BROKERS is not set', {
      remedy: 'Set KAFKA_BROKERS=host:port; `npm run dev:up` starts a broker on 127.0.0.1:9092.',
    });
  }
  const password = config.kafka_sasl_password;
  if (mechanism !== undefined && (username === undefined || password === undefined)) {
    throw new VigieError(
      'CONFIG_INVALID',
      `KAFKA_SASL_MECHANISM is ${mechanism} without a user name and password`,
      {
        remedy: 'Set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD as well.',
      },
    );
  }
  return {
    brokers,
    clientId: 'vigie',
    log,
    ...(config.kafka_ssl ? { ssl: true } : {}),
    ...(mechanism === undefined ? {} : { sasl: { mechanism, username: username!, password: password! } }),
  };
}
