/**
 * Canaries through the service as it runs: seen where the rules are as they should be, missed where somebody has changed
 * them, and never in the way of operators.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import {
  cleanUp,
  type Env,
  listAlerts,
  parseLines,
  type Running,
  start,
  temporaryFolder,
  until,
  vigie,
} from '../support/cli.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { createTopic, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { ScaledOut } from '../support/scaled-out.ts';
import { ALL_RULES, BURST_RULE } from '../unit/cli/fixtures.ts';

const KEY: Env = { VIGIE_CANARY_KEY: '00112233445566778899aabbccddeeff' };
const BURST = '11111111-0000-4000-8000-000000000003';
const TESTS = `rule: ${BURST}
tests:
  - name: fires at the third read
    events:
      - {repeat: 3, from: 2025-07-12T20:00:00Z, every: 1s, event: {event.action: record-view, user.id: u, service.name: k}}
    fires: [{at: 2025-07-12T20:00:02Z}]
`;

/** A folder with the rules and their tests; the burst rule as `burst` has it. */
function rulesFolder(burst = BURST_RULE): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'rules.yml'), ALL_RULES.replace(BURST_RULE, burst));
  writeFileSync(join(folder, 'burst.tests.yml'), TESTS);
  return folder;
}

const right = rulesFolder();
/** As in July 2025: there is a detector, and its threshold is out of reach. */
const misconfigured = rulesFolder(BURST_RULE.replace('gte: 3', 'gte: 300'));

afterAll(cleanUp);

/** By account in a chain, by address, by organisation, and one that waits for event time. */
const SCALED = ['by account, twice', 'by address', 'by organisation', 'a few and no more'];

function counted(title: string, of: string, by: string, gte: number): string {
  return `---
title: ${title}
level: high
correlation: {type: event_count, rules: [${of}], group-by: [${by}], timespan: 1m, condition: {gte: ${gte}}}
vigie.tests:
  - name: fires
    events:
      - {repeat: 6, from: 2025-07-12T20:00:00Z, every: 1s, event: {event.action: record-view, user.id: u, source.ip: 203.0.113.9, organization.id: o}}
    fires: [{at: 2025-07-12T20:00:02Z}]
`;
}

function scaledRulesFolder(): string {
  const folder = temporaryFolder();
  const read = `title: Read
name: read
level: informational
logsource: {category: application, product: portal}
detection: {sel: {event.action: record-view}, condition: sel}
`;
  writeFileSync(
    join(folder, 'rules.yml'),
    [
      read,
      counted('by account', 'read', 'user.id', 2).replace('level:', 'name: by_account\nlevel:'),
      counted('by account, twice', 'by_account', 'user.id', 1),
      counted('by address', 'read', 'source.ip', 3),
      counted('by organisation', 'read', 'organization.id', 3),
      counted('a few and no more', 'read', 'user.id, source.ip', 3).replace('gte: 3', 'gte: 3, lt: 10'),
    ].join(''),
  );
  return folder;
}

/** A service that reads what is added to a log, and the canaries that are added to it. */
class World {
  readonly dataDir = temporaryFolder();
  readonly #log = join(temporaryFolder(), 'access.ndjson');
  readonly running: Running;
  #read = 0;

  constructor(rules: string, env: Env = KEY) {
    writeFileSync(this.#log, '');
    this.running = start(['run', '--input', '-', '--rules', rules, '--data-dir', this.dataDir], env);
  }

  /** Sends canaries, and hands what is added to the log to the service. */
  async canary(
    ...more: string[]
  ): Promise<{ code: number | null; stderr: string; outcomes: Record<string, unknown>[] }> {
    await this.running.address();
    const args = [
      'canary',
      '--to',
      this.#log,
      '--rules',
      right,
      '--data-dir',
      this.dataDir,
      '--json',
      ...more,
    ];
    const ended = vigie(args, KEY);
    const over = new AbortController();
    void this.#follow(over.signal);
    const { code, stderr, stdout } = await ended.finally(() => over.abort());
    return { code, stderr, outcomes: parseLines(stdout) };
  }

  async #follow(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const added = readFileSync(this.#log).subarray(this.#read);
      this.#read += added.length;
      if (added.length > 0) this.running.stdin.write(added);
      await delay(20);
    }
  }

  list(...filters: string[]): ReturnType<typeof listAlerts> {
    return listAlerts(this.dataDir, ...filters);
  }
}

