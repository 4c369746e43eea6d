/** `vigie deadletters` on a real topic and on a file: what is shown, what is sent again, and that it is sent once. */

import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { DeadLetterFile } from '../../src/sink/dead-letter-file.ts';
import { DeadLetterTopic } from '../../src/sink/dead-letter-topic.ts';
import { LettersInTopic } from '../../src/sink/letters-in-topic.ts';
import type { DeadLetter } from '../../src/sink/sink.ts';
import { replayLetters } from '../../src/sink/stored-letters.ts';
import { cleanUp, parseLines, succeed, temporaryFolder, vigie } from '../support/cli.ts';
import type { Env } from '../support/cli.ts';
import { connection, createTopic, readMessages, testKafka, uniqueName } from '../support/kafka-topics.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];
const PERSON = '1850799123456';

afterAll(cleanUp);

function letter(source: string, offset: number, code: DeadLetter['code']): DeadLetter {
  const bytes = Buffer.from(`{"offset":${offset},"person":"${PERSON}"`);
  return { code, message: `odd: ${PERSON}`, source, partition: offset % 2, offset, bytes };
}

const six = (source: string): DeadLetter[] =>
  [0, 1, 2, 3, 4, 5].map((offset) => letter(source, offset, offset < 2 ? 'NO_TIME' : 'NOT_JSON'));

const bytesOf = (offset: number): string => letter('', offset, 'NOT_JSON').bytes.toString();

interface Listed {
  code: string;
  partition: number;
  offset: number;
  bytes: number;
  sent_at?: string;
  bytes_base64?: string;
}

async function listed(env: Env, ...options: string[]): Promise<Listed[]> {
  return parseLines<Listed>(await succeed(['deadletters', 'list', '--json', ...options], env));
}

async function replayed(env: Env, ...options: string[]): Promise<unknown> {
  return JSON.parse(await succeed(['deadletters', 'replay', '--json', ...options], env));
}

async function written(deadPartitions = 1): Promise<{ source: string; dead: string; env: Env }> {
  const source = uniqueName('access');
  const dead = `${source}-dead-letters`;
  await createTopic(brokers, source, 2);
  await createTopic(brokers, dead, deadPartitions);
  const sink = new DeadLetterTopic({ ...connection(brokers), topic: dead });
  const letters = six(source);
  // The second write of one, as after a restart.
  await sink.write([...letters, letters[0]!]);
  await sink.close();
  return { source, dead, env: { KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: source } };
}

