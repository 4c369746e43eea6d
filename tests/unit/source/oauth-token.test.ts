/** How long a token of a server is used. That a broker takes it is in tests/integration/kafka-security.test.ts. */

import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tokenFromServer } from '../../../src/source/oauth-token.ts';

const LIFE_SECONDS = 100;

let server: Server;
let status: number;
let asked: number;
let nowMs: number;
let warned: (readonly [message: string, fields: Readonly<Record<string, unknown>>])[];
let token: () => Promise<string>;

beforeEach(async () => {
  [status, asked, nowMs, warned] = [200, 0, 0, []];
  server = createServer((request, response) => {
    request.resume();
    asked += 1;
    response.writeHead(status).end(JSON.stringify({ access_token: `t${asked}`, expires_in: LIFE_SECONDS }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const provider = tokenFromServer({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    clientId: 'vigie',
    clientSecret: 'marked-secret',
    scope: undefined,
    clock: { now: () => nowMs, elapsed: () => nowMs },
    log: (level, message, fields) => {
      if (level === 'warn') warned.push([message, fields]);
    },
  });
  token = async () => (await provider()).value;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('a token is asked for anew when four fifths of its life are over', async () => {
  expect(await token()).toBe('t1');
  nowMs = 79_999;
  expect(await token()).toBe('t1');
  nowMs = 80_000;
  expect(await token()).toBe('t2');
  expect(warned).toEqual([]);
});

test.each([
  [503, 'KAFKA_TOKEN_UNAVAILABLE'],
  [401, 'KAFKA_TOKEN_REFUSED'],
])(
  'while the server answers %i the old token is used to its end, with a warning, and not longer',
  async (failing, code) => {
    await token();
    status = failing;
    nowMs = 80_000;
    expect(await token()).toBe('t1');
    expect(warned).toEqual([
      [expect.stringContaining(` answers ${failing}`), expect.objectContaining({ code, endsInSeconds: 20 })],
    ]);
    // The next connection does not wait for the server once more.
    nowMs = 89_999;
    expect(await token()).toBe('t1');
    expect(asked).toBe(2);
    nowMs = 99_999;
    expect(await token()).toBe('t1');
    nowMs = 100_000;
    await expect(token()).rejects.toMatchObject({ code });
    status = 200;
    expect(await token()).toBe('t5');
    expect(JSON.stringify(warned)).not.toContain('marked-secret');
  },
);
