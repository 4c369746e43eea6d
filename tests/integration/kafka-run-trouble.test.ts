/** `vigie run` when Kafka is not as it should be: it says so where operators look, and recovers by itself. */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, start, temporaryFolder, until, vigie } from '../support/cli.ts';
import type { Env, Running } from '../support/cli.ts';
import { createTopic, produce, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { FEW_RULES } from '../support/programs.ts';
import { freePorts, startNativeKafka } from '../support/native-kafka.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];

const proxies: Server[] = [];
afterAll(async () => {
  await cleanUp();
  for (const proxy of proxies) proxy.close();
});

function run(env: Env): Running {
  return start(['run', '--data-dir', temporaryFolder()], {
    VIGIE_GROUP: uniqueName('group'),
    VIGIE_PSEUDONYM_KEY: '00112233445566778899aabbccddeeff',
    ...env,
  });
}

async function readiness(running: Running): Promise<{ status: number; reasons: string[] }> {
  const { status, text } = await running.get('/readyz');
  return { status, reasons: (JSON.parse(text) as { reasons: string[] }).reasons };
}

/** Not ready for this reason, then in the log with the remedy; never said to be ready before. */
async function saysWhy(running: Running, code: string): Promise<void> {
  await running.address();
  await until(async () => {
    const { status, reasons } = await readiness(running);
    expect(status).toBe(503);
    return reasons.some((reason) => reason.startsWith(code));
  }, 20);
  expect(await running.logged((line) => line['code'] === code)).toMatchObject({
    remedy: expect.stringMatching(/\w/) as string,
  });
  expect((await running.get('/healthz')).status).toBe(200);
  const { text } = await running.get('/metrics');
  expect(text).toContain('vigie_ready 0');
  expect(text).toMatch(new RegExp(`vigie_source_problems_total\\{code="${code}"\\} [1-9]`));
}

async function recovers(running: Running, events: number): Promise<void> {
  await until(async () => (await running.metric('vigie_events_consumed_total')) === events);
  expect(await readiness(running)).toEqual({ status: 200, reasons: [] });
  expect(await running.metric('vigie_ready')).toBe(1);
  expect(await running.signal('SIGTERM')).toMatchObject({ code: 0, signal: null });
}

function searches(count: number): { value: string }[] {
  return Array.from({ length: count }, (_, i) => ({
    value: JSON.stringify({
      '@timestamp': new Date(Date.UTC(2025, 6, 12, 21, 0, i)).toISOString(),
      event: { id: `e-${i}`, action: 'record-search' },
      user: { id: 'u-1' },
    }),
  }));
}

describe.runIf(kafka !== undefined)('trouble with Kafka', () => {
  test.concurrent('two processes that share the partitions without dividing groups say so; one alone does not', async () => {
    const topic = uniqueName('shared');
    await createTopic(brokers, topic, 2);
    const env = { KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: topic, VIGIE_GROUP: uniqueName('shared') };
    const first = run(env);
    await first.message('joined group');
    const second = run(env);
    const said = await second.logged((line) => line['code'] === 'PARTITIONS_ELSEWHERE');
    expect(said).toMatchObject({
      elsewhere: 1,
      remedy: expect.stringContaining('VIGIE_SIGNALS_TOPIC') as string,
    });
    await until(async () => (await first.metric('vigie_partitions_elsewhere')) === 1);
    await second.signal('SIGTERM');
    await until(async () => (await first.metric('vigie_partitions_elsewhere')) === 0);
    await first.signal('SIGTERM');
  });

  test.concurrent('an unreachable broker: not ready, said why, read from once it answers', async () => {
    const topic = uniqueName('late');
    await createTopic(brokers, topic, 1);
    await produce(brokers, topic, searches(7));
    const [port] = await freePorts(1);
    const running = run({ KAFKA_BROKERS: `127.0.0.1:${port!}`, VIGIE_TOPIC: topic });
    await saysWhy(running, 'KAFKA_UNREACHABLE');

    await openProxy(port!);
    await recovers(running, 7);
  }, 90_000);

  test.concurrent('a missing topic: not ready, said why, not created, read once it is there', async () => {
    const topic = uniqueName('missing');
    const running = run({ KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: topic });
    await saysWhy(running, 'TOPIC_MISSING');
    const { reasons } = await readiness(running);
    expect(reasons.join()).toContain(topic);

    await createTopic(brokers, topic, 2);
    await produce(brokers, topic, searches(9));
    await recovers(running, 9);
  }, 90_000);
});

describe.runIf(kafka?.kind === 'native')('offsets that the broker does not take', () => {
  test('are said, and end nothing: events are read on', async () => {
    // Longer metadata is refused, and so is the commit that it comes with.
    const own = await startNativeKafka({ settings: { 'offset.metadata.max.bytes': '10' } });
    try {
      const topic = uniqueName('refused');
      await createTopic(own.brokers, topic, 1);
      const running = run({ KAFKA_BROKERS: own.brokers.join(), VIGIE_TOPIC: topic });
      await running.message('joined group');
      await produce(own.brokers, topic, searches(3));
      await until(async () =>
        (await readiness(running)).reasons.some((why) => why.startsWith('KAFKA_FAILED')),
      );
      expect((await readiness(running)).reasons.join()).toContain('metadata');
      expect(await running.message('nothing is committed')).toMatchObject({ code: 'KAFKA_FAILED' });
      await produce(own.brokers, topic, searches(7).slice(3));
      await until(async () => (await running.metric('vigie_events_consumed_total')) === 7);
      expect(await running.signal('SIGTERM')).toMatchObject({ code: 0, signal: null });
    } finally {
      await own.stop();
    }
  }, 120_000);
});

describe.runIf(kafka !== undefined)('a topic that keeps its messages', () => {
  test.each([
    ['for less than the rules look back is told of', '86400000', 1],
    ['for as long as anybody wants is not', '-1', 0],
  ])('%s', async (_, retention, told) => {
    const topic = uniqueName('kept');
    await createTopic(brokers, topic, 1, { 'retention.ms': retention });
    const running = run({ KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: topic });
    await running.message('joined group');
    await produce(brokers, topic, searches(1));
    await until(async () => (await running.metric('vigie_events_consumed_total')) === 1);
    if (told > 0) await running.logged(({ code }) => code === 'INPUT_RETENTION');
    await running.signal('SIGTERM');
    const lines = running.logs.filter(({ code }) => code === 'INPUT_RETENTION');
    expect(lines).toHaveLength(told);
    for (const line of lines) expect(line).toMatchObject({ topic, keptDays: 1 });
  });
});

test.runIf(kafka !== undefined)(
  'a topic that is compacted is told of: events that nobody has read yet would be deleted',
  async () => {
    const topic = uniqueName('compacted');
    await createTopic(brokers, topic, 1, { 'cleanup.policy': 'compact,delete' });
    const running = run({ KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: topic });
    expect(await running.logged(({ code }) => code === 'INPUT_COMPACTED')).toMatchObject({
      topic,
      remedy: expect.stringContaining('cleanup.policy=delete') as string,
    });
    await running.signal('SIGTERM');
  },
);

describe.runIf(kafka !== undefined)('a batch that cannot be read', () => {
  test('stands in the log with its place, and what helps is to delete it, as the page says', async () => {
    const topic = uniqueName('unreadable');
    await createTopic(brokers, topic, 1);
    const running = run({ KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: topic, VIGIE_SNAPSHOT_INTERVAL: '1s' });
    await produce(brokers, topic, searches(3));
    await until(async () => ((await running.metric('vigie_state_saved_timestamp_seconds')) ?? 0) > 0);
    const producer = testClient(brokers).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const value = Buffer.alloc(1024 * 1024);
    const messages = Array.from({ length: 260 }, () => ({ value }));
    await producer.send({ topic, compression: kafkajs.CompressionTypes.GZIP, messages });
    await producer.disconnect();
    await produce(brokers, topic, searches(5).slice(3));
    expect(await running.logged(({ code }) => code === 'KAFKA_BATCH_UNREADABLE')).toMatchObject({
      nextOffsets: { 0: 3 },
    });
    const admin = testClient(brokers).admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '263' }] });
    await admin.disconnect();
    expect(await running.logged(({ code }) => code === 'INPUT_GAP')).toMatchObject({ messages: 260 });
    await until(async () => (await running.metric('vigie_events_consumed_total')) === 5);
    expect(await running.signal('SIGTERM')).toMatchObject({ code: 0, signal: null });
  }, 120_000);
});