describe.runIf(kafka !== undefined)('of a topic', () => {
  test('are listed by reason, place, time and size, and show no person unless told to', async () => {
    const { env } = await written();
    const all = await listed(env);
    expect(all.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 0]);
    expect(all[3]).toMatchObject({ code: 'NOT_JSON', partition: 1, offset: 3, bytes: bytesOf(3).length });
    expect(JSON.stringify(all)).not.toContain(PERSON);
    const table = await succeed(['deadletters', 'list', '--code', 'NOT_JSON', '--limit', '2'], env);
    expect(table.trim().split('\n')).toHaveLength(3);
    expect(table).not.toContain(PERSON);
    expect(await listed(env, '--until', '2020-01-01T00:00:00Z')).toEqual([]);
    const [first] = await listed(env, '--raw', '--limit', '1');
    expect(Buffer.from(first!.bytes_base64!, 'base64').toString()).toContain(PERSON);
  }, 120_000);

  test('go back to their partition, byte for byte, once', async () => {
    const { source, env } = await written();
    expect(await replayed(env, '--code', 'NO_TIME', '--dry-run')).toMatchObject({ dry_run: true, sent: 2 });
    expect(await listed(env, '--code', 'NO_TIME')).toSatisfy((all: Listed[]) =>
      all.every(({ sent_at }) => sent_at === undefined),
    );
    expect(await replayed(env, '--code', 'NO_TIME')).toMatchObject({ sent: 2, earlier: 0, cut: 0 });
    const messages = await readMessages(brokers, source, 2);
    expect(messages.map(({ value }) => value!.toString()).toSorted()).toEqual(
      [0, 1].map((offset) => letter(source, offset, 'NO_TIME').bytes.toString()),
    );
    expect(messages.map(({ headers }) => headers!['vigie-replayed-from']!.toString()).toSorted()).toEqual(
      [0, 1].map((offset) => expect.stringMatching(`^${source}/${offset}/${offset}/[0-9a-f]{16}$`)),
    );
    expect(await replayed(env, '--limit', '3')).toMatchObject({ sent: 3, earlier: 2, left: 1 });
    expect(await replayed(env)).toMatchObject({ sent: 1 });
    expect(await replayed(env)).toMatchObject({ sent: 0, earlier: 6 });
    expect((await listed(env)).every(({ sent_at }) => sent_at !== undefined)).toBe(true);
    const all = await readMessages(brokers, source, 6);
    expect(new Set(all.map(({ value }) => value!.toString())).size).toBe(6);
  }, 120_000);

  test('go back once from a topic that somebody made with several partitions, too', async () => {
    const { source, env } = await written(3);
    expect(await replayed(env)).toMatchObject({ sent: 6, earlier: 0 });
    expect(await replayed(env)).toMatchObject({ sent: 0, earlier: 6 });
    expect((await listed(env)).every(({ sent_at }) => sent_at !== undefined)).toBe(true);
    const all = await readMessages(brokers, source, 6);
    expect(new Set(all.map(({ value }) => value!.toString())).size).toBe(6);
  }, 120_000);

  test('go to another partition if theirs no longer exists', async () => {
    const { source, dead, env } = await written();
    const sink = new DeadLetterTopic({ ...connection(brokers), topic: dead });
    await sink.write([{ ...letter(source, 6, 'NOT_JSON'), partition: 7 }]);
    await sink.close();
    expect(await replayed(env)).toMatchObject({ sent: 7 });
    const messages = await readMessages(brokers, source, 7);
    expect(messages.map(({ value }) => value!.toString())).toContain(bytesOf(6));
  }, 120_000);

  test('whose source topic is gone are refused with its name', async () => {
    const { dead, env } = await written();
    const gone = uniqueName('gone');
    const sink = new DeadLetterTopic({ ...connection(brokers), topic: dead });
    await sink.write([letter(gone, 0, 'BAD_FIELD')]);
    await sink.close();
    const { code, stderr } = await vigie(['deadletters', 'replay', '--code', 'BAD_FIELD'], env);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`TOPIC_MISSING: Topic ${gone} `),
    });
  }, 120_000);

  test('are not marked as sent when the topic refuses one of them', async () => {
    const source = uniqueName('access');
    await createTopic(brokers, source, 1, { 'max.message.bytes': '600000' });
    const sink = new DeadLetterTopic({ ...connection(brokers), topic: `${source}-dead-letters` });
    const bytes = [
      // Came in a compressed batch.
      Buffer.alloc(700_000, 'x'),
      randomBytes(700_000),
      Buffer.from('behind it'),
    ];
    await sink.write(
      bytes.map((each, offset) => ({ ...letter(source, offset, 'NOT_JSON'), partition: 0, bytes: each })),
    );
    await sink.close();
    const env = { KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: source };
    const refused = await vigie(['deadletters', 'replay'], env);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('KAFKA_MESSAGE_TOO_LARGE') });
    expect((await listed(env)).map(({ sent_at }) => sent_at !== undefined)).toEqual([true, false, false]);
  }, 120_000);

  test('are sent once by two simultaneous replays, of which the earlier one gives way', async () => {
    const source = uniqueName('access');
    await createTopic(brokers, source, 1);
    const topic = `${source}-dead-letters`;
    const sink = new DeadLetterTopic({ ...connection(brokers), topic });
    // More than one transaction takes.
    const large = [0, 1, 2].map((offset) => ({
      ...letter(source, offset, 'NOT_JSON'),
      partition: 0,
      bytes: Buffer.from(`${offset}`.padEnd(400_000)),
    }));
    await sink.write(large);
    await sink.close();
    const stores = [1, 2].map(
      () => new LettersInTopic({ ...connection(brokers), topic, clock: systemClock }),
    );
    const [earlier, later] = stores as [LettersInTopic, LettersInTopic];
    const all = { codes: [], since: undefined, until: undefined };
    // Has looked at what was sent, and at the first letters, when the other one begins.
    const visit = earlier.letters.bind(earlier);
    earlier.letters = async (each) => {
      await later.claim();
      await visit(each);
    };
    await expect(replayLetters(earlier, all, 10, false)).rejects.toMatchObject({ code: 'REPLAY_OVERTAKEN' });
    expect(await replayLetters(later, all, 10, false)).toMatchObject({ sent: 3 });
    await Promise.all(stores.map((store) => store.close()));
    const messages = await readMessages(brokers, source, 3);
    expect(messages.map(({ value }) => value!.toString().trim())).toEqual(['0', '1', '2']);
  }, 120_000);

  test('of a recreated topic are not taken for those of the old one', async () => {
    const { source, dead, env } = await written();
    expect(await replayed(env)).toMatchObject({ sent: 6 });
    const sink = new DeadLetterTopic({ ...connection(brokers), topic: dead });
    // In the place of one that was sent, and that one once more, as after a restart.
    const other = { ...letter(source, 0, 'NOT_JSON'), bytes: Buffer.from('{"another":"log"') };
    await sink.write([other, letter(source, 0, 'NO_TIME')]);
    await sink.close();
    expect(await replayed(env)).toMatchObject({ sent: 1, earlier: 6 });
    const values = (await readMessages(brokers, source, 7)).map(({ value }) => value!.toString());
    expect(values.filter((value) => value === '{"another":"log"')).toHaveLength(1);
  }, 120_000);

  test('that are missing are an error with the topic’s name', async () => {
    const env = { KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: uniqueName('nothing') };
    const { code, stderr } = await vigie(['deadletters', 'list'], env);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('TOPIC_MISSING') });
    expect(stderr).toContain(`${env.VIGIE_TOPIC}-dead-letters`);
  });
});

