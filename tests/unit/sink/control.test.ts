import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { actionSchema, alertFilterSchema, untoldQuestionSchema } from '../../../src/sink/alert-questions.ts';
import type { ActionRequest, AlertFilter } from '../../../src/sink/alert-questions.ts';
import type { AlertDetail, AlertStore } from '../../../src/sink/alert-store.ts';
import { huntQuestionSchema } from '../../../src/sink/archive-hunt.ts';
import type { HuntAnswer, HuntQuestion } from '../../../src/sink/archive-hunt.ts';
import { readsQuestionSchema } from '../../../src/sink/archive-reads.ts';
import type { ReadsPage, ReadsQuestion } from '../../../src/sink/archive-reads.ts';
import { controlClient, ownerOf } from '../../../src/sink/control-client.ts';
import { CONTROL_FORMAT, startControl } from '../../../src/sink/control.ts';
import type { ControlServer } from '../../../src/sink/control.ts';
import { alertFixture, UNTOUCHED } from '../../support/alert-fixture.ts';

const clock = { now: () => 1_752_354_251_123, elapsed: () => 0 };

/** Remembers what it was asked. */
class AskedStore implements AlertStore {
  untold(): Promise<[]> {
    return Promise.resolve([]);
  }

  readonly asked: unknown[] = [];
  failure: Error | undefined;
  answer: unknown[] = [];
  before: Promise<void> | undefined;

  async list(filter: AlertFilter): Promise<[]> {
    this.asked.push(filter);
    await this.before;
    if (this.failure !== undefined) throw this.failure;
    return this.answer as [];
  }
  async show(id: string): Promise<AlertDetail> {
    this.asked.push(id);
    throw new VigieError('ALERT_NOT_FOUND', `no ${id}`, { remedy: 'list them' });
  }
  async act(action: ActionRequest): Promise<AlertDetail> {
    this.asked.push(action);
    return { alertId: action.alertId } as AlertDetail;
  }
  async archive(): Promise<null> {
    this.asked.push('archive');
    return null;
  }
  async reads(question: ReadsQuestion): Promise<ReadsPage> {
    this.asked.push(question);
    return { events: [], next: { userId: 'u', time: 5, eventId: 'e' } };
  }
  async hunt(question: HuntQuestion): Promise<HuntAnswer> {
    this.asked.push(question);
    return { rows: [{ at: '5' }], fields: [] };
  }
  async close(): Promise<void> {}
}

let folder: string;
let store: AskedStore;
let control: ControlServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-control-'));
  store = new AskedStore();
  control = await startControl({ dataDir: folder, store, command: 'run', clock });
});
afterEach(async () => {
  await control.close();
  rmSync(folder, { recursive: true, force: true });
});

async function send(method: string, path: string, body: string): Promise<{ status: number; body: unknown }> {
  const outgoing = request({ socketPath: control.path, method, path, agent: false });
  // A refused body is not read to its end.
  outgoing.on('error', () => {});
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, body: JSON.parse(await text(response)) };
}

/** As it goes over the wire; `length` of its body is said, and two bytes are sent. */
function question(length: number): string {
  return `POST /v1/alerts/list HTTP/1.1\r\nhost: vigie\r\ncontent-length: ${length}\r\n\r\n{}`;
}

