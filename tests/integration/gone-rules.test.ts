/** An alert whose rule is another one or not there any more after a restart gets an end, and no other one does. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createMetrics } from '../../src/metrics/registry.ts';
import { GoneRules } from '../../src/service/gone-rules.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import { type ClickHouse, openClickHouse } from '../../src/sink/client.ts';
import { RuleRecord } from '../../src/sink/rule-record.ts';
import { alertFixture } from '../support/alert-fixture.ts';
import { alertRows, cleanUp, start, succeed, temporaryFolder, until, vigie } from '../support/cli.ts';

afterAll(cleanUp);

const READS = `title: What is watched
name: watched
level: informational
logsource: {product: portal}
detection: {sel: {event.action: record-view}, condition: sel}
`;

const counting = (name: string, level = 'high'): string => `---
title: Title of ${name}
name: ${name}
level: ${level}
correlation: {type: event_count, rules: [watched], group-by: [user.id], timespan: 1m, condition: {gte: 2}}
`;

const line = (second: number, user: string): string =>
  `${JSON.stringify({
    '@timestamp': new Date(Date.UTC(2025, 6, 12, 20, 0, second)).toISOString(),
    event: { id: `e${second}-${user}`, action: 'record-view' },
    user: { id: user },
  })}\n`;

/** Rules by these keys, each with the hash of the alerts here. */
const keys = (...of: string[]): ReadonlyMap<string, string> =>
  new Map(of.map((key) => [key, alertFixture().ruleHash]));

/** Of each alert its rule, status and why. */
async function statesIn(dataDir: string): Promise<string[]> {
  const rows = await alertRows(dataDir);
  return rows
    .map(({ rule, status, resolution }) => [rule, status, resolution].map(String).join(' '))
    .toSorted();
}

describe('in the embedded database, after a start with other rules', () => {
  const folder = temporaryFolder();
  const data = join(folder, 'data');
  const rules = join(folder, 'rules.yml');
  const log = join(folder, 'log.ndjson');
  const args = ['run', '--input', log, '--rules', rules, '--data-dir', data];
  const states = () => statesIn(data);
  const ofB = async () =>
    (await alertRows(data)).filter(({ group_fields: group }) => JSON.stringify(group).includes('"b"'));

  test('the alert of a rule that was renamed is resolved as rule_gone, and that of one that stayed is not', async () => {
    writeFileSync(log, line(0, 'a') + line(1, 'a'));
    writeFileSync(rules, READS + counting('stays') + counting('old_name'));
    await succeed(args);
    expect(await states()).toEqual(['old_name firing ', 'stays firing ']);
    const before = (await alertRows(data)).find(({ rule }) => rule === 'old_name');
    writeFileSync(rules, READS + counting('stays') + counting('new_name'));
    const second = start(args);
    expect(await second.message('alert resolved: Title of old_name')).toMatchObject({
      rule: 'old_name',
      status: 'resolved',
      resolution: 'rule_gone',
    });
    expect(await second.ended).toMatchObject({ code: 0 });
    expect(await states()).toEqual(['new_name firing ', 'old_name resolved rule_gone', 'stays firing ']);
    const after = (await alertRows(data)).find(({ rule }) => rule === 'old_name');
    expect(after).toEqual({
      ...before,
      status: 'resolved',
      resolution: 'rule_gone',
      version: Number(before!['version']) + 1,
    });
  });

  test('nothing is resolved by rules that cannot be loaded, or by none', async () => {
    writeFileSync(rules, READS + counting('stays').replace('gte: 2', 'gte: many'));
    expect(await vigie(args)).toMatchObject({ code: 1 });
    writeFileSync(rules, READS);
    expect(await vigie(args)).toMatchObject({ code: 0 });
    expect(await states()).toEqual(['new_name firing ', 'old_name resolved rule_gone', 'stays firing ']);
  });

  test('the alert goes on under its own id when its rule comes back and the alert grows', async () => {
    writeFileSync(rules, READS + counting('stays') + counting('old_name'));
    writeFileSync(log, line(0, 'a') + line(1, 'a') + line(2, 'a'));
    await succeed(args);
    expect(await states()).toEqual(['new_name resolved rule_gone', 'old_name firing ', 'stays firing ']);
  });

  test('the alert of a rule that was changed meanwhile is resolved as rule_changed, and goes on where it still finds it', async () => {
    const reads = Array.from({ length: 4 }, (_, second) => line(second, 'b'));
    writeFileSync(log, reads.slice(0, 3).join(''));
    writeFileSync(rules, READS + counting('stays') + counting('old_name'));
    await succeed(args);
    const shown = async () =>
      (await ofB()).map(({ rule, status, resolution }) => [rule, status, resolution].join(' ')).toSorted();
    expect(await shown()).toEqual(['old_name firing ', 'stays firing ']);
    // What only people read changes nothing.
    const stricter = (least: number) =>
      READS +
      counting('stays').replace('Title', 'Another title') +
      counting('old_name').replace('gte: 2', `gte: ${least}`);
    writeFileSync(rules, stricter(4));
    const second = start(args);
    await second.message('alert resolved: Title of old_name');
    expect(await second.ended).toMatchObject({ code: 0 });
    expect(await shown()).toEqual(['old_name resolved rule_changed', 'stays firing ']);
    writeFileSync(rules, stricter(3));
    writeFileSync(log, reads.join(''));
    await succeed(args);
    const rows = await ofB();
    expect(rows.filter(({ rule, status }) => rule === 'old_name' && status === 'firing')).toHaveLength(1);
  });

  test('a rule that alerts nobody any more counts as gone', async () => {
    writeFileSync(rules, READS + counting('stays') + counting('old_name', 'informational'));
    await succeed(args);
    expect(await states()).toContain('old_name resolved rule_gone');
  });
});

