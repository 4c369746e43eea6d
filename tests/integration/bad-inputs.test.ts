/**
 * Whatever comes in, the commands end with a message that names the value, the place and the remedy, or go on
 * and account for it: a line that is no event is a dead letter, a full disk is waited for.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cleanUp,
  deadLetters,
  type Env,
  listAlerts,
  replayToFile,
  start,
  succeed,
  temporaryFolder,
  until,
  vigie,
} from '../support/cli.ts';
import { FEW_RULES } from '../support/programs.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const folder = temporaryFolder();
afterAll(cleanUp);

/** The bytes of a read by one account, with other fields in place of its own. */
function event(second: number, fields: Readonly<Record<string, unknown>> = {}): Buffer {
  const time = new Date(Date.UTC(2025, 6, 12, 20, 0, second)).toISOString();
  const record = {
    '@timestamp': time,
    'event.id': `e${second}`,
    'event.action': 'record-view',
    'event.outcome': 'success',
    'user.id': 'u1',
    'portal.records.ids': [`p-${second}`],
  };
  return Buffer.from(JSON.stringify({ ...record, ...fields }));
}

function spliced(line: Buffer, bytes: Buffer): Buffer {
  return Buffer.concat([line.subarray(0, -1), Buffer.from(',"x":'), bytes, Buffer.from('}')]);
}

const valueIn =
  (metrics: string) =>
  (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)![1]);

function bytesOf(dataDir: string): string[] {
  return deadLetters(dataDir).map((letter) => letter.bytes_base64);
}

/** What two databases with different keys have in common. */
function withoutPersonalKey(alerts: Awaited<ReturnType<typeof listAlerts>>): unknown[] {
  return alerts.map(({ rule, group, crossedAt, value, status }) => ({
    rule,
    group,
    crossedAt,
    value,
    status,
  }));
}

const deep = (text: string): Buffer => Buffer.from(text.repeat(100_000));
const NO_EVENT = undefined;

/** Line by line: what stands there, and the code of its dead letter, if it is one. */
const LINES: readonly (readonly [what: string, bytes: Buffer, code: string | undefined])[] = [
  ['a byte-order mark before an event', Buffer.concat([Buffer.from('\uFEFF'), event(0)]), NO_EVENT],
  ['an event that ends with CR LF', Buffer.concat([event(1), Buffer.from('\r')]), NO_EVENT],
  ['nothing', Buffer.alloc(0), NO_EVENT],
  ['white space', Buffer.from(' \t '), NO_EVENT],
  ['no JSON', Buffer.from('GET /recherche HTTP/1.1'), 'NOT_JSON'],
  ['a list', Buffer.from('[1,2]'), 'NOT_AN_OBJECT'],
  ['a text', Buffer.from('"text"'), 'NOT_AN_OBJECT'],
  ['a number', Buffer.from('42'), 'NOT_AN_OBJECT'],
  ['null', Buffer.from('null'), 'NOT_AN_OBJECT'],
  ['an object as time', event(2, { '@timestamp': { at: 1 } }), 'BAD_TIME'],
  ['words as time', event(3, { '@timestamp': 'yesterday' }), 'BAD_TIME'],
  ['null as time', event(4, { '@timestamp': null }), 'NO_TIME'],
  ['objects as persons', event(5, { 'portal.records.ids': [{ nir: '1850675123456' }] }), 'BAD_FIELD'],
  ['a number as text', event(6, { 'portal.records.count': '7' }), NO_EVENT],
  ['an object as account', event(7, { 'user.id': { x: 1 } }), NO_EVENT],
  ['a time in 2100', event(8, { '@timestamp': '2100-01-01T00:00:00Z' }), 'FUTURE_TIME'],
  ['a time in 1970', event(9, { '@timestamp': '1970-01-01T00:00:00Z' }), NO_EVENT],
  ['10 MB', spliced(event(10), Buffer.from(`"${'a'.repeat(10_000_000)}"`)), 'TOO_LARGE'],
  ['bytes that are no UTF-8', spliced(event(11), Buffer.from([0x22, 0xff, 0xfe, 0x22])), 'NOT_UTF8'],
  ['a NUL byte in a text', spliced(event(12), Buffer.from([0x22, 0, 0x22])), 'NOT_JSON'],
  ['a NUL byte', Buffer.from([0]), 'NOT_JSON'],
  ['an escaped NUL', spliced(event(13), Buffer.from('"a\\u0000b"')), NO_EVENT],
  ['100,000 brackets', deep('['), 'NOT_JSON|TOO_DEEP'],
  ['100,000 objects', deep('{"a":'), 'NOT_JSON|TOO_DEEP'],
  ['a list 100,000 deep', spliced(event(14), Buffer.concat([deep('['), deep(']')])), 'TOO_DEEP'],
  ['a torn end', event(15).subarray(0, 40), 'NOT_JSON'],
];
const LOG = Buffer.concat(LINES.flatMap(([, bytes], i) => (i === 0 ? [bytes] : [Buffer.from('\n'), bytes])));
const LETTERS = LINES.flatMap(([what, bytes, code], offset) =>
  code === undefined ? [] : [{ what, bytes, code, offset }],
);
const BLANK = 2;
const EVENTS = LINES.length - BLANK - LETTERS.length;

