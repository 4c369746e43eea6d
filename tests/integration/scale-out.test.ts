/**
 * Several `vigie run` on a topic that is keyed by nothing, with rules by account, organisation and address and a
 * chain: the alerts are those of one engine over the whole log, whatever the number of processes and whatever
 * happens to them. All write to one database.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClickHouse, type TestClickHouse } from '../support/clickhouse.ts';
import { alertRows, cleanUp, replayToFile, succeed, temporaryFolder, until } from '../support/cli.ts';
import type { Running } from '../support/cli.ts';
import {
  createTopic,
  produce,
  readMessages,
  testClient,
  testKafka,
  uniqueName,
} from '../support/kafka-topics.ts';
import { FEW_RULES } from '../support/programs.ts';
import { ScaledOut, substance } from '../support/scaled-out.ts';
import { randomOf } from '../unit/detect/harness.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];
const KEY = '00112233445566778899aabbccddeeff';
const PARTITIONS = 4;
const SHARDS = 6;
const SEED = Number(process.env['SCALE_SEED'] ?? 7);
const THEFT = '--accounts 60 --records 12000 --window 6m --theft-start 2025-07-09T20:00:00Z';
const END = Date.UTC(2025, 6, 20);

/** Fire on ordinary work, so that there is something to lose in every shard. */
const RULES = `
${rule('quick_reads', 'event_count', 'portal_record_read', 'user.id', '10m', 'gte: 4')}
---
${rule('quick_days', 'event_count', 'quick_reads', 'user.id', '1d', 'gte: 2')}
---
${rule('organisation_reads', 'value_count', 'portal_record_read', 'organization.id', '1h', 'gte: 12, field: portal.records.ids')}
---
${rule('address_reads', 'event_count', 'portal_record_read', 'source.ip', '15m', 'gte: 5')}
---
${rule('all_reads', 'event_count', 'portal_record_read', undefined, '1m', 'gte: 12')}
`;

function rule(
  name: string,
  type: string,
  of: string,
  by: string | undefined,
  timespan: string,
  condition: string,
): string {
  return `title: ${name}
name: ${name}
status: test
correlation:
  type: ${type}
  rules: [${of}]
  ${by === undefined ? '' : `group-by: [${by}]`}
  timespan: ${timespan}
  generate: true
  condition: {${condition}}
level: low
vigie.resolve_timeout: 20m`;
}

const topic = uniqueName('portal');
const folder = temporaryFolder();
const log = join(folder, 'log.ndjson');
const rules = join(folder, 'rules.yml');
let clickHouse: TestClickHouse;
let admin: Admin;
let expected: string[];
let produced: number;
/** Of the input, in their order. */
let messages: Parameters<typeof produce>[2];

beforeAll(async () => {
  if (kafka === undefined) return;
  writeFileSync(rules, RULES);
  admin = testClient(brokers).admin();
  await admin.connect();
  clickHouse = await startClickHouse();
  await createTopic(brokers, topic, PARTITIONS);
  await replayToFile('kairos-2025', log, THEFT);
  const random = randomOf(SEED);
  const events = readFileSync(log, 'utf8').trimEnd().split('\n');
  const closing = Array.from({ length: PARTITIONS }, (_, partition) =>
    JSON.stringify({
      '@timestamp': new Date(END).toISOString(),
      event: { id: `closing-${partition}`, action: 'login' },
    }),
  );
  await appendFile(log, closing.map((line) => `${line}\n`).join(''));
  messages = [
    ...events.map((value) => ({ partition: random(PARTITIONS), value })),
    ...closing.map((value, partition) => ({ partition, value })),
    ...closing.map((_, partition) => ({ partition, value: '{"torn' })),
  ];
  await produce(brokers, topic, messages);
  produced = events.length + closing.length;
  const dataDir = join(folder, 'from-file');
  await succeed(['run', '--input', log, '--data-dir', dataDir, '--rules', FEW_RULES, rules], {
    VIGIE_PSEUDONYM_KEY: KEY,
  });
  expected = substance(await alertRows(dataDir));
}, 240_000);

afterAll(async () => {
  await cleanUp();
  await Promise.all([admin?.disconnect(), clickHouse?.stop()]);
});

class Deployment extends ScaledOut {
  readonly #topic: string;
  #fed = 0;