test('a rule that goes while the service runs resolves its alert as rule_gone, once', async () => {
  const folder = temporaryFolder();
  const rules = join(folder, 'rules.yml');
  writeFileSync(rules, READS + counting('stays') + counting('goes'));
  const data = join(folder, 'data');
  const running = start(['run', '--input', '-', '--rules', rules, '--data-dir', data], {
    VIGIE_RULES_INTERVAL: '0s',
  });
  running.stdin.write(line(0, 'a') + line(1, 'a'));
  await running.message('alert opened: Title of goes');
  writeFileSync(rules, READS + counting('stays'));
  process.kill(running.pid, 'SIGHUP');
  await running.message('rules reloaded');
  running.stdin.end(line(2, 'a'));
  expect(await running.ended).toMatchObject({ code: 0 });
  expect(await statesIn(data)).toEqual(['goes resolved rule_gone', 'stays firing ']);
  expect(running.logs.filter(({ msg }) => msg === 'alert resolved: Title of goes')).toHaveLength(1);
  // Known to be gone, and not gone again.
  const next = start(['run', '--input', '-', '--rules', rules, '--data-dir', data]);
  await until(async () => (await next.metric('vigie_ready')) === 1);
  next.stdin.end();
  expect(await next.ended).toMatchObject({ code: 0 });
  expect(next.logs.filter(({ msg }) => msg.startsWith('alert resolved'))).toEqual([]);
});

