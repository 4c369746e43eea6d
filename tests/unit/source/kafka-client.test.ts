/** What people are told when Kafka fails, and which warning is muted. */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { UnreadableBatch } from '../../../src/source/codecs/unreadable-batch.ts';
import { connectKafka } from '../../../src/source/kafka-client.ts';
import { kafkaError } from '../../../src/source/kafka-errors.ts';
import { decodeMetadata, encodeMetadata } from '../../../src/source/kafka-offsets.ts';
import { freePorts } from '../../support/native-kafka.ts';

function protocolError(type: string): Error {
  return Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type, retriable: true });
}

function wrapped(cause: Error): Error {
  return Object.assign(new Error('gave up', { cause }), { name: 'KafkaJSNumberOfRetriesExceeded' });
}

test.each([
  ['SASL_AUTHENTICATION_FAILED', 'KAFKA_AUTH_FAILED', true],
  ['TOPIC_AUTHORIZATION_FAILED', 'KAFKA_FORBIDDEN', true],
  ['GROUP_AUTHORIZATION_FAILED', 'KAFKA_FORBIDDEN', true],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_MISSING', true],
  ['ILLEGAL_GENERATION', 'KAFKA_GENERATION_LOST', true],
  ['UNKNOWN_MEMBER_ID', 'KAFKA_GENERATION_LOST', true],
  ['REBALANCE_IN_PROGRESS', 'KAFKA_GENERATION_LOST', true],
  ['GROUP_LOAD_IN_PROGRESS', 'KAFKA_NO_COORDINATOR', true],
  ['GROUP_COORDINATOR_NOT_AVAILABLE', 'KAFKA_NO_COORDINATOR', true],
  ['NOT_COORDINATOR_FOR_GROUP', 'KAFKA_NO_COORDINATOR', true],
  ['MESSAGE_TOO_LARGE', 'KAFKA_MESSAGE_TOO_LARGE', false],
  ['INVALID_TIMESTAMP', 'KAFKA_CLOCK', true],
  ['INVALID_RECORD', 'KAFKA_RECORD_REFUSED', true],
  ['INVALID_SESSION_TIMEOUT', 'KAFKA_SESSION_TIMEOUT', true],
  ['LEADER_NOT_AVAILABLE', 'KAFKA_REPLICAS_AWAY', true],
  ['NOT_ENOUGH_REPLICAS', 'KAFKA_REPLICAS_AWAY', true],
  ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'KAFKA_REPLICAS_AWAY', true],
])('the protocol error %s is %s, also behind retries', (type, code, retryable) => {
  for (const thrown of [protocolError(type), wrapped(protocolError(type))]) {
    const error = kafkaError(thrown, { brokers: ['a:9092', 'b:9092'] }, 'access');
    expect(error).toMatchObject({ code, retryable });
    expect(error.remedy).not.toBe('');
    expect(error.message).toMatch(/access|a:9092, b:9092/);
    expect(error.cause).toBe(thrown);
  }
});

test('anything else that is thrown is a failure that is not retried, and a coded error stays as it is', () => {
  expect(kafkaError('odd', { brokers: ['a:9092'] }, 't')).toMatchObject({
    code: 'KAFKA_FAILED',
    retryable: false,
  });
  const coded = new VigieError('X', 'x');
  expect(kafkaError(coded, { brokers: [] }, 't')).toBe(coded);
});

test('an unreachable broker is named, and the client logs to the given function only', async () => {
  const [port] = await freePorts(1);
  const brokers = [`127.0.0.1:${port!}`];
  const logged: string[] = [];
  const log = (level: string, message: string): void => void logged.push(`${level} ${message}`);
  const admin = connectKafka({ brokers, clientId: 'test', log }).admin({ retry: { retries: 0 } });
  const thrown: unknown = await admin.connect().catch((error: unknown) => error);
  expect(kafkaError(thrown, { brokers }, 't')).toMatchObject({ code: 'KAFKA_UNREACHABLE', retryable: true });
  expect(kafkaError(thrown, { brokers }, 't').message).toContain(brokers[0]);
  expect(logged.some((line) => line.startsWith('debug kafka client: Connection error'))).toBe(true);
});