describe('lines that are no events', () => {
  const dataDir = join(folder, 'letters');
  let metrics: string;
  let stderr: string;

  beforeAll(async () => {
    const running = start(['run', '--input', '-', '--data-dir', dataDir]);
    // The torn end is complete only when the input ends.
    running.stdin.write(LOG);
    const read = LINES.length - BLANK - 1;
    await until(async () => (await running.metric('vigie_events_consumed_total')) === read);
    // What the engine counts is shown with the next flush.
    await until(async () => (await running.metric('vigie_late_events_total')) !== 0);
    metrics = (await running.get('/metrics')).text;
    running.stdin.end();
    const ended = await running.ended;
    expect(ended).toMatchObject({ code: 0, stdout: '' });
    ({ stderr } = ended);
  }, 60_000);

  test('are dead letters, each with its code, its place and its bytes; the others are accepted', () => {
    const found = deadLetters(dataDir);
    expect(found.map(({ offset }) => offset)).toEqual(LETTERS.map(({ offset }) => offset));
    found.forEach((letter, i) => {
      const { what, code, bytes } = LETTERS[i]!;
      expect(letter.code, what).toMatch(new RegExp(`^(?:${code})$`));
      expect(letter.source, what).toBe('stdin');
      expect(letter.message, what).toMatch(/\w+ \w+/);
      expect(Buffer.from(letter.bytes_base64, 'base64').equals(bytes), what).toBe(true);
    });
    expect(stderr).toMatch(
      new RegExp(
        `^${EVENTS + LETTERS.length} events: ${EVENTS} accepted, 0 duplicates, ${LETTERS.length} dead letters, 1 late$`,
        'm',
      ),
    );
  });

  test('are logged by place and code, without their content', () => {
    const logged = stderr.split('\n').filter((line) => line.includes('dead letter"'));
    expect(logged).toHaveLength(LETTERS.length);
    expect(stderr).not.toMatch(/1850675123456|recherche|yesterday/);
  });

  test('do not move the watermark when they are of the future; events of the past are counted as late', () => {
    const value = valueIn(metrics);
    expect(value('vigie_future_events_total')).toBe(1);
    expect(value('vigie_late_events_total')).toBe(1);
    expect(value('vigie_watermark_timestamp_seconds')).toBeLessThan(Date.UTC(2025, 6, 13) / 1000);
  });

  test('keep their bytes when they come from a file, whose buffers are used again', async () => {
    const path = join(folder, 'bad-file.ndjson');
    writeFileSync(path, LOG);
    const fromFile = join(folder, 'letters-of-a-file');
    await succeed(['run', '--input', path, '--data-dir', fromFile]);
    expect(bytesOf(fromFile)).toEqual(bytesOf(dataDir));
  });

  test('leave `vigie eval` with the same codes by line, and exit code 1', async () => {
    const path = join(folder, 'bad.ndjson');
    writeFileSync(path, LOG);
    const {
      code,
      stdout,
      stderr: complaints,
    } = await vigie(['eval', '-r', FEW_RULES, '--all-matches', '--only', 'match', '-i', path], {});
    expect(code).toBe(1);
    // Only `run` has a wall clock that tells the future.
    const refused = LETTERS.filter(({ code: letter }) => letter !== 'FUTURE_TIME');
    expect(complaints).toMatch(new RegExp(`^${refused.length} lines are no events`, 'm'));
    const shown = [...complaints.matchAll(/^(.*):(\d+): ([A-Z_0-9]+): /gm)];
    shown.forEach(([, file, line, letter], i) => {
      expect({ file, line }).toEqual({ file: path, line: String(refused[i]!.offset + 1) });
      expect(letter).toMatch(new RegExp(`^(?:${refused[i]!.code})$`));
    });
    expect(shown).toHaveLength(10);
    // An account that is an object is no group, but the event still matches.
    expect(stdout.trim().split('\n')).toHaveLength(EVENTS + 1);
  });
});