describe('a canary in a log', () => {
  test('is seen where the rule is as it should be, and operators see nothing of it', async () => {
    const world = new World(right);
    const { code, stderr, outcomes } = await world.canary();
    expect(outcomes).toMatchObject([{ rule: BURST, result: 'seen', events: 3, reason: null }]);
    expect(stderr).toContain('1 seen, 0 missed, 0 without a canary');
    expect(code).toBe(0);
    expect(await world.list()).toEqual([]);
    expect(await world.list('--canary')).toMatchObject([{ rule: BURST, canary: true, value: 3 }]);
    expect(
      await world.running.metric(`vigie_canary_seen_timestamp_seconds{rule="${BURST}"}`),
    ).toBeGreaterThan(0);
    expect(
      await world.running.metric(`vigie_alerts_total{rule="${BURST}",level="high",status="opened"}`),
    ).toBe(0);
  }, 60_000);

  test('is missed where somebody raised the threshold, and the exit code says so', async () => {
    const { code, stderr, outcomes } = await new World(misconfigured).canary('--timeout', '2s');
    expect(outcomes).toMatchObject([
      { rule: BURST, result: 'missed', reason: expect.stringContaining('no alert') },
    ]);
    expect(stderr).toContain('0 seen, 1 missed');
    expect(code).toBe(1);
  }, 60_000);

  test('is an incident like any other to a service without the key, which is told', async () => {
    const world = new World(right, {});
    const { code, stderr } = await world.canary();
    expect(stderr).toContain('operators see this canary, and no other is sent');
    expect(code).toBe(1);
    expect(await world.list()).toMatchObject([{ rule: BURST, canary: false }]);
  }, 60_000);

  test('makes late no theft in a log that comes five minutes late, if it comes as late', async () => {
    const world = new World(right);
    const { code } = await world.canary('--behind', '5m');
    expect(code).toBe(0);
    const at = new Date(Date.now() - 5 * 60_000).toISOString();
    const read = { '@timestamp': at, 'event.action': 'record-view', 'user.id': 'thief', 'service.name': 'k' };
    for (const id of ['1', '2', '3'])
      world.running.stdin.write(`${JSON.stringify({ ...read, 'event.id': id })}\n`);
    await until(async () => (await world.list()).length === 1);
    expect(await world.running.metric('vigie_late_events_total')).toBe(0);
  }, 60_000);

  test('is missed where nothing runs, instead of being looked for in a folder that nobody writes to', async () => {
    const log = join(temporaryFolder(), 'access.ndjson');
    writeFileSync(log, '');
    const args = ['canary', '--to', log, '--rules', right, '--data-dir', temporaryFolder(), '--json'];
    const { code, stdout } = await vigie(args, KEY);
    expect(parseLines(stdout)).toMatchObject([
      { result: 'missed', reason: expect.stringContaining('no "vigie run"') },
    ]);
    expect(code).toBe(1);
  });
});

test('where no canary can be made nothing is proved, and the exit code says so', async () => {
  const rules = join(temporaryFolder(), 'rules.yml');
  writeFileSync(rules, ALL_RULES);
  const log = join(temporaryFolder(), 'access.ndjson');
  writeFileSync(log, '');
  const { code, stderr } = await vigie(['canary', '--to', log, '--rules', rules], KEY);
  expect(stderr).toContain('0 seen, 0 missed, 1 without a canary: nothing is proved');
  expect(code).toBe(1);
  const forEver = start(['canary', '--every', '1h', '--http-port', '0', '--to', log, '--rules', rules], KEY);
  await forEver.logged(({ code }) => code === 'NOTHING_PROVED');
});

test('of which rules there are canaries is said without a key', async () => {
  const { code, stdout } = await vigie(['canary', '--list', '--json', '--rules', right], {});
  expect(parseLines(stdout)).toMatchObject([{ rule: BURST, events: 3, reason: null }]);
  expect(code).toBe(0);
});

describe('vigie canary refuses', () => {
  test.each([
    ['to send without a key', [], {}, 'CANARY_KEY_MISSING', 1],
    ['a log of another form', [], { ...KEY, VIGIE_MAPPING: 'nginx-json' }, 'CANARY_NEEDS_EVENTS', 1],
    ['a rule that is not there', ['--rule', 'burst'], KEY, 'RULE_UNKNOWN', 2],
    ['a log that nobody reads', ['--to', '/nowhere/log'], KEY, 'OUTPUT_FAILED', 1],
  ])('%s', async (_, args: string[], env: Env, code, exit) => {
    const ended = await vigie(['canary', '--rules', right, ...args], env);
    expect(ended.stderr).toContain(`vigie: ${code}: `);
    expect(ended.code).toBe(exit);
  });
});