test('an error that the client logs in place of a text does not take the place of what it tells of', () => {
  const logged: string[] = [];
  const log = (level: string, message: string): void => void logged.push(`${level} ${message}`);
  // As KafkaJS does where a broker refuses credentials that were good before.
  const refused = Object.assign(new Error('refused'), { name: 'KafkaJSSASLAuthenticationError' });
  connectKafka({ brokers: ['x:1'], clientId: 'test', log })
    .logger()
    .error(refused as unknown as string);
  expect(logged).toEqual(['debug kafka client: refused']);
});

test('of several brokers the one that does not answer is named', () => {
  const brokers = ['a:9092', 'b:9092', 'c:9092'];
  const thrown = Object.assign(new Error('Closed connection'), {
    name: 'KafkaJSConnectionClosedError',
    broker: 'b:9092',
  });
  const { message } = kafkaError(wrapped(thrown), { brokers }, 't');
  expect(message).toBe(
    'Kafka at a:9092, b:9092, c:9092 (asked last: b:9092) does not answer: Closed connection',
  );
});

test('other warnings about timeouts still come through', async () => {
  connectKafka({ brokers: ['x:1'], clientId: 'test', log: () => undefined });
  const warnings: Error[] = [];
  const keep = (warning: Error): void => void warnings.push(warning);
  process.on('warning', keep);
  process.emitWarning('-5 is a negative number', 'TimeoutNegativeWarning');
  process.emitWarning('something else');
  await delay(5);
  process.off('warning', keep);
  expect(warnings.map(({ message }) => message)).toEqual(['-5 is a negative number', 'something else']);
});

test('a batch that cannot be read is named with its topic, and trying again does not help', () => {
  for (const thrown of [new UnreadableBatch('lz4', 'odd'), wrapped(new UnreadableBatch('lz4', 'odd'))]) {
    const error = kafkaError(thrown, { brokers: ['a:9092'] }, 'access');
    expect(error).toMatchObject({ code: 'KAFKA_BATCH_UNREADABLE', retryable: false });
    expect(error.message).toMatch(/access.*lz4: odd/);
  }
});

test('commit metadata survives, and what is not ours is none', () => {
  const metadata = { newestEventTime: 1_752_278_400_123 };
  const landmark = { timeMs: 1_752_278_400_007, offset: 42 };
  expect(decodeMetadata(encodeMetadata(metadata, landmark))).toEqual({ metadata, landmark });
  expect(decodeMetadata(encodeMetadata(metadata))).toEqual({ metadata, landmark: undefined });
  // As earlier releases wrote it.
  // Before that was kept, nobody knows which alerts were open.
  const unknown = { ...metadata, oldestOpen: -Infinity };
  expect(decodeMetadata('{"v":1,"newest":1752278400123}').metadata).toEqual(unknown);
  for (const kept of [
    unknown,
    { ...metadata, oldestOpen: 0 },
    { ...metadata, oldestOpen: 1_752_278_400_000 },
  ]) {
    expect(decodeMetadata(encodeMetadata(kept, landmark)).metadata).toEqual(kept);
  }
  expect(decodeMetadata(encodeMetadata({ newestEventTime: -Infinity })).metadata).toBeUndefined();
  // An epoch is committed before there is any event.
  for (const newestEventTime of [-Infinity, 1_752_278_400_123]) {
    const kept = { newestEventTime, epoch: 2 ** 48 - 1 };
    expect(decodeMetadata(encodeMetadata(kept)).metadata).toEqual(kept);
  }
  for (const foreign of [null, '', 'hello', '{"v":2,"newest":1}', '{"v":1,"newest":"1"}', '[]', '{"v":1']) {
    expect(decodeMetadata(foreign)).toEqual({ metadata: undefined, landmark: undefined });
  }
});
