/** `vigie run` takes changed rules while it reads: on SIGHUP and by itself; faulty ones change nothing but say so. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, listAlerts, start, temporaryFolder, until } from '../support/cli.ts';

const rulesOf = (action: string): string => `title: What is watched
name: watched
level: informational
logsource: {product: portal}
detection: {sel: {event.action: ${action}}, condition: sel}
---
title: One of what is watched
name: one
level: high
correlation: {type: event_count, rules: [watched], group-by: [user.id], timespan: 1m, condition: {gte: 1}}
`;

const EXPORTS = rulesOf('record-export').replace('One of what is watched', 'An export');

afterAll(cleanUp);

test.each([
  ['SIGHUP', '0s'],
  ['a changed file', '1s'],
])(
  'on %s the new rules are in force, and a faulty file changes nothing but what is said of it',
  async (by, interval) => {
    const folder = temporaryFolder();
    const data = join(folder, 'data');
    const rules = join(folder, 'rules.yml');
    writeFileSync(rules, rulesOf('record-view'));
    const args = ['run', '--input', '-', '--rules', rules, '--data-dir', data];
    const running = start(args, { VIGIE_RULES_INTERVAL: interval });
    let sent = 0;
    const send = async (user: string, action: string): Promise<void> => {
      sent += 1;
      const time = new Date(Date.UTC(2025, 6, 12, 20) + 1_000 * sent).toISOString();
      const line = { '@timestamp': time, event: { id: `e${sent}`, action }, user: { id: user } };
      running.stdin.write(`${JSON.stringify(line)}\n`);
      await until(async () => (await running.metric('vigie_events_consumed_total')) === sent);
    };
    const put = (text: string): void => {
      writeFileSync(rules, text);
      if (by === 'SIGHUP') process.kill(running.pid, 'SIGHUP');
    };
    await send('before', 'record-view');
    await send('not yet', 'record-export');
    put(EXPORTS);
    expect(await running.message('rules reloaded')).toMatchObject({ added: 0, changed: 2, removed: 0 });
    expect(await running.message('the rule began empty')).toMatchObject({
      code: 'RULE_WARMING_UP',
      rule: 'one',
      until: '2025-07-12T20:01:02.000Z',
    });
    expect(await running.metric('vigie_rule_warming_until_timestamp_seconds')).toBe(
      Date.UTC(2025, 6, 12, 20, 1, 2) / 1000,
    );
    await send('no more', 'record-view');
    await send('now', 'record-export');
    expect((await running.get('/metrics')).text.match(/^vigie_rule_info\{.*/gm)).toEqual([
      'vigie_rule_info{rule="watched",title="What is watched",level="informational",kind="rule"} 1',
      'vigie_rule_info{rule="one",title="An export",level="high",kind="correlation"} 1',
    ]);
    put(rulesOf('record-view').replace('gte: 1', 'gte: many'));
    expect(await running.message('rules refused')).toMatchObject({ file: rules, line: 10 });
    await running.message('the rules before stay in force');
    expect(await running.metric('vigie_rule_errors')).toBe(1);
    await send('still not', 'record-view');
    await send('still', 'record-export');
    put(EXPORTS);
    await running.message('rules read again');
    expect(await running.metric('vigie_rule_errors')).toBe(0);
    running.stdin.end();
    expect(await running.ended).toMatchObject({ code: 0 });
    const alerts = await listAlerts(data);
    const found = alerts.map(
      ({ group, status, resolution }) => `${group['user.id']} ${status} ${resolution}`,
    );
    expect(found.sort()).toEqual(['before resolved rule_changed', 'now firing ', 'still firing ']);
  },
  120_000,
);
