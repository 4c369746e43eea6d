/** What a user of Kafka may not do is told by its name, waited for, and does no harm meanwhile. */

import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, start, succeed, temporaryFolder, until, vigie } from '../support/cli.ts';
import type { Env } from '../support/cli.ts';
import { createTopic, produce, readMessages, testClient, testKafka } from '../support/kafka-topics.ts';
import { startNativeKafka } from '../support/native-kafka.ts';
import type { NativeKafka } from '../support/native-kafka.ts';
import { FEW_RULES } from '../support/programs.ts';

const native = testKafka()?.kind === 'native';
let broker: NativeKafka;

beforeAll(async () => {
  if (!native) return;
  broker = await startNativeKafka({
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  });
}, 120_000);

afterAll(async () => {
  await cleanUp();
  await broker?.stop();
});

type Right = 'READ' | 'WRITE' | 'DESCRIBE' | 'CREATE';

async function grant(
  kind: 'TOPIC' | 'GROUP' | 'TRANSACTIONAL_ID',
  name: string,
  rights: readonly Right[],
): Promise<void> {
  const prefix = name.endsWith('*');
  const admin = testClient(broker.brokers).admin();
  await admin.connect();
  await admin.createAcls({
    acl: rights.map((right) => ({
      resourceType: kafkajs.AclResourceTypes[kind],
      resourceName: prefix ? name.slice(0, -1) : name,
      resourcePatternType: kafkajs.ResourcePatternTypes[prefix ? 'PREFIXED' : 'LITERAL'],
      principal: `User:${broker.sasl.username}`,
      host: '*',
      operation: kafkajs.AclOperationTypes[right],
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    })),
  });
  await admin.disconnect();
}

/** A topic with something that is no event, and the settings of a user without rights. */
async function detector(name: string): Promise<Env> {
  await createTopic(broker.brokers, name, 1);
  await produce(broker.brokers, name, [{ value: 'no event' }]);
  return {
    KAFKA_BROKERS: broker.sasl.brokers.join(),
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: broker.sasl.username,
    KAFKA_SASL_PASSWORD: broker.sasl.password,
    VIGIE_TOPIC: name,
    VIGIE_GROUP: name,
    VIGIE_PSEUDONYM_KEY: '00112233445566778899aabbccddeeff',
    VIGIE_DATA_DIR: temporaryFolder(),
    VIGIE_RULES: FEW_RULES,
  };
}