  /** On the topic that has all from the start, or one that is fed. */
  constructor(on = topic) {
    super({
      brokers,
      admin,
      clickHouse,
      topic: on,
      shards: SHARDS,
      key: KEY,
      folder,
      rules: [FEW_RULES, rules],
    });
    this.#topic = on;
  }

  /** On a topic that is still empty: processes read faster than others start. */
  static async fed(): Promise<Deployment> {
    const own = uniqueName('portal');
    await createTopic(brokers, own, PARTITIONS);
    return new Deployment(own);
  }

  /** The log up to this share of it. */
  async feed(share: number): Promise<void> {
    const to = Math.round(messages.length * share);
    await produce(brokers, this.#topic, messages.slice(this.#fed, to));
    this.#fed = to;
  }

  async verify(): Promise<void> {
    expect(substance(await this.alerts())).toEqual(expected);
    const [letters] = await admin.fetchTopicOffsets(`${this.group}-dead-letters`);
    const messages = await readMessages(brokers, `${this.group}-dead-letters`, Number(letters?.high));
    expect(new Set(messages.map(({ key }) => String(key))).size).toBe(PARTITIONS);
  }
}

describe.runIf(kafka !== undefined)(
  'rules by account, organisation and address over a topic keyed by nothing',
  () => {
    test('fire often, and for every group', () => {
      const found = new Set(expected.map((row) => (JSON.parse(row) as { rule: string }).rule));
      for (const name of ['quick_reads', 'quick_days', 'organisation_reads', 'address_reads', 'all_reads']) {
        expect(found).toContain(name);
      }
      expect(expected.length).toBeGreaterThan(200);
      expect(produced).toBeGreaterThan(10_000);
    });

    test.each([1, 2, 3])(
      'give the same alerts from %d processes as from one engine',
      async (processes) => {
        const deployment = new Deployment();
        const running = Array.from({ length: processes }, () => deployment.start());
        await deployment.finish(...running);
        await deployment.verify();
      },
      240_000,
    );

    test('give the same alerts when a process is added and another one killed in the middle', async () => {
      const deployment = await Deployment.fed();
      await deployment.feed(0.4);
      const first = deployment.start();
      await first.message('alert ');
      const second = deployment.start();
      await second.message('joined');
      await deployment.feed(0.7);
      expect(await first.signal('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      const third = deployment.start();
      await deployment.feed(1);
      await deployment.finish(second, third);
      await deployment.verify();
    }, 300_000);

    test('give the same alerts through a rolling restart, and shards move with their saved state', async () => {
      const deployment = await Deployment.fed();
      await deployment.feed(0.3);
      const shared = { VIGIE_STATE_DIR: join(folder, `${deployment.group}-state`) };
      let running = [deployment.start(shared), deployment.start(shared)];
      await Promise.race(running.map((each) => each.message('alert ')));
      const moved: Running[] = [];
      for (let i = 0; i < 2; i += 1) {
        const next = deployment.start(shared);
        await next.message('joined');
        await until(async () => (await next.metric('vigie_shards')) !== 0);
        await deployment.feed(0.3 + 0.35 * (i + 1));
        expect(await running[0]!.signal('SIGTERM')).toMatchObject({ code: 0 });
        running = [running[1]!, next];
        moved.push(next);
      }
      await deployment.finish(...running);
      await deployment.verify();
      const resumed = moved.filter(({ logs }) => logs.some(({ msg }) => msg === 'going on from saved state'));
      expect(resumed.length).toBeGreaterThan(0);
    }, 300_000);

    test('give the same alerts when processes are killed and added at random moments', async () => {
      const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1e6);
      const rounds = Number(process.env['KILL_ROUNDS'] ?? 2);
      const random = randomOf(seed);
      const deployment = await Deployment.fed();
      const running = Array.from({ length: 3 }, () => deployment.start());
      for (let round = 0; round < rounds; round += 1) {
        await running.at(-1)!.message('joined');
        const feeding = deployment.feed((round + 1) / (rounds + 1));
        await delay(random(2000));
        const [victim] = running.splice(random(running.length), 1);
        await victim!.signal('SIGKILL');
        running.push(deployment.start());
        await feeding;
      }
      await deployment.feed(1);
      await deployment.finish(...running);
      await deployment.verify().catch((error: unknown) => {
        throw new Error(`KILL_SEED=${seed}`, { cause: error });
      });
    }, 600_000);
  },
);
