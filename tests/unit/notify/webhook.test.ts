import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { webhook } from '../../../src/notify/webhook.ts';

const NOW = Date.parse('2025-07-12T21:00:00Z');

const asked: readonly [header: string | undefined, waitMs: number | undefined][] = [
  ['30', 30_000],
  ['Sat, 12 Jul 2025 21:02:00 GMT', 120_000],
  ['Sat, 12 Jul 2025 20:00:00 GMT', undefined],
  ['0', undefined],
  ['soon', undefined],
  [undefined, undefined],
];

test('a failure says how long the receiver asks to be left alone, as seconds or a date', async () => {
  let header: string | undefined;
  const server = createServer((_, response) => {
    response.writeHead(429, header === undefined ? {} : { 'retry-after': header }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clock = { now: () => NOW, elapsed: () => 0 };
  const deliver = webhook({ url: `http://127.0.0.1:${port}/`, secret: undefined, clock });
  try {
    for (const [given, waitMs] of asked) {
      header = given;
      await expect(
        deliver({ id: 'a-opened', body: '{}' }, new AbortController().signal),
      ).rejects.toMatchObject({ code: 'WEBHOOK_FAILED', retryAfterMs: waitMs });
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a port that fetch never asks is named, instead of a receiver that does not answer', async () => {
  const deliver = webhook({ url: 'http://127.0.0.1:10080/hook', secret: undefined, clock: systemClock });
  const told = deliver({ id: 'a-opened', body: '{}' }, new AbortController().signal);
  await expect(told).rejects.toMatchObject({
    code: 'WEBHOOK_FAILED',
    message:
      '127.0.0.1:10080 cannot be reached: this port is kept for another protocol, and never asked (Fetch standard, bad ports)',
  });
});
