/** How the service fails to start: nothing stays open, nothing was read. The working service: tests/integration. */

import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { runService } from '../../../src/service/service.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { MemorySource } from '../../../src/source/memory-source.ts';
import type { Source } from '../../../src/source/source.ts';
import { ALL_RULES } from '../cli/fixtures.ts';

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** A source that must not be read, and says whether it is open. */
class UnreadSource extends MemorySource {
  open = true;

  constructor() {
    super([], 'unread');
  }

  override read(): never {
    return expect.fail('the source was read');
  }

  override close(): Promise<void> {
    this.open = false;
    return super.close();
  }
}

function startOn(port: number, dataDir: string, source: Source): Promise<unknown> {
  return runService(
    {
      config: loadConfig({}, { http_port: port, data_dir: dataDir }),
      ruleSet: parseRules([{ file: 'rules.yml', text: ALL_RULES }]),
      ruleLoadMs: 1,
      pseudonymKey: new Uint8Array(16),
      version: '0.0.0',
      command: 'test',
      logger: pino({ level: 'silent' }),
      clock: systemClock,
      openSource: () => source,
    },
    new AbortController().signal,
  );
}

describe('a service that cannot start', () => {
  test('because its port is taken has looked at nothing else', async () => {
    const holder = await listen(0);
    const { port } = holder.address() as AddressInfo;
    await expect(startOn(port, '/dev/null/data', new UnreadSource())).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
    await close(holder);
  });

  test('because its data folder is none closes its source unread and gives its port back', async () => {
    const source = new UnreadSource();
    const free = await listen(0);
    const { port } = free.address() as AddressInfo;
    await close(free);
    await expect(startOn(port, '/dev/null/data', source)).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
    });
    expect(source.open).toBe(false);
    await close(await listen(port));
  });
});
