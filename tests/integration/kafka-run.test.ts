/**
 * `vigie run` on a topic of six partitions: the alerts are those of the same log read from a file, ids and all,
 * also when the process is stopped or killed in the middle of the theft and started again. Every message is
 * accounted for: an archived event or a dead letter.
 */

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  alertRows,
  cleanUp,
  query,
  replayToFile,
  start,
  succeed,
  temporaryFolder,
  undated,
  until,
} from '../support/cli.ts';
import type { LogLine, Running } from '../support/cli.ts';
import {
  createTopic,
  produce,
  readMessages,
  testClient,
  testKafka,
  uniqueName,
} from '../support/kafka-topics.ts';
import { FEW_RULES, QUICK_READS, QUICK_READS_ID } from '../support/programs.ts';
import { randomOf } from '../unit/detect/harness.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];

const PARTITIONS = [0, 1, 2, 3, 4, 5];
const KEY = '00112233445566778899aabbccddeeff';
/** On a Wednesday, so that the end of the log is further away than any window; more than one fetch long. */
const THEFT = '--accounts 80 --records 16000 --window 6m --theft-start 2025-07-09T20:00:00Z';
const BEGINNING = Date.UTC(2025, 6, 6);
const END = Date.UTC(2025, 6, 20);

const topic = uniqueName('portal');
const folder = temporaryFolder();
const log = join(folder, 'log.ndjson');
const faulty = [
  { code: 'NOT_JSON', value: Buffer.from('{"torn') },
  { code: 'NO_TIME', value: Buffer.from('{"user":{"id":"u-1"}}') },
  { code: 'NOT_UTF8', value: Buffer.from([0x7b, 0xff, 0x7d]) },
  { code: 'NOT_JSON', value: null },
];
let produced: number;
let expected: Record<string, unknown>[];
let admin: Admin;

/** The last words of a partition: they let everything before resolve. */
function closing(partition: number): string {
  return JSON.stringify({
    '@timestamp': new Date(END).toISOString(),
    event: { id: `closing-${partition}`, action: 'login', outcome: 'success' },
    user: { id: `u-closing-${partition}` },
  });
}

beforeAll(async () => {
  if (kafka === undefined) return;
  admin = testClient(brokers).admin();
  await admin.connect();
  await createTopic(brokers, topic, PARTITIONS.length);
  const bad = (timestamp: number) =>
    PARTITIONS.flatMap((partition) =>
      faulty.map(({ value }) => ({ partition, value, timestamp: String(timestamp) })),
    );
  await produce(brokers, topic, bad(BEGINNING));
  const env = { KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: topic };
  await Promise.all([
    succeed(['replay', 'kairos-2025', '--to', 'kafka', ...THEFT.split(' ')], env),
    fromFile(),
  ]);
  await produce(brokers, topic, [
    ...bad(END),
    ...PARTITIONS.map((partition) => ({ partition, value: closing(partition), timestamp: String(END) })),
  ]);
  produced = (await ends()).reduce((sum, end) => sum + end, 0);
}, 180_000);

async function fromFile(): Promise<void> {
  await replayToFile('kairos-2025', log, THEFT);
  await appendFile(log, PARTITIONS.map((partition) => `${closing(partition)}\n`).join(''));
  const dataDir = join(folder, 'from-file');
  await succeed(['run', '--input', log, '--data-dir', dataDir, '--rules', FEW_RULES, QUICK_READS], {
    VIGIE_PSEUDONYM_KEY: KEY,
  });
  expected = undated(await alertRows(dataDir));
}

afterAll(async () => {
  await cleanUp();
  await admin?.disconnect();
});

async function ends(): Promise<number[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
}

/** One deployment: a group, a data folder and a topic of dead letters of its own. */
class Deployment {
  readonly group = uniqueName('group');
  readonly dataDir = join(folder, this.group);
  readonly deadLetters = `${this.group}-dead-letters`;
  readonly #rules: readonly string[];

  /** `rules`: the project's, and more. */
  constructor(...rules: string[]) {
    this.#rules = [FEW_RULES, ...rules];
  }

  start(more: Readonly<Record<string, string>> = {}): Running {
    return start(['run', '--data-dir', this.dataDir, '--rules', ...this.#rules], {
      KAFKA_BROKERS: brokers.join(),
      VIGIE_TOPIC: topic,
      VIGIE_GROUP: this.group,
      VIGIE_DEAD_LETTER_TOPIC: this.deadLetters,
      VIGIE_PSEUDONYM_KEY: KEY,
      VIGIE_ARCHIVE: 'true',
      // These events are old: a time to live would end them at once.
      VIGIE_ARCHIVE_DAYS: '0',
      ...more,
    });
  }

  async committed(): Promise<number[]> {
    // A broker that no group has used yet first has to make room for offsets.
    const [offsets] = await admin.fetchOffsets({ groupId: this.group, topics: [topic] }).catch(() => []);
    const entries = (offsets?.partitions ?? []).toSorted((a, b) => a.partition - b.partition);
    return entries.map(({ offset }) => Math.max(0, Number(offset)));
  }

  /** Waits until everything is stored and committed, and stops it. */
  async finish(running: Running): Promise<void> {
    const all = (await ends()).join();
    await until(async () => (await this.committed()).join() === all);
    expect(await running.signal('SIGTERM')).toMatchObject({ code: 0, signal: null });
  }

