/**
 * One port for monitoring the process: /metrics for Prometheus, /healthz (the process is alive: restart it if this
 * fails) and /readyz (it reads its source and can store alerts: page somebody if this fails).
 */

import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Registry } from 'prom-client';
import { messageOf, VigieError } from '../errors.ts';

export interface MetricsServerOptions {
  readonly registry: Registry;
  /** Why the process is not ready, one sentence each; default: it is. */
  readonly notReady?: () => readonly string[];
  /** Called before every scrape. */
  readonly onScrape?: () => void;
  /** Default 127.0.0.1: a detector's metrics are not exposed unless somebody asks for it. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** Most simultaneous connections: a scraper and a few people. */
const MOST_CONNECTIONS = 64;

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Throws VigieError PORT_IN_USE, or HTTP_LISTEN_FAILED if listening fails for another reason. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { registry, notReady, onScrape, port, host = '127.0.0.1' } = options;
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(response, 405, 'text/plain', 'only GET and HEAD\n');
      return;
    }
    switch (request.url?.split('?', 1)[0]) {
      case '/metrics':
        onScrape?.();
        void sendMetrics(response, registry);
        return;
      case '/healthz':
        send(response, 200, 'application/json', '{"status":"alive"}\n');
        return;
      case '/readyz': {
        const reasons = notReady?.() ?? [];
        const ready = reasons.length === 0;
        const body = JSON.stringify({ status: ready ? 'ready' : 'not ready', reasons });
        send(response, ready ? 200 : 503, 'application/json', `${body}\n`);
        return;
      }
      default:
        send(response, 404, 'text/plain', 'there are /metrics, /healthz and /readyz\n');
    }
  });
  // A client that sends thousands of requests on one connection without reading would have all answers built and held
  // in memory at once.
  server.maxRequestsPerSocket = 1;
  giveWay(server);
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, done);
  }).catch((error: unknown) => {
    throw listenFailure(error, host, port);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/**
 * Beyond the limit, the oldest connection is closed. Each holds a file descriptor, and anybody who can connect could
 * exhaust those that the process needs for its input, its database and its state. A scrape is over long before its
 * connection is the oldest.
 */
function giveWay(server: Server): void {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    if (connections.size <= MOST_CONNECTIONS) return;
    const [oldest] = connections;
    connections.delete(oldest!);
    oldest!.destroy();
  });
}

async function sendMetrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    send(response, 200, registry.contentType, await registry.metrics());
  } catch (error) {
    send(response, 500, 'text/plain', `${messageOf(error)}\n`);
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function listenFailure(error: unknown, host: string, port: number): VigieError {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return new VigieError('PORT_IN_USE', `port ${port} on ${host} is taken by another process`, {
      remedy: 'Choose another with VIGIE_HTTP_PORT (0 takes any free one), or stop that process.',
      cause: error,
    });
  }
  return new VigieError('HTTP_LISTEN_FAILED', `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
    remedy: 'Set VIGIE_HTTP_HOST to an address of this machine and VIGIE_HTTP_PORT to a port it may use.',
    cause: error,
  });
}
