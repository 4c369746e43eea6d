/**
 * `vigie notify` beside a service, with a receiver on this machine: each alert is told of once when all is well, and
 * again and again until it is taken when it is not.
 */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import {
  cleanUp,
  type Env,
  listAlerts,
  type Running,
  start,
  succeed,
  temporaryFolder,
  until,
  vigie,
} from '../support/cli.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import type { AlertView } from '../../src/sink/alert-store.ts';
import { ALL_RULES, BURST_RULE, event } from '../unit/cli/fixtures.ts';

/** Three reads of an account within ten seconds. */
const rules = temporaryFolder();
writeFileSync(join(rules, 'rules.yml'), ALL_RULES);

const BURST = '11111111-0000-4000-8000-000000000003';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

interface Received {
  readonly id: string;
  readonly type: string;
  readonly text: string;
  readonly data: Partial<AlertView>;
}

/** Takes what it is sent, or answers with `status`. */
class Receiver {
  readonly taken: Received[] = [];
  tries = 0;
  status: (received: Received) => number | Promise<number> = () => 204;
  /** Headers of its answers. */
  headers: Record<string, string> = {};
  readonly #server = createServer((request, response) => {
    void this.#receive(request).then((status) => response.writeHead(status, this.headers).end());
  });

  async env(): Promise<Env> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    return { VIGIE_WEBHOOK_URL: `http://127.0.0.1:${port}/hooks/marked-path`, VIGIE_WEBHOOK_SECRET: SECRET };
  }

  async #receive(request: IncomingMessage): Promise<number> {
    const received = {
      id: String(request.headers['webhook-id']),
      ...(JSON.parse(await text(request)) as Omit<Received, 'id'>),
    };
    this.tries += 1;
    const status = await this.status(received);
    if (status < 300) this.taken.push(received);
    return status;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const receivers: Receiver[] = [];
function receiver(): Receiver {
  const made = new Receiver();
  receivers.push(made);
  return made;
}

afterAll(async () => {
  for (const each of receivers) each.close();
  await cleanUp();
});

/** A service with one alert per account. */
async function serviceWith(
  accounts: readonly string[],
  inForce = rules,
): Promise<{ dataDir: string; running: Running }> {
  const dataDir = temporaryFolder();
  const running = start(['run', '--input', '-', '--rules', inForce, '--data-dir', dataDir]);
  await running.address();
  running.stdin.write(reads(accounts));
  await until(async () => (await listAlerts(dataDir)).length === accounts.length);
  return { dataDir, running };
}

let from = 0;
function reads(accounts: readonly string[]): string {
  from += 1000;
  return accounts.flatMap((id) => [0, 1, 2].map((i) => read(i, id))).join('');
}

/** So many seconds after the first of the last reads. */
function read(second: number, id: string): string {
  return event(from + second, 'record-view', {
    event: { id: `${from}-${id}-${second}`, action: 'record-view' },
    user: { id },
    service: { name: 'k' },
  });
}

/** Accounts that were told of, in order. */
function groups({ taken }: Receiver, type: string): string[] {
  const told = taken.filter((each) => each.type === type).map(({ data }) => data.group!['user.id']!);
  return told.toSorted((a, b) => a.localeCompare(b));
}