describe('the record of rules', () => {
  let folder: string;
  let clickHouse: ClickHouse;
  let sink: ClickHouseSink;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigie-data-'));
    clickHouse = await openClickHouse({ database: 'vigie', dataDir: folder });
    sink = new ClickHouseSink(clickHouse, { clock: systemClock });
    await sink.open();
  });
  afterEach(async () => {
    await sink.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const opened = (rule: string) => sink.writeAlerts([alertFixture({ rule, alertId: rule, version: 80 })]);

  test('gives no alert of a rule that another detector has, or that nobody is known to have had', async () => {
    await opened('a');
    await opened('b');
    await opened('unknown');
    const [one, other] = [new RuleRecord(clickHouse, 'one'), new RuleRecord(clickHouse, 'other')];
    await one.note(keys('a', 'kept'));
    await other.note(keys('a', 'b'));
    const left = { alerts: [], left: new Map([['a', ['other']]]) };
    expect(await one.orphans(keys('kept'))).toEqual(left);
    await one.note(keys('kept'));
    // Said once, as nobody knows of what was found since.
    expect(await one.orphans(keys('kept'))).toEqual({ alerts: [], left: new Map() });
    // The last that had it.
    const { alerts } = await other.orphans(keys('b'));
    expect(alerts.map(({ alertId }) => alertId)).toEqual(['a']);
  });

  test('goes on giving what was written after its end, by a process that had the rule for longer', async () => {
    const record = new RuleRecord(clickHouse, 'one');
    await record.note(keys('a', 'kept'));
    await record.note(keys('kept'));
    expect((await record.orphans(keys('kept'))).alerts).toEqual([]);
    await opened('a');
    expect((await record.orphans(keys('kept'))).alerts).toMatchObject([{ alertId: 'a', status: 'firing' }]);
  });

  test('gives what a rule found that decided otherwise, unless another detector may have it or it is not known', async () => {
    const [one, other] = [new RuleRecord(clickHouse, 'one'), new RuleRecord(clickHouse, 'other')];
    await one.note(keys('changed', 'shared', 'old'));
    await other.note(keys('shared'));
    await sink.writeAlerts(
      [
        ['changed', 'former'],
        ['changed', alertFixture().ruleHash],
        ['shared', 'former'],
        ['old', ''],
      ].map(([rule, ruleHash]) =>
        alertFixture({ rule: rule!, ruleHash: ruleHash!, alertId: `${rule} ${ruleHash}` }),
      ),
    );
    const { alerts, left } = await one.orphans(keys('changed', 'shared', 'old'));
    expect(alerts.map(({ alertId }) => alertId)).toEqual(['changed former']);
    // Both may have it, each in its own form.
    expect(left.size).toBe(0);
  });

  test('whose open alerts stay because a detector of before has their rule is said, until that one is noted as gone', async () => {
    await opened('a');
    await new RuleRecord(clickHouse, 'portal-access vigie').note(keys('a', 'kept'));
    // The same topic under another group, as a new key or another number of shards asks for.
    const record = new RuleRecord(clickHouse, 'portal-access vigie-2');
    await record.note(keys('a', 'kept'));
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ level: 'info' }, { write: (text: string) => lines.push(JSON.parse(text)) });
    const look = async () => {
      const gone = new GoneRules({
        record,
        ruleSet: parseRules([{ file: 'rules.yml', text: READS + counting('kept') }]),
        isClear: () => true,
        metrics: createMetrics('0'),
        logger,
        stop: new AbortController().signal,
      });
      gone.assigned([0]);
      await gone.close();
    };
    await look();
    expect(lines).toMatchObject([
      {
        code: 'RULE_ELSEWHERE',
        rule: 'a',
        detectors: ['portal-access vigie'],
        remedy: expect.stringContaining('docs/recovery.md'),
      },
    ]);
    const [, statement] = /```sql\n([^`]*)```/.exec(readFileSync('docs/recovery.md', 'utf8')) ?? [];
    await clickHouse.client.command({ query: statement!.trim().replace(/;$/, '') });
    await look();
    expect(lines.slice(1)).toMatchObject([{ rule: 'a', status: 'resolved', resolution: 'rule_gone' }]);
  });

  test('holds each rule once, however often it is noted', async () => {
    const record = new RuleRecord(clickHouse, 'one');
    for (let i = 0; i < 3; i += 1) await record.note(keys('a', 'b'));
    const result = await clickHouse.client.query({
      query: 'SELECT rule, in_force FROM vigie.rules_in_force ORDER BY rule',
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([
      { rule: 'a', in_force: true },
      { rule: 'b', in_force: true },
    ]);
  });
});
