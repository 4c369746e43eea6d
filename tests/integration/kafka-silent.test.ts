/** `vigie run` is stopped while its broker takes requests and answers none: it ends all the same. */

import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TcpProxy } from '../faults/tcp-proxy.ts';
import { cleanUp, type Env, type Running, start, temporaryFolder, until } from '../support/cli.ts';
import { closeReaders, Reader } from '../support/kafka-reader.ts';
import { createTopic, produce, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { freePorts, type NativeKafka, startNativeKafka } from '../support/native-kafka.ts';
import { FEW_RULES } from '../support/programs.ts';

const native = testKafka()?.kind === 'native';
let broker: NativeKafka;
let proxy: TcpProxy;
let proxied: string;

beforeAll(async () => {
  if (!native) return;
  const [port, sasl, controller, own, advertisedPort] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  broker = await startNativeKafka({
    port,
    otherPorts: [sasl, controller, own],
    listeners: [{ name: 'proxied', protocol: 'PLAINTEXT', settings: {}, advertisedPort }],
  });
  proxy = await TcpProxy.listen(advertisedPort, own);
  proxied = `127.0.0.1:${advertisedPort}`;
}, 120_000);

afterAll(async () => {
  await cleanUp();
  await proxy?.close();
  await broker?.stop();
});

afterEach(async () => {
  proxy.silent = false;
  proxy.closed = false;
  await closeReaders();
});

async function reading(env: Env = {}): Promise<{ running: Running; topic: string }> {
  const topic = uniqueName('silent');
  await createTopic(broker.brokers, topic, 1);
  const running = start(['run', '--data-dir', join(temporaryFolder(), 'data'), '--rules', FEW_RULES], {
    KAFKA_BROKERS: proxied,
    VIGIE_TOPIC: topic,
    VIGIE_GROUP: uniqueName('group'),
    VIGIE_PSEUDONYM_KEY: '00112233445566778899aabbccddeeff',
    VIGIE_FLUSH_INTERVAL: '10m',
    ...env,
  });
  await running.message('joined group');
  return { running, topic };
}

describe.runIf(native)('a broker that takes requests and answers none', () => {
  // KafkaJS waits for each four times 30 seconds.
  test.each([
    ['writing dead letters', {}],
    // Both wait for an answer; either may be told of.
    [
      '(writing dead letters|sending signals)',
      { VIGIE_SIGNALS_TOPIC: uniqueName('signals'), VIGIE_SIGNALS_PARTITIONS: '2' },
    ],
  ])(
    'does not hold up a stop, which says that it interrupts %s',
    async (doing, env: Env) => {
      const { running, topic } = await reading(env);
      await until(async () => (await running.get('/readyz')).status === 200);
      await produce(broker.brokers, topic, [{ value: '{"torn' }]);
      await until(async () => (await running.metric('vigie_dead_letters_total')) === 1);
      proxy.silent = true;
      const { code, stderr } = await running.signal('SIGTERM');
      expect(stderr).toMatch(new RegExp(`SINK_ABORTED: ${doing} was stopped before anybody answered`));
      expect(code).toBe(1);
    },
    60_000,
  );

  test('does not hold up a stop while it is asked where to read on', async () => {
    const topic = uniqueName('silent');
    await createTopic(broker.brokers, topic, 1);
    const reader = new Reader(topic, { brokers: [proxied] });
    await reader.assignment();
    proxy.silent = true;
    const answers = [
      reader.source.rewind(0, 0),
      reader.source.resume([{ partition: 0, nextOffset: 1, landmark: undefined }]),
    ];
    reader.stop();
    expect(await Promise.all(answers)).toEqual([true, undefined]);
  }, 20_000);

  test('costs no saved state when it is away for seconds: where to read on is asked until it says', async () => {
    const topic = uniqueName('away');
    await createTopic(broker.brokers, topic, 1);
    await produce(broker.brokers, topic, [{ value: '{}' }]);
    // No heartbeat meanwhile, which would tell of it first.
    const reader = new Reader(topic, { brokers: [proxied], heartbeatIntervalMs: 25_000 });
    await reader.assignment();
    proxy.closed = true;
    proxy.cut();
    const answer = reader.source.resume([{ partition: 0, nextOffset: 0, landmark: undefined }]);
    await Promise.race([answer, until(async () => reader.problems.at(-1)?.code === 'KAFKA_UNREACHABLE')]);
    proxy.closed = false;
    expect(await answer).toBe(true);
    expect(reader.problems.at(-1)).toBeUndefined();
    expect(await reader.source.resume([{ partition: 0, nextOffset: 9, landmark: undefined }])).toBe(false);
  }, 30_000);
});
