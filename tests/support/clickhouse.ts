/**
 * A ClickHouse server for tests, wherever one is available: the one in `CLICKHOUSE_URL`, else a container, else the
 * real engine behind an imitation of its HTTP interface (clickhouse-http.ts).
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { startChild } from './child.ts';

export interface TestClickHouse {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly kind: 'given' | 'container' | 'imitation';
  stop(): Promise<void>;
}

const IMAGE = 'clickhouse/clickhouse-server:25.8';
const CREDENTIALS = { username: 'vigie', password: 'p4ss:w/rd' };

export async function startClickHouse(): Promise<TestClickHouse> {
  const url = process.env['CLICKHOUSE_URL'];
  if (url !== undefined && url !== '') {
    return {
      url,
      username: process.env['CLICKHOUSE_USER'] ?? 'default',
      password: process.env['CLICKHOUSE_PASSWORD'] ?? '',
      kind: 'given',
      stop: () => Promise.resolve(),
    };
  }
  const sockets = ['/var/run/docker.sock', join(homedir(), '.docker', 'run', 'docker.sock')];
  if (process.env['DOCKER_HOST'] !== undefined || sockets.some((socket) => existsSync(socket))) {
    try {
      return await startContainer();
    } catch (error) {
      console.warn(`no ClickHouse container, using the imitation: ${messageOf(error)}`);
    }
  }
  return startImitation();
}

/** Runs the engine in its own process; `port` if it has to be a certain one. */
export async function startImitation(port = 0): Promise<TestClickHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-clickhouse-'));
  const { username, password } = CREDENTIALS;
  const child = await startChild('clickhouse-http.ts', [folder, username, password, String(port)]);
  return {
    url: `http://127.0.0.1:${child.firstLine}`,
    ...CREDENTIALS,
    kind: 'imitation',
    async stop() {
      // The folder is discarded, so there is nothing to close in order.
      await child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startContainer(): Promise<TestClickHouse> {
  // Imported only here, as it takes a second.
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts(8123)
    .withEnvironment({
      CLICKHOUSE_USER: CREDENTIALS.username,
      CLICKHOUSE_PASSWORD: CREDENTIALS.password,
      CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: '1',
    })
    .withWaitStrategy(Wait.forHttp('/ping', 8123))
    .withStartupTimeout(120_000)
    .start();
  return {
    url: `http://${container.getHost()}:${container.getMappedPort(8123)}`,
    ...CREDENTIALS,
    kind: 'container',
    async stop() {
      await container.stop();
    },
  };
}