const kafka = testKafka();

async function hasSeen(running: Running): Promise<boolean> {
  return ((await running.metric('vigie_canary_seen_timestamp_seconds')) ?? 0) > 0;
}

describe.runIf(kafka)('canaries in a topic', () => {
  test('go on for ever, and their metrics say when a rule stopped detecting and when it detects again', async () => {
    const brokers = kafka!.brokers.join();
    const topic = uniqueName('canary');
    await createTopic(kafka!.brokers, topic, 3);
    const dataDir = temporaryFolder();
    const env = {
      ...KEY,
      KAFKA_BROKERS: brokers,
      VIGIE_TOPIC: topic,
      VIGIE_GROUP: topic,
      VIGIE_DATA_DIR: dataDir,
      VIGIE_PSEUDONYM_KEY: '00112233445566778899aabbccddeeff',
      VIGIE_RULES_INTERVAL: '1s',
    };
    const inForce = rulesFolder();
    const running = start(['run', '--rules', inForce], env);
    await running.address();
    const canary = start(
      ['canary', '--every', '2s', '--timeout', '3s', '--http-port', '0', '--rules', right],
      env,
    );
    const success = (): Promise<number | undefined> =>
      canary.metric(`vigie_canary_success{rule="${BURST}",title="Three reads in ten seconds"}`);
    await until(async () => (await success()) === 1);
    expect(await canary.metric('vigie_canary_rules{proved="yes"}')).toBe(1);
    expect(await canary.metric('vigie_canary_detection_seconds_count')).toBeGreaterThan(0);

    const rules = (gte: number): void =>
      writeFileSync(join(inForce, 'rules.yml'), ALL_RULES.replace('gte: 3', `gte: ${gte}`));
    rules(300);
    await until(async () => (await success()) === 0);
    await canary.logged(({ code }) => code === 'CANARY_MISSED');
    rules(3);
    await until(async () => (await success()) === 1);
    expect(await listAlerts(dataDir)).toEqual([]);
    expect(await canary.signal('SIGTERM')).toMatchObject({ code: 0 });
    expect(await running.signal('SIGTERM')).toMatchObject({ code: 0 });
  }, 120_000);

  test('are seen whichever of two processes their groups fall to', async () => {
    const { brokers } = kafka!;
    const rules = scaledRulesFolder();
    const topic = uniqueName('canary');
    await createTopic(brokers, topic, 3);
    const clickHouse = await startClickHouse();
    const admin = testClient(brokers).admin();
    await admin.connect();
    const folder = temporaryFolder();
    const key = '00112233445566778899aabbccddeeff';
    const deployment = new ScaledOut({
      brokers,
      admin,
      clickHouse,
      topic,
      shards: 6,
      key,
      folder,
      rules: [rules],
    });
    const env = { ...KEY, VIGIE_LATENESS: '5s', VIGIE_IDLE_TIMEOUT: '3s' };
    const running = [deployment.start(env), deployment.start(env)];
    for (const each of running) await until(async () => (await each.metric('vigie_shards')) === 3);
    const send = (): ReturnType<typeof vigie> =>
      vigie(['canary', '--rules', rules, '--timeout', '30s', '--json'], {
        ...env,
        KAFKA_BROKERS: brokers.join(),
        VIGIE_TOPIC: topic,
        CLICKHOUSE_URL: clickHouse.url,
        CLICKHOUSE_USER: clickHouse.username,
        CLICKHOUSE_PASSWORD: clickHouse.password,
        CLICKHOUSE_DATABASE: deployment.database,
      });
    // A canary has its shard by chance: more of them, until each process had one.
    do {
      const { code, stdout, stderr } = await send();
      expect(
        parseLines<Record<string, unknown>>(stdout).map(({ title, result, reason }) => ({
          title,
          result,
          reason,
        })),
        stderr,
      ).toEqual(SCALED.map((title) => ({ title, result: 'seen', reason: null })));
      expect(code).toBe(0);
    } while (!(await Promise.all(running.map(hasSeen))).every(Boolean));
    const alerts = await deployment.alerts();
    expect(alerts.length).toBeGreaterThanOrEqual(SCALED.length);
    expect(alerts.filter(({ canary }) => canary !== true)).toEqual([]);
    await Promise.all([...running.map((each) => each.signal('SIGTERM')), admin.disconnect()]);
    await clickHouse.stop();
  }, 240_000);
});