describe('an input that cannot be read', () => {
  const file = join(folder, 'file.ndjson');
  beforeAll(() => writeFileSync(file, event(0)));

  test.each<[string, () => string, RegExp]>([
    ['is missing', () => join(folder, 'none.ndjson'), /none\.ndjson: ENOENT.*\n {2}Check the path/],
    ['is a folder', () => folder, /: it is a folder\n {2}Name one file of NDJSON/],
    ['lies below a file', () => join(file, 'x'), /file\.ndjson\/x: ENOTDIR.*\n {2}\w/],
  ])(
    'stops run and eval with the path and what to do when it %s, and nothing is made',
    async (_, path, message) => {
      const dataDir = join(folder, 'unread');
      const ended = await Promise.all([
        vigie(['run', '-i', path(), '-d', dataDir]),
        vigie(['eval', '-r', FEW_RULES, '-i', path()]),
      ]);
      expect(existsSync(dataDir)).toBe(false);
      for (const { code, stdout, stderr } of ended) {
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
        expect(stderr.slice(stderr.indexOf('vigie: '))).toMatch(/^vigie: INPUT_UNREADABLE: [Cc]annot read /);
        expect(stderr).toMatch(message);
      }
    },
  );

  test('stops rules check: a missing path, one below a file, a file that is no text, one with three faults', async () => {
    const latin = join(folder, 'latin.yml');
    const faulty = join(folder, 'faulty.yml');
    writeFileSync(latin, Buffer.from('title: accès', 'latin1'));
    writeFileSync(
      faulty,
      'title: Three faults\nid: 11111111-0000-4000-8000-000000000009\nlevel: urgent\nlogsource: {product: portal}\ndetection:\n  sel:\n    event.action|beginswith: record\n  condition: sel and other\n',
    );
    const [missing, below, check] = await Promise.all([
      vigie(['rules', 'check', join(folder, 'none')]),
      vigie(['rules', 'check', join(file, 'rules')]),
      vigie(['rules', 'check', latin, faulty]),
    ]);
    expect([missing.code, below.code, check.code]).toEqual([1, 1, 1]);
    expect(missing.stderr).toMatch(
      /^vigie: RULES_UNREADABLE: the rules at .*\/none .*ENOENT.*\n {2}Give the path/,
    );
    expect(below.stderr).toMatch(
      /^vigie: RULES_UNREADABLE: the rules at .*\/rules .*ENOTDIR.*\n {2}Give the path/,
    );
    const places = check.stderr
      .split('\n')
      .map((line) => /^.*\/(\w+\.yml:\d+:\d+): [A-Z_0-9]+: /.exec(line)?.[1]);
    expect(places.filter((place) => place !== undefined)).toEqual([
      'latin.yml:1:1',
      'faulty.yml:3:8',
      'faulty.yml:7:5',
      'faulty.yml:8:22',
    ]);
  });

  test('is no reason to start a detector without rules', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const { code, stderr } = await vigie(['run', '-i', file, '-r', empty, '-d', join(folder, 'unread')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /vigie: NO_RULES: there is no rule under .*\/empty\n {2}Give the path of a rule file/,
    );
  });
});

describe('a place that cannot be used', () => {
  test.each<[string, Env, RegExp]>([
    ['an unknown setting', { VIGIE_TOPICS: 'a' }, /VIGIE_TOPICS is no setting; did you mean VIGIE_TOPIC\?\n/],
    ['a wrong value', { VIGIE_LATENESS: 'soon' }, /VIGIE_LATENESS is "soon": expected an integer and one of/],
    [
      'a broken file',
      { VIGIE_CONFIG: '/dev/null/vigie.yml' },
      /configuration file \/dev\/null\/vigie\.yml: ENOTDIR/,
    ],
  ])('stops the start: %s', async (_, env, message) => {
    const { code, stderr } = await vigie(['run', '-i', '-'], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^vigie: CONFIG_INVALID: /);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\n {2}(?:Correct or remove these settings|Let VIGIE_CONFIG name)/);
  });

  test.each([
    ['below a file', '/dev/null/data'],
    ['where the system makes none', '/proc/data'],
  ])('stops the start: a data folder %s', async (_, dataDir) => {
    const env = { VIGIE_DATA_DIR: dataDir, VIGIE_PSEUDONYM_KEY: KEY };
    const { code, stderr } = await vigie(['run', '-i', '-'], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `^vigie: DATA_DIR_UNUSABLE: the data folder ${dataDir}/clickhouse .*\\n.*VIGIE_DATA_DIR`,
        'm',
      ),
    );
  });

  test('stops the start: a port that is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => holder.once('listening', listening));
    const { port } = holder.address() as AddressInfo;
    const { code, stderr } = await vigie([
      'run',
      '-i',
      '-',
      '-d',
      join(folder, 'port'),
      '--http-port',
      `${port}`,
    ]);
    holder.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `^vigie: PORT_IN_USE: port ${port} on 127\\.0\\.0\\.1 is taken by another process\\n {2}Choose another`,
        'm',
      ),
    );
  });
});