describe.runIf(kafka !== undefined)('a signals topic that takes small messages only', () => {
  test('is told of at the start; what it does not take waits until it does, and nothing is lost', async () => {
    const [topic, signals] = [uniqueName('huge'), uniqueName('small')];
    await createTopic(brokers, topic, 1);
    await createTopic(brokers, signals, 1, { 'max.message.bytes': '10000' });
    const running = run({
      KAFKA_BROKERS: brokers.join(),
      VIGIE_TOPIC: topic,
      VIGIE_SIGNALS_TOPIC: signals,
      VIGIE_RULES: FEW_RULES,
    });
    expect(await running.logged(({ code }) => code === 'SIGNALS_MESSAGE_SIZE')).toMatchObject({
      bytes: 10_000,
      remedy: expect.stringContaining('max.message.bytes') as string,
    });
    await running.message('joined group');
    const read = {
      '@timestamp': '2025-07-12T21:00:00Z',
      event: { id: 'e', action: 'record-view', outcome: 'success' },
      user: { id: 'u'.repeat(50_000) },
      portal: { records: { ids: ['p-1'] } },
    };
    await produce(brokers, topic, [{ value: JSON.stringify(read) }]);
    const said = await running.logged(({ code }) => code === 'SIGNALS_TOO_LARGE');
    expect(said).toMatchObject({ remedy: expect.stringContaining('max.message.bytes') as string });
    expect(said.msg).toContain(signals);
    expect((await readiness(running)).reasons.join()).toContain('SIGNALS_TOO_LARGE');
    expect(await running.metric('vigie_sink_retries_total')).toBeGreaterThan(0);

    const admin = testClient(brokers).admin();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '1000000' }];
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: signals, configEntries }] });
    await admin.disconnect();
    await until(async () => (await running.metric('vigie_signals_taken_total')) === 1);
    expect(await running.signal('SIGTERM')).toMatchObject({ code: 0, signal: null });
  }, 120_000);
});

