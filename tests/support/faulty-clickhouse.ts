/**
 * A connection to ClickHouse that fails on demand: a proxy in front of the real engine, for failures that the engine
 * does not produce on its own.
 *
 * `cut`: the engine does what was asked, but its answer breaks off. `error`: ClickHouse answers that it lacks memory.
 * `denied`: it answers that the password is wrong. `page`: a proxy in between answers. `hang`: no answer. `slow`: the
 * right answer, late. `away`: nobody listens.
 */

import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';

export const FAULTS = ['away', 'error', 'denied', 'page', 'hang', 'slow', 'cut'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultyClickHouse {
  readonly url: string;
  /** Undefined: no fault. */
  fault: Fault | undefined;
  /** Number of requests that met a fault. */
  readonly met: number;
  close(): Promise<void>;
}

/** `slowMs`: delay of an answer under `slow`. */
export async function faultyClickHouse(target: string, slowMs: number): Promise<FaultyClickHouse> {
  let fault: Fault | undefined;
  let met = 0;
  const server = createServer((incoming, response) => {
    void answer(incoming, response).catch(() => response.destroy());
  });
  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const now = fault;
    if (now !== undefined) met += 1;
    const body = await buffer(incoming);
    switch (now) {
      case 'away':
        response.destroy();
        return;
      case 'hang':
        return;
      case 'error':
        response.writeHead(500, { 'x-clickhouse-exception-code': '241' });
        response.end('Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)');
        return;
      case 'denied':
        response.writeHead(403, { 'x-clickhouse-exception-code': '516' });
        response.end('Code: 516. DB::Exception: vigie: Authentication failed. (AUTHENTICATION_FAILED)');
        return;
      case 'page':
        response.writeHead(502).end('<html>Bad Gateway</html>');
        return;
      case 'slow':
        await delay(slowMs);
        break;
      case 'cut':
      case undefined:
        break;
    }
    const real = await forward(target, incoming, body);
    const text = await buffer(real);
    if (now !== 'cut') {
      response.writeHead(real.statusCode ?? 500, real.headers).end(text);
      return;
    }
    response.writeHead(real.statusCode ?? 500, { 'content-length': text.length + 100 });
    response.write(text.subarray(0, text.length / 2), () => response.destroy());
    response.flushHeaders();
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get fault() {
      return fault;
    },
    set fault(next) {
      fault = next;
      // A hanging request would otherwise hang on.
      server.closeAllConnections();
    },
    get met() {
      return met;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const { hostname, port } = new URL(target);
  // Sent on in one piece, however many pieces it came in.
  const { 'transfer-encoding': _pieces, ...headers } = incoming.headers;
  return new Promise((done, fail) => {
    const { method, url } = incoming;
    const sent = request({
      hostname,
      port,
      method,
      path: url,
      headers: { ...headers, 'content-length': body.length },
    });
    sent.once('response', done).once('error', fail).end(body);
  });
}
