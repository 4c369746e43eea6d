/** What the sink asks of a server, as whatever stands before it sees it. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ClickHouseSink } from '../../../src/sink/clickhouse-sink.ts';
import { openClickHouse } from '../../../src/sink/client.ts';

test('no request line is longer than proxies take, however many alerts are asked for', async () => {
  const lines: number[] = [];
  const server = createServer((request, response) => {
    lines.push(`${request.method} ${request.url} HTTP/1.1`.length);
    request.resume();
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const clickHouse = await openClickHouse({
    url: `http://127.0.0.1:${port}`,
    database: 'a_database_with_a_long_name',
    dataDir: '',
  });
  const sink = new ClickHouseSink(clickHouse);
  await sink.stored(Array.from({ length: 1000 }, (_, i) => String(i).padStart(32, '0')));
  await sink.close();
  await new Promise((done) => server.close(done));
  expect(lines).not.toEqual([]);
  expect(Math.max(...lines)).toBeLessThan(8192);
});
