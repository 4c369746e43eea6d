/** Chained rules through the real service: the database holds what `eval` reports, and no more. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, listAlerts, succeed, temporaryFolder } from '../support/cli.ts';

const RULES = `
title: Read
name: read
logsource: {category: application, product: portal}
detection:
  selection: {event.action: record-view}
  condition: selection
---
title: Burst
name: burst
correlation:
  type: event_count
  rules: [read]
  group-by: [user.id, source.ip]
  timespan: 1m
  condition: {gte: 3}
---
title: Several accounts burst from one address
name: campaign
correlation:
  type: value_count
  rules: [burst]
  group-by: [source.ip]
  timespan: 1h
  condition: {gte: 2, field: user.id}
---
title: Quiet at the end
name: quiet
correlation:
  type: event_count
  rules: [read]
  group-by: [user.id]
  timespan: 1m
  condition: {eq: 1}
`;

interface Told {
  readonly title: string;
  readonly crossedAt: number;
}

const order = (a: Told, b: Told): number => a.crossedAt - b.crossedAt || (a.title < b.title ? -1 : 1);

afterAll(cleanUp);

test('a run stores the alerts of the chain and of closing windows, and none of a rule that others only refer to', async () => {
  const folder = temporaryFolder();
  const rules = join(folder, 'rules.yml');
  writeFileSync(rules, RULES);
  const start = Date.UTC(2025, 6, 12, 21);
  const events = ['u-1', 'u-2'].flatMap((user, account) =>
    Array.from({ length: 3 }, (_, i) =>
      JSON.stringify({
        '@timestamp': new Date(start + account * 600_000 + i * 1000).toISOString(),
        event: { id: `${user}-${i}`, action: 'record-view' },
        user: { id: user },
        source: { ip: '203.0.113.7' },
      }),
    ),
  );
  const input = `${events.join('\n')}\n`;
  const dataDir = join(folder, 'data');
  await succeed(['run', '--input', '-', '--rules', rules, '--data-dir', dataDir], {}, input);
  const stored = (await listAlerts(dataDir)).map(({ title, group, crossedAt }) => ({
    title,
    group,
    crossedAt,
  }));
  const told = (await succeed(['eval', '--rules', rules, '--only', 'firing'], {}, input))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { title: string; group: object; time: string })
    .map(({ title, group, time }) => ({ title, group, crossedAt: Date.parse(time) }));
  expect(stored.toSorted(order)).toEqual(told.toSorted(order));
  expect(stored.map(({ title }) => title).toSorted()).toEqual([
    'Quiet at the end',
    'Quiet at the end',
    'Several accounts burst from one address',
  ]);
});
