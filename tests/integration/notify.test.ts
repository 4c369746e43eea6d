/**
 * `vigie notify` beside a service, with a receiver on this machine: each alert is told of once when all is well, and
 * again and again until it is taken when it is not.
 */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
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
import { ALL_RULES, event } from '../unit/cli/fixtures.ts';

/** Three reads of an account within ten seconds. */
const rules = temporaryFolder();
writeFileSync(join(rules, 'rules.yml'), ALL_RULES);

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly alertId?: string; readonly group?: Record<string, string> };
}

/** Takes what it is sent, or answers with `status`. */
class Receiver {
  readonly taken: Received[] = [];
  tries = 0;
  status: (received: Received) => number = () => 204;
  readonly #server = createServer((request, response) => {
    void this.#receive(request).then((status) => response.writeHead(status).end());
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
    const status = this.status(received);
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
async function serviceWith(accounts: readonly string[]): Promise<{ dataDir: string; running: Running }> {
  const dataDir = temporaryFolder();
  const running = start(['run', '--input', '-', '--rules', rules, '--data-dir', dataDir]);
  await running.address();
  running.stdin.write(reads(accounts));
  await until(async () => (await listAlerts(dataDir)).length === accounts.length);
  return { dataDir, running };
}

let from = 0;
function reads(accounts: readonly string[]): string {
  from += 1000;
  return accounts
    .flatMap((id, a) =>
      [0, 1, 2].map((i) =>
        event(from + i, 'record-view', {
          event: { id: `${from}-${a}-${i}`, action: 'record-view' },
          user: { id },
          service: { name: 'k' },
        }),
      ),
    )
    .join('');
}

/** Accounts that were told of, in order. */
function groups({ taken }: Receiver, type: string): string[] {
  const told = taken.filter((each) => each.type === type).map(({ data }) => data.group!['user.id']!);
  return told.toSorted((a, b) => a.localeCompare(b));
}

describe('vigie notify', () => {
  test('tells of each alert once when it opens and once when it is resolved, and keeps that on record', async () => {
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

  test('tells of the others where the receiver takes one of them not', async () => {
    const { dataDir } = await serviceWith(['a', 'b', 'c']);
    const to = receiver();
    to.status = ({ data }) => (data.group!['user.id'] === 'a' ? 422 : 200);
    const { code, stderr } = await vigie(['notify', '--once', '--data-dir', dataDir], await to.env());
    expect(groups(to, 'alert.opened')).toEqual(['b', 'c']);
    expect(stderr).toContain('WEBHOOK_REFUSED');
    expect(code).toBe(1);
  }, 60_000);

  test('tells nobody of alerts below the level, of old ones, and of an address that it is sent on to', async () => {
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

  test('tries the receiver without an alert', async () => {
    const to = receiver();
    const { code } = await vigie(['notify', '--test'], await to.env());
    expect(to.taken).toMatchObject([{ type: 'vigie.test' }]);
    expect(code).toBe(0);
  });

  test('says that nobody is to be told, instead of looking busy', async () => {
    const { code, stderr } = await vigie(['notify', '--once'], {});
    expect(stderr).toContain('vigie: WEBHOOK_MISSING: ');
    expect(code).toBe(1);
  });
});