describe('a full disk', () => {
  const disk = join(folder, 'disk');
  const filler = join(disk, 'filler');
  /** Why there is no disk to fill, if there is none. */
  let missing: string | undefined;

  beforeAll(() => {
    mkdirSync(disk);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk], { encoding: 'utf8' });
    if (mount.status !== 0) missing = `no small disk: ${mount.error?.message ?? mount.stderr.trim()}`;
  });
  afterAll(() => {
    if (missing === undefined) execFileSync('umount', [disk]);
  });

  function fill(): void {
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096']);
  }

  test('under the embedded database is waited for, and no alert is lost', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const log = join(folder, 'theft.ndjson');
    await replayToFile('kairos-2025', log, '--accounts 0 --records 2000 --window 1m');
    const other = join(folder, 'roomy');
    await succeed(['run', '--input', log, '--data-dir', other]);

    await succeed(['run', '--input', '-', '--data-dir', disk]);
    fill();
    const running = start(['run', '--input', log, '--data-dir', disk]);
    const { msg } = await running.logged(({ code }) => code === 'CLICKHOUSE_DISK_FULL');
    expect(msg).toContain(`at ${disk}/clickhouse failed: `);
    expect(await running.get('/readyz')).toMatchObject({
      status: 503,
      text: expect.stringContaining('CLICKHOUSE_DISK_FULL') as string,
    });
    rmSync(filler);
    expect(await running.ended).toMatchObject({ code: 0 });
    const stored = withoutPersonalKey(await listAlerts(disk));
    expect(stored.length).toBeGreaterThan(1);
    expect(stored).toEqual(withoutPersonalKey(await listAlerts(other)));
  }, 60_000);

  test('under the first start is waited for as well, and ends no later one', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const fresh = join(disk, 'first');
    mkdirSync(fresh);
    fill();
    const env = { VIGIE_PSEUDONYM_KEY: '0'.repeat(32) };
    const running = start(['run', '--input', '-', '--data-dir', fresh], env);
    running.stdin.end();
    await running.logged(({ code }) => code === 'CLICKHOUSE_DISK_FULL');
    rmSync(filler);
    expect(await running.ended).toMatchObject({ code: 0 });
    await succeed(['run', '--input', '-', '--data-dir', fresh], env);
  }, 60_000);

  test('under a new key leaves no half one behind', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const fresh = join(disk, 'fresh');
    mkdirSync(fresh);
    fill();
    const full = await vigie(['run', '--input', '-', '--data-dir', fresh]);
    rmSync(filler);
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/^vigie: DATA_DIR_UNUSABLE: cannot store the pseudonym key .*ENOSPC/m);
    await succeed(['run', '--input', '-', '--data-dir', fresh]);
  });

  test('under the dead letters is waited for: the log says so, and none is lost', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const before = deadLetters(disk).length;
    const running = start(['run', '--input', '-', '--data-dir', disk]);
    await running.message('running');
    fill();
    running.stdin.end('no event\n'.repeat(1000));
    await running.logged((line) => line.code === 'DEAD_LETTER_FILE_FAILED');
    rmSync(filler);
    const { code } = await running.ended;
    expect(code).toBe(0);
    expect(deadLetters(disk)).toHaveLength(before + 1000);
  });

  test.each(['rules list rules', 'replay kairos-2025 --accounts 0 --records 100'])(
    'behind standard output ends "%s" with a message',
    (args) => {
      const script = `exec "$0" src/cli/main.ts ${args} > /dev/full`;
      const { status, stderr } = spawnSync('bash', ['-c', script, process.execPath], { encoding: 'utf8' });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^vigie: OUTPUT_FAILED: cannot write .*ENOSPC.*\n {2}\w/);
    },
  );
});