describe('vigie notify', () => {
  test('sends an alert that nobody acknowledges once more, and no other', async () => {
    const { dataDir } = await serviceWith(['a', 'b', 'c', 'd']);
    const to = receiver();
    const env = await to.env();
    const round = ['notify', '--once', '--data-dir', dataDir];
    const look = async (remind: string): Promise<void> => {
      expect(await vigie([...round, '--remind', remind], env)).toMatchObject({ code: 0 });
    };
    await look('never');
    const idOf = (account: string): string =>
      to.taken.find(({ data }) => data.group!['user.id'] === account)!.data.alertId!;
    await succeed(['alerts', '--data-dir', dataDir, 'ack', idOf('a')]);
    await succeed(['alerts', '--data-dir', dataDir, 'close', idOf('b'), '--reason', 'an export']);
    await look('1h');
    expect(groups(to, 'alert.unacknowledged')).toEqual([]);
    for (let i = 0; i < 2; i += 1) {
      await look('1s');
      expect(groups(to, 'alert.unacknowledged')).toEqual(['c', 'd']);
    }
  }, 90_000);

  test('sends each alert once when it opens and once when it is resolved, and records both', async () => {
    const { dataDir, running } = await serviceWith(['a', 'b']);
    const to = receiver();
    const notify = start(
      ['notify', '--every', '1s', '--http-port', '0', '--data-dir', dataDir],
      await to.env(),
    );
    await until(async () => to.taken.length === 2);
    // Long after the episodes of both.
    running.stdin.write(reads(['c']));
    running.stdin.write(event(from + 500, 'login'));
    await until(async () => groups(to, 'alert.resolved').length === 3);
    expect(groups(to, 'alert.opened')).toEqual(['a', 'b', 'c']);
    expect(groups(to, 'alert.resolved')).toEqual(['a', 'b', 'c']);
    expect(new Set(to.taken.map(({ id }) => id)).size).toBe(6);
    expect(await notify.metric('vigie_notifications_total{kind="opened"}')).toBe(3);
    expect(await notify.signal('SIGTERM')).toMatchObject({ code: 0 });
    const { alertId } = to.taken[0]!.data;
    expect(await succeed(['alerts', '--data-dir', dataDir, 'show', alertId!])).toContain(
      'vigie notify: notify: opened',
    );
    // Another one, after a restart say, has nothing to tell.
    expect(
      (await vigie(['notify', '--once', '--data-dir', dataDir], await receiver().env())).stderr,
    ).toContain('0 notifications sent');
  }, 60_000);

  test('sends the end of every alert that it sent: long ago, inhibited by now, or of a level no longer asked for', async () => {
    const more = temporaryFolder();
    const six = BURST_RULE.replaceAll('Three', 'Six').replace('000003', '000004').replace('gte: 3', 'gte: 6');
    writeFileSync(join(more, 'rules.yml'), `${ALL_RULES}\n---${six}vigie.inhibits: [${BURST}]\n`);
    const { dataDir, running } = await serviceWith(['a'], more);
    const to = receiver();
    const env = await to.env();
    const tell = (...args: string[]): ReturnType<typeof vigie> =>
      vigie(['notify', '--once', '--data-dir', dataDir, ...args], env);
    await tell();
    // The theft goes on, so that a more telling alert stands above, and is over.
    running.stdin.write([3, 4, 5].map((i) => read(i, 'a')).join(''));
    running.stdin.write(event(from + 500, 'login'));
    await until(async () => (await listAlerts(dataDir, '--status', 'resolved')).length === 2);
    expect(await listAlerts(dataDir, '--top')).toHaveLength(1);
    expect(await tell('--max-age', '0s', '--level', 'critical')).toMatchObject({ code: 0 });
    // Nobody need acknowledge what is below another.
    expect(await tell('--level', 'critical', '--remind', '1s')).toMatchObject({ code: 0 });
    expect(to.taken.map(({ type, data }) => [type, data.rule])).toEqual([
      ['alert.opened', BURST],
      ['alert.resolved', BURST],
    ]);
  }, 60_000);

  test('sends the end of an alert that was merged into another one', async () => {
    const { dataDir, running } = await serviceWith(['a']);
    const to = receiver();
    const env = await to.env();
    const tell = (): ReturnType<typeof vigie> => vigie(['notify', '--once', '--data-dir', dataDir], env);
    // Another burst, apart from the first; and what joins the two, late.
    running.stdin.write([25, 26, 27].map((i) => read(i, 'a')).join(''));
    await until(async () => (await listAlerts(dataDir)).length === 2);
    await tell();
    running.stdin.write([9, 10, 11, 17, 18, 19].map((i) => read(i, 'a')).join(''));
    await until(async () => (await listAlerts(dataDir)).length === 1);
    await tell();
    const [survivor] = await listAlerts(dataDir);
    expect(to.taken.map(({ type }) => type)).toEqual(['alert.opened', 'alert.opened', 'alert.resolved']);
    const { data, text } = to.taken[2]!;
    expect(data.mergedInto).toBe(survivor!.alertId);
    expect(text).toContain(`high, part of ${survivor!.alertId.slice(0, 8)}: `);
  }, 60_000);

  test('loses nothing while the receiver is away, and never shows where it is', async () => {
    const { dataDir } = await serviceWith(['a', 'b']);
    const to = receiver();
    to.status = () => 503;
    const notify = start(
      ['notify', '--every', '1s', '--http-port', '0', '--data-dir', dataDir],
      await to.env(),
    );
    await notify.logged(({ code }) => code === 'WEBHOOK_FAILED');
    await until(async () => (await notify.get('/readyz')).status === 503);
    expect(await notify.metric('vigie_notification_failures_total{code="WEBHOOK_FAILED"}')).toBeGreaterThan(
      0,
    );
    to.status = () => 204;
    await until(async () => to.taken.length === 2);
    await notify.logged(({ msg }) => msg === 'can notify again');
    const { stderr } = await notify.signal('SIGTERM');
    expect(stderr).not.toContain('marked-path');
    expect(stderr).not.toContain('MfKQ9r8G');
  }, 60_000);

  test('says each reason why it cannot notify once, also one that comes while another still keeps it back', async () => {
    const server = await startClickHouse();
    // Nobody made its tables: whatever is asked of it fails.
    const env = {
      CLICKHOUSE_URL: server.url,
      CLICKHOUSE_USER: server.username,
      CLICKHOUSE_PASSWORD: server.password,
    };
    const to = receiver();
    const where = await to.env();
    const args = ['notify', '--every', '1s', '--http-port', '0'];
    const notify = start(args, { ...env, ...where, CLICKHOUSE_DATABASE: 'nobody_made_it' });
    try {
      const failures = 'vigie_notification_failures_total{code="CLICKHOUSE_SCHEMA"}';
      await until(async () => ((await notify.metric(failures)) ?? 0) >= 4);
    } finally {
      await notify.signal('SIGTERM');
      await server.stop();
    }
    expect(notify.logs.filter(({ code }) => code === 'CLICKHOUSE_SCHEMA')).toHaveLength(1);

    const { dataDir } = await serviceWith(['a']);
    to.status = () => (to.tries <= 2 ? 503 : to.tries <= 4 ? 401 : 204);
    const again = start([...args, '--data-dir', dataDir], where);
    await again.logged(({ msg }) => msg === 'can notify again');
    await again.signal('SIGTERM');
    const reasons = again.logs.filter(({ code }) => code === 'WEBHOOK_FAILED').map(({ reason }) => reason);
    expect(reasons).toEqual([expect.stringMatching(/503$/), expect.stringMatching(/401$/)]);
  }, 60_000);

  test('sends the others if the receiver refuses one', async () => {
    const { dataDir } = await serviceWith(['a', 'b', 'c']);
    const to = receiver();
    to.status = ({ data }) => (data.group!['user.id'] === 'a' ? 422 : 200);
    const { code, stderr } = await vigie(['notify', '--once', '--data-dir', dataDir], await to.env());
    expect(groups(to, 'alert.opened')).toEqual(['b', 'c']);
    expect(stderr).toContain('WEBHOOK_REFUSED');
    expect(code).toBe(1);
  }, 60_000);

  test('sends no alerts below the level and no old ones, and does not follow redirects', async () => {
    const { dataDir } = await serviceWith(['a']);
    const to = receiver();
    const env = await to.env();
    for (const args of [
      ['--level', 'critical'],
      ['--max-age', '0s'],
    ]) {
      const { code } = await vigie(['notify', '--once', '--data-dir', dataDir, ...args], env);
      expect(code).toBe(0);
    }
    expect(to.tries).toBe(0);
    to.status = () => 302;
    expect((await vigie(['notify', '--once', '--data-dir', dataDir], env)).code).toBe(1);
    expect(to.tries).toBe(1);
  }, 60_000);

  test('ends while a receiver keeps it waiting, and does not say that it can notify again', async () => {
    const { dataDir } = await serviceWith(['a']);
    const to = receiver();
    to.status = () => (to.tries === 1 ? 503 : new Promise(() => undefined));
    const notify = start(
      ['notify', '--every', '1s', '--http-port', '0', '--data-dir', dataDir],
      await to.env(),
    );
    await until(async () => to.tries === 2);
    expect(await notify.signal('SIGTERM')).toMatchObject({ code: 0 });
    expect(notify.logs.map(({ msg }) => msg)).toEqual(['running', 'cannot notify: trying again', 'stopped']);
  }, 60_000);

  test('does not say that it can notify again while the receiver has asked it to wait', async () => {
    const { dataDir } = await serviceWith(['a']);
    const to = receiver();
    to.status = () => 503;
    to.headers = { 'retry-after': '2' };
    const notify = start(
      ['notify', '--every', '1s', '--http-port', '0', '--data-dir', dataDir],
      await to.env(),
    );
    await until(async () => (await notify.get('/readyz')).status === 503);
    while (to.tries < 3) {
      expect((await notify.get('/readyz')).status).toBe(503);
      await delay(200);
    }
    to.status = () => 204;
    await notify.logged(({ msg }) => msg === 'can notify again');
    expect(groups(to, 'alert.opened')).toEqual(['a']);
    await notify.signal('SIGTERM');
    expect(notify.logs.filter(({ msg }) => msg === 'can notify again')).toHaveLength(1);
  }, 60_000);

  test('tries the receiver without an alert', async () => {
    const to = receiver();
    const { code } = await vigie(['notify', '--test'], await to.env());
    expect(to.taken).toMatchObject([{ type: 'vigie.test' }]);
    expect(code).toBe(0);
  });

  test('is refused without the address of a receiver', async () => {
    const { code, stderr } = await vigie(['notify', '--once'], {});
    expect(stderr).toContain('vigie: WEBHOOK_MISSING: ');
    expect(code).toBe(1);
  });
});
