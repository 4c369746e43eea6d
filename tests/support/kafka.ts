/**
 * A real Kafka for tests, wherever one is available: brokers in `KAFKA_BROKERS`, else a container, else a native
 * broker. If there is none, the reason why.
 */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { freePorts, startNativeKafka } from './native-kafka.ts';
import type { NativeKafkaOptions } from './native-kafka.ts';

export interface TestKafka {
  readonly brokers: string[];
  readonly kind: 'given' | 'container' | 'native';
  /** A listener of the same broker that requires SASL PLAIN; native only. */
  readonly sasl?: { readonly brokers: string[]; readonly username: string; readonly password: string };
  stop(): Promise<void>;
}

const IMAGE = 'apache/kafka:4.1.0';

/**
 * `settings`: those of a native broker that deviate from what tests need; a given broker, or one in a container, keeps
 * its defaults.
 */
export async function startKafka(
  settings: NativeKafkaOptions['settings'] = {},
): Promise<TestKafka | { readonly skip: string }> {
  const given = process.env['KAFKA_BROKERS'];
  if (given !== undefined && given !== '') {
    return { brokers: given.split(','), kind: 'given', stop: () => Promise.resolve() };
  }
  const reasons: string[] = [];
  for (const start of [startContainer, () => startNative(settings)]) {
    try {
      return await start();
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  return { skip: `no Kafka for this test: KAFKA_BROKERS is not set; ${reasons.join('; ')}` };
}

async function startNative(settings: NonNullable<NativeKafkaOptions['settings']>): Promise<TestKafka> {
  return { ...(await startNativeKafka({ settings })), kind: 'native' };
}

async function startContainer(): Promise<TestKafka> {
  const sockets = ['/var/run/docker.sock', join(homedir(), '.docker', 'run', 'docker.sock')];
  if (process.env['DOCKER_HOST'] === undefined && !sockets.some((socket) => existsSync(socket))) {
    throw new Error('no Docker engine');
  }
  // Imported only here, as it takes a second.
  const { GenericContainer, Wait } = await import('testcontainers');
  // Clients follow the advertised address, so the port must be known before the start.
  const [port] = await freePorts(1);
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts({ container: 9092, host: port! })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port!}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_MESSAGE_MAX_BYTES: String(16 * 1024 * 1024),
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(120_000)
    .start();
  return {
    brokers: [`127.0.0.1:${port!}`],
    kind: 'container',
    stop: async () => {
      await container.stop();
    },
  };
}