describe.runIf(kafka !== undefined)('a signals topic that is compacted', () => {
  test('takes no signal, which is said with what to change, and goes on once it is changed', async () => {
    const [topic, signals] = [uniqueName('keyed'), uniqueName('compacted')];
    await createTopic(brokers, topic, 1);
    await createTopic(brokers, signals, 1, { 'cleanup.policy': 'compact' });
    await produce(brokers, topic, searches(1));
    const running = run({
      KAFKA_BROKERS: brokers.join(),
      VIGIE_TOPIC: topic,
      VIGIE_SIGNALS_TOPIC: signals,
      VIGIE_RULES: FEW_RULES,
    });
    expect(await running.logged(({ code }) => code === 'KAFKA_RECORD_REFUSED')).toMatchObject({
      remedy: expect.stringContaining('cleanup.policy') as string,
    });
    const admin = testClient(brokers).admin();
    await admin.connect();
    const configEntries = [{ name: 'cleanup.policy', value: 'delete' }];
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: signals, configEntries }] });
    await admin.disconnect();
    await until(async () => (await readiness(running)).status === 200);
    expect(await running.signal('SIGTERM')).toMatchObject({ code: 0, signal: null });
  }, 120_000);
});

describe('starting with Kafka', () => {
  test('with a folder of state that cannot be written to says so at once, with the folder and what to do', async () => {
    const state = join(temporaryFolder(), 'state');
    writeFileSync(state, '');
    const running = run({ KAFKA_BROKERS: '127.0.0.1:1', VIGIE_STATE_DIR: state });
    expect(await running.logged((line) => line['code'] === 'STATE_UNWRITABLE')).toMatchObject({
      reason: expect.stringContaining(state) as string,
      remedy: expect.stringMatching(/VIGIE_STATE_DIR/) as string,
    });
    expect(await running.metric('vigie_state_troubles_total')).toBe(1);
    expect((await running.signal('SIGTERM')).code).toBe(0);
  });

  test('with a secret that goes in clear says so once, however many connections there are', async () => {
    const [port] = await freePorts(1);
    const running = run({
      KAFKA_BROKERS: `127.0.0.1:${port!}`,
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'p',
    });
    await running.message('running');
    expect(running.logs.filter(({ code }) => code === 'KAFKA_SECRET_IN_CLEAR')).toHaveLength(1);
  }, 60_000);

  test('without a pseudonym key is refused: processes that share a topic must share one', async () => {
    const { code, stderr } = await vigie(['run', '--data-dir', temporaryFolder()], {
      KAFKA_BROKERS: '127.0.0.1:1',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('vigie: PSEUDONYM_KEY_MISSING: ');
    expect(stderr).toContain('VIGIE_PSEUDONYM_KEY');
  });
});

/** Bootstrapping goes through it; what the broker then advertises is its own address. */
async function openProxy(port: number): Promise<void> {
  const [host, brokerPort] = brokers[0]!.split(':') as [string, string];
  const proxy = createServer((client) => {
    const broker = connect(Number(brokerPort), host);
    client.pipe(broker).pipe(client);
    client.on('error', () => broker.destroy());
    broker.on('error', () => client.destroy());
  });
  proxies.push(proxy);
  proxy.listen(port, '127.0.0.1');
  await once(proxy, 'listening');
}