  /** What was promised of the whole topic, however often it was interrupted. */
  async verify(): Promise<void> {
    const all = this.#rules.length > 1;
    expect(undated(await alertRows(this.dataDir))).toEqual(
      expected.filter(({ rule }) => all || rule !== QUICK_READS_ID),
    );
    const letters = faulty.length * PARTITIONS.length * 2;
    const [archive] = await query<{ events: string }>(
      this.dataDir,
      'SELECT toString(uniqExact(event_id)) AS events FROM vigie.access_events',
    );
    expect(Number(archive?.events)).toBe(produced - letters);
    const [written] = await admin.fetchTopicOffsets(this.deadLetters);
    const messages = await readMessages(brokers, this.deadLetters, Number(written?.high));
    expect(new Set(messages.map(({ key }) => String(key))).size).toBe(letters);
  }
}

/** The alert was stored, by the process that this one watches. */
function thiefAlerted(running: Running): Promise<LogLine> {
  return running.logged(
    ({ msg }) => msg.startsWith('alert ') && msg.includes('Mass extraction by one account (500'),
  );
}

/** Of a dead letter's key. */
function placeOf(key: unknown): string {
  return String(key).replace(/\/[^/]*$/, '');
}

describe.runIf(kafka !== undefined)('a topic of six partitions', () => {
  test('gives the alerts of the same log read from a file, and dead letters with their place', async () => {
    const deployment = new Deployment(QUICK_READS);
    const running = deployment.start();
    await deployment.finish(running);
    expect(expected.filter(({ level }) => level === 'critical')).toHaveLength(1);
    expect(expected.length).toBeGreaterThan(300);
    await deployment.verify();

    const high = await ends();
    const letters = await readMessages(
      brokers,
      deployment.deadLetters,
      2 * PARTITIONS.length * faulty.length,
    );
    const found = new Map(letters.map((letter) => [placeOf(letter.key), letter]));
    for (const partition of PARTITIONS) {
      const places = [0, high[partition]! - faulty.length - 1];
      for (const first of places) {
        faulty.forEach(({ code, value }, i) => {
          const offset = first + i;
          const letter = found.get(`${topic}/${partition}/${offset}`);
          expect(letter?.value ?? Buffer.alloc(0)).toEqual(value ?? Buffer.alloc(0));
          const header = (name: string): string => String(letter?.headers?.[`vigie-${name}`]);
          expect(header('code')).toBe(code);
          expect(header('source-topic')).toBe(topic);
          expect(header('source-partition')).toBe(String(partition));
          expect(header('source-offset')).toBe(String(offset));
        });
      }
    }
  }, 120_000);

  test.concurrent.each<{
    when: string;
    quiet?: true;
    moments: readonly ((running: Running, it: Deployment) => Promise<unknown>)[];
  }>([
    {
      when: 'with the first alert written and not committed',
      moments: [(running) => running.logged(({ msg }) => msg.startsWith('alert '))],
    },
    {
      // Without an open alert that would have more read again than the commits ask for.
      when: 'with the first partitions committed and no alert there',
      quiet: true,
      moments: [(_, it) => until(async () => (await it.committed()).some((offset) => offset > 0), 1)],
    },
    {
      when: 'in the middle of the theft, and again while restoring',
      moments: [thiefAlerted, (running) => running.message('restoring')],
    },
  ])(
    'killed $when, it ends with the same rows',
    async ({ moments, quiet }) => {
      const deployment = new Deployment(...(quiet ? [] : [QUICK_READS]));
      for (const moment of moments) {
        const running = deployment.start();
        await moment(running, deployment);
        expect(await running.signal('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      }
      await deployment.finish(deployment.start());
      await deployment.verify();
    },
    180_000,
  );

  const SAVING = { VIGIE_SNAPSHOT_INTERVAL: '1s', VIGIE_LOG_LEVEL: 'debug' };

  test.concurrent('killed after state was saved, and again when that was loaded, it ends with the same rows', async () => {
    const deployment = new Deployment(QUICK_READS);
    const first = deployment.start(SAVING);
    await first.message('state saved');
    await first.signal('SIGKILL');
    const second = deployment.start(SAVING);
    await second.message('going on from saved state');
    await second.signal('SIGKILL');
    const third = deployment.start(SAVING);
    await deployment.finish(third);
    await third.message('going on from saved state');
    await deployment.verify();
  }, 240_000);

  test.concurrent('killed at random moments while state is saved, it ends with the same rows', async () => {
    const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1e6);
    const random = randomOf(seed);
    const deployment = new Deployment(QUICK_READS);
    const rounds = Number(process.env['KILL_ROUNDS'] ?? 3);
    const delays = Array.from({ length: rounds }, () => random(2500));
    for (const delayMs of delays) {
      const running = deployment.start(SAVING);
      await running.message('joined');
      await delay(delayMs);
      await running.signal('SIGKILL');
    }
    await deployment.finish(deployment.start(SAVING));
    await deployment.verify().catch((error: unknown) => {
      throw new Error(`KILL_SEED=${seed}: killed ${delays.join(', ')} ms after joining`, { cause: error });
    });
  }, 600_000);

  test.concurrent('stopped in the middle of the theft, it goes on where it was', async () => {
    const deployment = new Deployment(QUICK_READS);
    const first = deployment.start();
    await thiefAlerted(first);
    const ended = await first.signal('SIGTERM');
    expect(ended, ended.stderr.slice(-2000)).toMatchObject({ code: 0, signal: null });
    const committed = (await deployment.committed()).reduce((sum, offset) => sum + offset, 0);
    expect(committed).toBeGreaterThan(0);
    const second = deployment.start();
    await second.message('going on from saved state');
    await deployment.finish(second);
    await deployment.verify();
  }, 180_000);
});
