import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createMetrics } from '../../../src/metrics/registry.ts';
import { startMetricsServer } from '../../../src/metrics/server.ts';
import type { MetricsServer } from '../../../src/metrics/server.ts';

const servers: MetricsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(reasons: readonly string[] = [], port = 0): Promise<string> {
  const metrics = createMetrics('9.9.9');
  metrics.deadLetters.inc({ code: 'NOT_JSON' }, 3);
  const server = await startMetricsServer({
    registry: metrics.registry,
    notReady: () => reasons,
    onScrape: () => metrics.ready.set(reasons.length === 0 ? 1 : 0),
    port,
  });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

describe('the port for those who watch', () => {
  test('/metrics shows the metrics in the text format of Prometheus', async () => {
    const response = await fetch(`${await start()}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toContain('vigie_dead_letters_total{code="NOT_JSON"} 3');
    expect(text).toContain('vigie_ready 1');
    expect(text).toContain('vigie_build_info{version="9.9.9"');
  });

  test('a process that cannot detect is alive but not ready, and says why', async () => {
    const url = await start(['ClickHouse is unreachable']);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: 'not ready', reasons: ['ClickHouse is unreachable'] });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('vigie_ready 0');
  });

  test('a ready process says so', async () => {
    const response = await fetch(`${await start()}/readyz`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready', reasons: [] }]);
  });

  test('other paths and methods are refused', async () => {
    const url = await start();
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/healthz?probe=1`, { method: 'HEAD' })).status).toBe(200);
  });

  test('connections that are held open give way, and the scrape is answered', async () => {
    const url = await start();
    const held: Socket[] = [];
    for (let i = 0; i < 300; i += 1) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
      held.push(socket);
      await once(socket, 'connect');
      socket.resume();
    }
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    await vi.waitFor(() => expect(held.filter((socket) => !socket.closed).length).toBeLessThan(100), 10_000);
    for (const socket of held) socket.destroy();
  });

  test('requests sent without waiting for answers cost one answer, not thousands', async () => {
    const socket = connect(Number(new URL(await start()).port), '127.0.0.1');
    let answers = '';
    socket.on('data', (bytes) => (answers += String(bytes)));
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
    await once(socket, 'close');
    expect(answers.match(/^# HELP vigie_ready /gm)).toHaveLength(1);
  });

  test('a port that is taken is named with the setting that chooses another', async () => {
    const port = Number(new URL(await start()).port);
    await expect(start(undefined, port)).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(port)),
      remedy: expect.stringContaining('VIGIE_HTTP_PORT'),
    });
  });
});