describe.runIf(native)('without a right', () => {
  test('to create the topic of dead letters a service waits, and goes on once it has it', async () => {
    const env = await detector('uncreated');
    await grant('TOPIC', 'uncreated', ['READ', 'DESCRIBE']);
    await grant('GROUP', 'uncreated', ['READ']);
    await grant('TOPIC', 'uncreated-dead-letters', ['WRITE', 'DESCRIBE']);
    const service = start(['run'], env);
    const refused = await service.message('dead letters: ');
    expect(refused).toMatchObject({ code: 'KAFKA_FORBIDDEN' });
    expect(refused.msg).toContain('uncreated-dead-letters');
    expect((await service.get('/readyz')).status).toBe(503);
    await grant('TOPIC', 'uncreated-dead-letters', ['CREATE']);
    await until(async () => (await service.get('/readyz')).status === 200);
    const [letter] = await readMessages(broker.brokers, 'uncreated-dead-letters', 1);
    expect(letter!.value!.toString()).toBe('no event');
    expect(await service.signal('SIGTERM')).toMatchObject({ code: 0 });
  }, 120_000);

  test('to read what it may join for, a member does not make the group rebalance all the time', async () => {
    const env = await detector('unread');
    await grant('TOPIC', 'unread', ['DESCRIBE']);
    await grant('GROUP', 'unread', ['READ']);
    const service = start(['run'], env);
    const failures = (): number[] =>
      service.logs.flatMap(({ code, retryInMs }) => (code === 'KAFKA_FORBIDDEN' ? [Number(retryInMs)] : []));
    await service.logged(() => failures().length === 4);
    // The fourth wait is 4 s, or half of that.
    expect(failures()[3]).toBeGreaterThanOrEqual(2000);
    // Joined, and still not to be believed.
    const joined = service.logs.filter(({ msg }) => msg.startsWith('joined group')).length;
    await service.logged(
      () => service.logs.filter(({ msg }) => msg.startsWith('joined group')).length > joined,
    );
    expect((await service.get('/readyz')).text).toContain('KAFKA_FORBIDDEN');
    await service.signal('SIGTERM');
  }, 120_000);

  test('to the group, nobody is sent to look for a broker that does not answer', async () => {
    const env = await detector('ungrouped');
    await grant('TOPIC', 'ungrouped', ['READ', 'DESCRIBE']);
    const service = start(['run'], env);
    const { code, msg } = await service.logged(({ level }) => level === 50);
    expect({ code, msg }).toEqual({
      code: 'KAFKA_NO_COORDINATOR',
      msg: expect.stringContaining('lacks a right to the consumer group'),
    });
    await service.signal('SIGTERM');
  }, 120_000);

  test('to read the signals a process is not ready, whatever becomes of sending them', async () => {
    const env = await detector('divided');
    const [signals, dead] = ['divided-signals', 'divided-dead-letters'];
    await createTopic(broker.brokers, signals, 1, { 'max.message.bytes': '10000' });
    await createTopic(broker.brokers, dead, 1);
    await grant('TOPIC', 'divided*', ['READ', 'WRITE', 'DESCRIBE']);
    await grant('GROUP', 'divided-match', ['READ']);
    const service = start(['run'], { ...env, VIGIE_SIGNALS_TOPIC: signals });
    await service.logged(({ code }) => code === 'KAFKA_NO_COORDINATOR');
    const read = {
      '@timestamp': '2025-07-12T21:00:00Z',
      event: { id: 'e', action: 'record-view', outcome: 'success' },
      user: { id: 'u'.repeat(50_000) },
      portal: { records: { ids: ['p-1'] } },
    };
    await produce(broker.brokers, 'divided', [{ value: JSON.stringify(read) }]);
    await service.logged(({ code }) => code === 'SIGNALS_TOO_LARGE');
    const admin = testClient(broker.brokers).admin();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '1000000' }];
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: signals, configEntries }] });
    await admin.disconnect();
    const answers = new Set<number>();
    await until(async () => {
      const { status, text } = await service.get('/readyz');
      answers.add(status);
      return !text.includes('SIGNALS_TOO_LARGE');
    });
    expect([...answers]).toEqual([503]);
    await grant('GROUP', 'divided-correlate', ['READ']);
    await until(async () => (await service.get('/readyz')).status === 200);
    await service.signal('SIGTERM');
  }, 120_000);

  test('dead letters are listed and sent again with those that the page of operations names', async () => {
    const env = await detector('replayed');
    const dead = 'replayed-dead-letters';
    await grant('TOPIC', 'replayed', ['READ', 'DESCRIBE']);
    await grant('GROUP', 'replayed', ['READ']);
    await createTopic(broker.brokers, dead, 1);
    await grant('TOPIC', dead, ['WRITE', 'DESCRIBE']);
    const service = start(['run'], env);
    await readMessages(broker.brokers, dead, 1);
    await service.signal('SIGTERM');

    const unread = await vigie(['deadletters', 'list'], env);
    expect(unread.stderr).toContain('KAFKA_NO_COORDINATOR');
    await grant('GROUP', 'vigie-deadletters-*', ['READ']);
    const forbidden = await vigie(['deadletters', 'list'], env);
    expect(forbidden.stderr).toContain('KAFKA_FORBIDDEN');
    await grant('TOPIC', dead, ['READ']);
    expect(await succeed(['deadletters', 'list'], env)).toContain('NOT_JSON');

    await grant('TOPIC', 'replayed', ['WRITE']);
    const untransacted = await vigie(['deadletters', 'replay'], env);
    expect(untransacted.stderr).toContain('transactional id');
    await grant('TRANSACTIONAL_ID', 'vigie-deadletters-*', ['WRITE']);
    const sent = await succeed(['deadletters', 'replay', '--json'], env);
    expect(JSON.parse(sent)).toMatchObject({ sent: 1 });
  }, 180_000);
});

test.runIf(native)('a topic that brokers refuse to create is told with their reason', async () => {
  const env = { KAFKA_BROKERS: broker.brokers.join(), VIGIE_TOPIC: 'replicated' };
  await createTopic(broker.brokers, 'replicated', 1);
  const { code, stderr } = await vigie(['topics', 'create', '--input', '--replication-factor', '3'], env);
  expect(code).toBe(1);
  expect(stderr).toMatch(/TOPIC_NOT_CREATED: Topic replicated-dead-letters .*[Rr]eplication.factor/);
});