describe('the socket for operators', () => {
  test('passes questions and answers through', async () => {
    const client = (await controlClient(folder))!;
    expect(await client.list({ status: 'firing', limit: 3 })).toEqual([]);
    expect(await client.act({ alertId: 'aa', action: 'acknowledge', actor: 'anne' })).toEqual({
      alertId: 'aa',
    });
    expect(store.asked).toEqual([
      { status: 'firing', limit: 3 },
      { alertId: 'aa', action: 'acknowledge', actor: 'anne' },
    ]);
  });

  test('passes questions about the archive through, page by page', async () => {
    const client = (await controlClient(folder))!;
    const question = { after: 1, upTo: 9, anyOf: [[{ field: 'user.id', value: 'u-1' }]] };
    expect(await client.archive()).toBeNull();
    const { next } = await client.reads(question);
    await client.reads({ ...question, from: next });
    expect(store.asked).toEqual(['archive', question, { ...question, from: next }]);
  });

  test('passes a hunt through, and what it finds back', async () => {
    const client = (await controlClient(folder))!;
    const question = { sql: "SELECT 'a'", fields: ['custom.note'] };
    expect(await client.hunt(question)).toEqual({ rows: [{ at: '5' }], fields: [] });
    expect(store.asked).toEqual([question]);
  });

  test('passes errors through with code, message and remedy', async () => {
    const client = (await controlClient(folder))!;
    await expect(client.show('ab')).rejects.toEqual(
      new VigieError('ALERT_NOT_FOUND', 'no ab', { remedy: 'list them' }),
    );
  });

  test('keeps what is not meant for operators to itself as a defect', async () => {
    store.failure = new TypeError('x is undefined');
    const client = (await controlClient(folder))!;
    await expect(client.list({})).rejects.toMatchObject({
      code: 'CONTROL_FAILED',
      message: 'x is undefined',
    });
  });

  test('says who holds the folder', async () => {
    expect(await ownerOf(folder)).toEqual({
      pid: process.pid,
      command: 'run',
      startedAt: clock.now(),
      format: CONTROL_FORMAT,
    });
  });

  test.each([
    ['no JSON', 'POST', '/v1/alerts/list', '{', 'ARGUMENT_INVALID'],
    ['an unknown filter', 'POST', '/v1/alerts/list', '{"x":1}', 'ARGUMENT_INVALID'],
    [
      'an action nobody may ask for',
      'POST',
      '/v1/alerts/act',
      '{"alertId":"a","action":"drop","actor":"a"}',
      'ARGUMENT_INVALID',
    ],
    [
      'more than anybody would write',
      'POST',
      '/v1/alerts/show',
      `"${'a'.repeat(2 << 20)}"`,
      'ARGUMENT_INVALID',
    ],
    ['another operation', 'POST', '/v1/query', '"SELECT 1"', 'CONTROL_UNKNOWN'],
  ])('refuses %s before the store sees it', async (_what, method, path, body, code) => {
    expect(await send(method, path, body)).toMatchObject({ status: 422, body: { code } });
    expect(store.asked).toEqual([]);
  });

  test.each([
    [
      'show',
      "0' OR 1",
      `ID "0' OR 1": expected up to 32 hexadecimal digits, the id of an alert or the beginning of one`,
    ],
    ['act', { reason: '', action: 'close' }, '--reason "": expected a text that is not empty'],
    ['act', { action: 'comment' }, '--reason (none): expected a text that is not empty'],
    ['act', { action: 'assign', assignee: ' ' }, '--to " ": expected who is to look into it'],
    ['act', { actor: '' }, '--by "": expected who acts'],
    ['list', { who: 'a'.repeat(10_001) }, `--who "${'a'.repeat(59)}…: expected at most 10,000 characters`],
  ])(
    'says what of %s %j is wrong, under the name that its command line has for it',
    async (what, given, message) => {
      const action = { alertId: 'a', action: 'acknowledge', actor: 'anne' };
      const body = what === 'act' ? { ...action, ...(given as object) } : given;
      const { body: answer } = await send('POST', `/v1/alerts/${what}`, JSON.stringify(body));
      expect(answer).toMatchObject({ code: 'ARGUMENT_INVALID', message });
    },
  );

  test.each([
    ['has not asked anything', ''],
    ['has sent half a line', 'POST /v1/ale'],
    ['has sent half a question', question(20)],
  ])(
    'is closed under a client that %s',
    async (_what, sent) => {
      const client = connect(control.path);
      await once(client, 'connect');
      client.on('error', () => {});
      client.write(sent);
      // Answered after what the one above sent was read.
      await ownerOf(folder);
      await Promise.all([control.close(), once(client, 'close')]);
      expect(store.asked).toEqual([]);
    },
    4000,
  );

  test('is closed under a client that does not take its answer', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    store.before = held;
    store.answer = ['a'.repeat(8 << 20)];
    const client = connect(control.path);
    client.pause().write(question(2));
    while (store.asked.length === 0) await ownerOf(folder);
    const closed = control.close();
    release();
    await closed;
    client.destroy();
  }, 9000);

  test('answers what it was asked before it is closed', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    store.before = held;
    const answered = send('POST', '/v1/alerts/list', '{}');
    while (store.asked.length === 0) await ownerOf(folder);
    const closed = control.close();
    setTimeout(release, 20);
    expect(await answered).toEqual({ status: 200, body: [] });
    await closed;
  });

  test('tells whoever asked what the database does not answer in time that it stops, rather than hang up', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    store.before = held;
    const client = (await controlClient(folder))!;
    const asked = client.list({ status: 'firing', limit: 3 });
    while (store.asked.length === 0) await ownerOf(folder);
    const closed = control.close();
    await expect(asked).rejects.toMatchObject({
      code: 'CONTROL_STOPPING',
      message: 'the running process stops and did not wait longer for the database',
      retryable: true,
    });
    await closed;
    // What the database says after all is nobody's any more.
    release();
    await held;
  }, 9000);

  test('is gone when it is closed, and then nobody holds the folder', async () => {
    await control.close();
    expect(readdirSync(folder)).toEqual([]);
    expect(await ownerOf(folder)).toBeUndefined();
    expect(await controlClient(folder)).toBeUndefined();
  });

  test('a process of another release is named, and neither half understood nor called a defect', async () => {
    await control.close();
    const former = createServer((asked, response) => {
      response.end(JSON.stringify(asked.url === '/v1/owner' ? { pid: 7, command: 'run', startedAt: 0 } : []));
    });
    await new Promise<void>((done) => former.listen(control.path, done));
    await expect(controlClient(folder)).rejects.toMatchObject({
      code: 'CONTROL_RELEASE',
      message: expect.stringContaining('process 7 (run)') as unknown,
      remedy: expect.stringContaining('Restart it') as unknown,
    });
    expect(await ownerOf(folder)).toMatchObject({ pid: 7 });
    await new Promise((done) => former.close(done));
  });

  test('what is asked and answered has changed when its format has, which two releases know each other by', () => {
    const names = [
      ...[alertFilterSchema, untoldQuestionSchema, actionSchema, readsQuestionSchema, huntQuestionSchema].map(
        ({ shape }) => Object.keys(shape),
      ),
      Object.keys({ ...alertFixture({}), ...UNTOUCHED }).toSorted(),
    ];
    const hash = createHash('sha256').update(names.join());
    // Another hash here needs another CONTROL_FORMAT.
    expect([CONTROL_FORMAT, hash.digest('hex').slice(0, 8)]).toEqual([2, 'a39dcd17']);
  });

  test('something else that listens there is not taken for Vigie', async () => {
    await control.close();
    const stranger = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((done) => stranger.listen(control.path, done));
    await expect(controlClient(folder)).rejects.toMatchObject({ code: 'CONTROL_FAILED' });
    await new Promise((done) => stranger.close(done));
  });
});

test('what the record of a former process names is only taken away where it is such a socket', async () => {
  await control.close();
  const mine = mkdtempSync(join(tmpdir(), 'vigie-mine-'));
  const file = join(mine, 'control.sock');
  writeFileSync(file, 'no socket');
  for (const named of [file, join(mine, 'other'), join(mine, 'deeper', 'control.sock')]) {
    writeFileSync(join(folder, 'control.path'), `${named}\n`);
    control = await startControl({ dataDir: folder, store, command: 'run', clock });
    await control.close();
    expect(existsSync(join(folder, 'control.path'))).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('no socket');
  }
  rmSync(mine, { recursive: true });
});
