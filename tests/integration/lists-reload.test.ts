/** `vigie run` follows the files of its lookup lists while it reads: a sound one is taken, a faulty one is not. */

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, listAlerts, start, temporaryFolder, until } from '../support/cli.ts';

const RULES = `title: Read from a hosting network
name: hosted
level: informational
logsource: {product: portal}
vigie.only_listed: [hosting]
detection:
  sel: {event.action: record-view}
  condition: sel
---
title: One read from a hosting network
name: one
correlation:
  type: event_count
  rules: [hosted]
  group-by: [user.id]
  timespan: 1m
  condition: {gte: 1}
`;

afterAll(cleanUp);

test('events are judged by the rows of their moment, and a faulty file changes nothing but a counter', async () => {
  const folder = temporaryFolder();
  const lists = temporaryFolder();
  const data = join(folder, 'data');
  const rules = join(folder, 'rules.yml');
  writeFileSync(rules, RULES);
  const put = (text: string): void => {
    // As a careful exporter does, so that nobody sees half a file.
    writeFileSync(join(folder, 'new.csv'), text);
    renameSync(join(folder, 'new.csv'), join(lists, 'hosting.csv'));
  };
  put('source.as.number\n64500\n');
  const args = ['run', '--input', '-', '--rules', rules, '--lists', lists, '--data-dir', data];
  const running = start(args, { VIGIE_LISTS_INTERVAL: '1s' });
  let sent = 0;
  const read = async (user: string, number: number): Promise<void> => {
    sent += 1;
    const event = {
      '@timestamp': new Date(Date.UTC(2025, 6, 12, 20) + 1_000 * sent).toISOString(),
      event: { id: `e${sent}`, action: 'record-view' },
      user: { id: user },
      source: { as: { number } },
    };
    running.stdin.write(`${JSON.stringify(event)}\n`);
    await until(async () => (await running.metric('vigie_events_consumed_total')) === sent);
  };
  await read('before', 64501);
  put('source.as.number\n64500\n64501\n');
  expect(await running.message('lookup list replaced')).toMatchObject({ list: 'hosting', rows: 2 });
  expect(await running.metric('vigie_list_rows')).toBe(2);
  await read('after', 64501);
  put('source.as.number\n10.0.0.1/8\n');
  expect(await running.message('lookup list refused')).toMatchObject({
    code: 'BAD_CIDR',
    list: 'hosting',
    file: join(lists, 'hosting.csv'),
    line: 2,
  });
  expect(await running.metric('vigie_list_refusals_total')).toBe(1);
  await read('still', 64501);
  running.stdin.end();
  expect(await running.ended).toMatchObject({ code: 0 });
  const alerts = await listAlerts(data);
  expect(alerts.map(({ group }) => String(group['user.id'])).sort()).toEqual(['after', 'still']);
}, 120_000);