describe('of a file', () => {
  test('are listed and written once as lines that can be read again, past a torn end', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'dead-letters.ndjson');
    const sink = new DeadLetterFile(path, systemClock);
    await sink.write(six('log.ndjson'));
    await sink.close();
    appendFileSync(path, '{"code":"NOT_');
    const env = { VIGIE_DATA_DIR: folder };
    const all = await listed(env);
    expect(all.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(JSON.stringify(all)).not.toContain(PERSON);

    const again = join(folder, 'again.ndjson');
    expect(await replayed(env, '--code', 'NOT_JSON', '--to', again)).toMatchObject({ sent: 4 });
    expect(await replayed(env, '--to', again)).toMatchObject({ sent: 2, earlier: 4 });
    const lines = readFileSync(again, 'utf8').trimEnd().split('\n');
    expect(lines).toEqual([2, 3, 4, 5, 0, 1].map(bytesOf));
  }, 120_000);

  test('are told apart when another log of the same name has one on the same line', async () => {
    const folder = temporaryFolder();
    const sink = new DeadLetterFile(join(folder, 'dead-letters.ndjson'), systemClock);
    const env = { VIGIE_DATA_DIR: folder };
    const again = join(folder, 'again.ndjson');
    await sink.write([letter('stdin', 0, 'NOT_JSON')]);
    expect(await replayed(env, '--to', again)).toMatchObject({ sent: 1 });
    const other = { ...letter('stdin', 0, 'NOT_JSON'), bytes: Buffer.from('{"another":"line"') };
    // And the first log once more, from its beginning.
    await sink.write([other, letter('stdin', 0, 'NOT_JSON')]);
    await sink.close();
    expect((await listed(env)).map(({ sent_at }) => sent_at !== undefined)).toEqual([true, false, true]);
    expect(await replayed(env, '--to', again)).toMatchObject({ sent: 1 });
    expect(readFileSync(again, 'utf8')).toBe(`${bytesOf(0)}\n{"another":"line"\n`);
  }, 120_000);

  test('are listed whatever text they hold: what ends a line elsewhere ends none here', async () => {
    const folder = temporaryFolder();
    const sink = new DeadLetterFile(join(folder, 'dead-letters.ndjson'), systemClock);
    const message = '@timestamp is no time: "\u2028\u2029\u0085\r\n"';
    await sink.write([0, 1].map((offset) => ({ ...letter('access.log', offset, 'BAD_TIME'), message })));
    await sink.close();
    expect(await listed({ VIGIE_DATA_DIR: folder })).toMatchObject([{ offset: 0 }, { offset: 1 }]);
  });

  test('beyond the limit are counted', async () => {
    const folder = temporaryFolder();
    const sink = new DeadLetterFile(join(folder, 'dead-letters.ndjson'), systemClock);
    await sink.write([0, 1, 2].map((offset) => letter('stdin', offset, 'NOT_JSON')));
    await sink.close();
    const env = { VIGIE_DATA_DIR: folder };
    const some = await vigie(['deadletters', 'list', '--limit', '2'], env);
    expect(some).toMatchObject({ code: 0, stderr: '2 listed; 1 more beyond --limit 2\n' });
    const again = join(folder, 'again.ndjson');
    expect(await replayed(env, '--limit', '1', '--to', again)).toMatchObject({ sent: 1, left: 2 });
    expect(await replayed(env, '--to', again)).toMatchObject({ sent: 2, earlier: 1, left: 0 });
  }, 120_000);

  test('are those of --data-dir, whatever brokers are set', async () => {
    const folder = temporaryFolder();
    const sink = new DeadLetterFile(join(folder, 'dead-letters.ndjson'), systemClock);
    await sink.write([letter('stdin', 0, 'NOT_JSON')]);
    await sink.close();
    const env = { KAFKA_BROKERS: '127.0.0.1:1' };
    const named = await succeed(['deadletters', '--data-dir', folder, 'list', '--json'], env);
    expect(parseLines<Listed>(named)).toMatchObject([{ offset: 0 }]);
    const both = await vigie(['deadletters', '--data-dir', folder, 'list', '--file', join(folder, 'x')]);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('give one of them') });
  });

  test('that is missing or holds something else is an error with its name', async () => {
    const folder = temporaryFolder();
    const none = await vigie(['deadletters', 'list'], { VIGIE_DATA_DIR: folder });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('DEAD_LETTERS_MISSING') });
    const path = join(folder, 'other.ndjson');
    appendFileSync(path, '{"a":1}\n{"b":2}\n');
    const other = await vigie(['deadletters', 'list', '--file', path]);
    expect(other).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${path}:1: it is no dead letter`),
    });
  });
});
