/**
 * Rules that change while a topic is read: by one process, and by two that divide the groups, each taking them at its
 * own moment, one by watching its files, the other one, while events go on, on SIGHUP. What nothing has changed for
 * must be as if nothing had happened, to the last total; what has begun anew must be right from the moment on at
 * which all have it.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClickHouse, type TestClickHouse } from '../support/clickhouse.ts';
import { alertRows, cleanUp, type Running, succeed, temporaryFolder, until } from '../support/cli.ts';
import { createTopic, produce, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { ScaledOut, substance } from '../support/scaled-out.ts';
import { randomOf } from '../unit/detect/harness.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];
const KEY = '00112233445566778899aabbccddeeff';
const PARTITIONS = 4;
const SEED = Number(process.env['SCALE_SEED'] ?? 7);
const T0 = Date.UTC(2025, 6, 12, 8);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Row = Readonly<Record<string, unknown>>;

const base = (name: string, action: string): string => `title: ${name}
name: ${name}
level: informational
logsource: {product: portal}
detection: {sel: {event.action: ${action}}, condition: sel}
`;

const counting = (
  name: string,
  of: string,
  by: string,
  condition: string,
  more = '',
): string => `title: ${name}
name: ${name}
level: high
correlation: {type: event_count, rules: [${of}], group-by: [${by}], timespan: 10m, condition: {${condition}}}
${more}`;

/** Nothing of these changes: of different streams, one that waits for windows to close, and one that stays open. */
const KEPT = [
  base('reads', 'record-view'),
  counting('stays', 'reads', 'user.id', 'gte: 4', 'vigie.resolve_timeout: 5h\n'),
  counting('organisations', 'reads', 'organization.id', 'gte: 18'),
  counting('few', 'reads', 'session', 'lte: 1'),
];
/** Shares all that it measures with a rule that changes. */
const NEIGHBOUR = counting('neighbour', 'reads', 'source.ip', 'gte: 4');
const BEFORE = [
  ...KEPT,
  counting('goes', 'reads', 'user.id', 'gte: 5'),
  counting('changes', 'reads', 'source.ip', 'gte: 3'),
  NEIGHBOUR,
].join('---\n');
const AFTER = [
  base('exports', 'export'),
  ...KEPT,
  NEIGHBOUR,
  counting('changes', 'reads', 'source.ip', 'gte: 5'),
  counting('comes', 'exports', 'user.id', 'gte: 2'),
].join('---\n');
const UNCHANGED = ['stays', 'organisations', 'few', 'neighbour'];

const line = (id: string, time: number, action: string, more: object = {}): string =>
  JSON.stringify({ '@timestamp': new Date(time).toISOString(), event: { id, action }, ...more });

/** Half an hour of events in their order, each on a partition of its own choice. */
function phase(number: number, from: number) {
  const random = randomOf(SEED + number);
  return Array.from({ length: 500 }, (_, i) => {
    const user = Math.min(random(60), random(60));
    const action = random(4) === 0 ? 'export' : 'record-view';
    const value = line(`e${number}-${i}`, from + i * 3600 + random(3000), action, {
      user: { id: `u${user}` },
      organization: { id: `o${user % 9}` },
      source: { ip: `192.0.2.${random(40)}` },
      session: `s${number}-${random(200)}`,
    });
    return { partition: random(PARTITIONS), value };
  });
}

const LAST = T0 + 4 * HOUR;
const END = T0 + 24 * HOUR;
const phases = [
  phase(1, T0),
  phase(2, T0 + 30 * MINUTE),
  phase(3, T0 + HOUR),
  // What changed rules saw before is over by now.
  phase(4, LAST),
  Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    value: line(`closing-${partition}`, END, 'login'),
  })),
];

const folder = temporaryFolder();
const rules = join(folder, 'rules.yml');
let clickHouse: TestClickHouse;
let admin: Admin;
/** The alerts of one engine that had the new rules all the time, and of one that had the old ones. */
let now: Row[];
let before: Row[];

beforeAll(async () => {
  if (kafka === undefined) return;
  admin = testClient(brokers).admin();
  await admin.connect();
  clickHouse = await startClickHouse();
  now = await fromFile('after', AFTER, phases);
  before = await fromFile('before', BEFORE, phases.slice(0, 3));
}, 120_000);

afterAll(async () => {
  await cleanUp();
  await Promise.all([admin?.disconnect(), clickHouse?.stop()]);
});

/** The alerts of one engine over some of the phases. */
async function fromFile(name: string, text: string, of: typeof phases): Promise<Row[]> {
  const [log, file, dataDir] = [`${name}.ndjson`, `${name}.yml`, name].map((each) => join(folder, each));
  writeFileSync(log!, of.flatMap((lines) => lines.map(({ value }) => `${value}\n`)).join(''));
  writeFileSync(file!, text);
  await succeed(['run', '--input', log!, '--data-dir', dataDir!, '--rules', file!], {
    VIGIE_PSEUDONYM_KEY: KEY,
  });
  return alertRows(dataDir!);
}

const ofRules = (rows: readonly Row[], ...names: string[]): Row[] =>
  rows.filter(({ rule }) => names.includes(String(rule)));
const crossed = ({ crossed_at: at }: Row): number => Date.parse(`${String(at)}Z`);
/** Those that opened in the last phase. */
const late = (rows: readonly Row[]): Row[] => rows.filter((row) => crossed(row) >= LAST);
const inFirst = (row: Row): boolean => crossed(row) < T0 + 30 * MINUTE;
const identity = ({ rule, group_fields: group, crossed_at: at }: Row): string =>
  JSON.stringify([rule, group, at]);
const isOf = (one: Row, other: Row): boolean =>
  JSON.stringify(one['group_fields']) === JSON.stringify(other['group_fields']) &&
  String(other['first_event_at']) <= String(one['last_event_at']);
const without = (rows: readonly Row[], others: readonly Row[]): Row[] => {
  const known = new Set(others.map(identity));
  return rows.filter((row) => !known.has(identity(row)));
};

/** Processes on a topic of their own. */
async function deploy(): Promise<ScaledOut & { readonly topic: string }> {
  const topic = uniqueName('portal');
  await createTopic(brokers, topic, PARTITIONS);
  const made = new ScaledOut({
    brokers,
    admin,
    clickHouse,
    topic,
    shards: 6,
    key: KEY,
    folder,
    rules: [rules],
  });
  return Object.assign(made, { topic });
}

/** One row an episode. */
async function alertsOf(deployment: ScaledOut): Promise<Row[]> {
  const rows = await deployment.alerts();
  return rows.filter(({ status }) => status !== 'merged');
}

/** At the end of the log, whoever had which rules when. */
function verify(rows: readonly Row[]): void {
  for (const name of UNCHANGED) expect(ofRules(now, name).length, name).toBeGreaterThan(4);
  for (const name of ['changes', 'comes']) expect(ofRules(late(now), name).length, name).toBeGreaterThan(4);
  expect(substance(ofRules(rows, ...UNCHANGED))).toEqual(substance(ofRules(now, ...UNCHANGED)));
  expect(substance(late(ofRules(rows, 'changes', 'comes')))).toEqual(
    substance(late(ofRules(now, 'changes', 'comes'))),
  );
  // An alert that ended with its rule as it was, and one that the changed rule finds in the same log, are two.
  const own = rows.filter(({ resolution }) => resolution === '');
  expect(new Set(own.map(identity)).size).toBe(own.length);
  expect(rows.filter(({ status }) => status === 'firing')).toEqual([]);
  // Of the first phase all, and nothing that the old rules would not have said.
  const [gone, known] = [ofRules(rows, 'goes'), ofRules(before, 'goes')];
  // One that ended while a partition was behind crosses where it had been found to by then.
  const inside = (row: Row) => known.some((one) => isOf(one, row) && crossed(one) <= crossed(row));
  expect(gone.filter((row) => !inside(row))).toEqual([]);
  expect(known.filter(inFirst).length).toBeGreaterThan(4);
  expect(without(known.filter(inFirst), gone)).toEqual([]);
  expect(new Set(gone.map(({ resolution }) => resolution))).toContain('rule_gone');
  expect(new Set(ofRules(rows, 'changes').map(({ resolution }) => resolution))).toContain('rule_changed');
}

describe.runIf(kafka !== undefined)('rules that change while one process reads a topic', () => {
  test.each([
    ['goes on from saved state', '1s'],
    ['reads the log again', '1h'],
  ])(
    'leave the others as if nothing had happened, through a broken file and a kill: it %s',
    async (_, saving) => {
      const deployment = await deploy();
      const { topic } = deployment;
      const settings = {
        VIGIE_SIGNALS_TOPIC: '',
        VIGIE_RULES_INTERVAL: '0s',
        VIGIE_STATE_DIR: temporaryFolder(),
        VIGIE_SNAPSHOT_INTERVAL: saving,
      };
      writeFileSync(rules, BEFORE);
      const first = deployment.start(settings);
      await produce(brokers, topic, phases[0]!);
      await deployment.read();
      const second = produce(brokers, topic, phases[1]!);
      writeFileSync(rules, AFTER.replace('gte: 5', 'gte: many'));
      process.kill(first.pid, 'SIGHUP');
      expect(await first.message('rules refused')).toMatchObject({ file: rules });
      expect(await first.metric('vigie_rule_errors')).toBe(1);
      await second;
      const third = produce(brokers, topic, phases[2]!);
      writeFileSync(rules, AFTER);
      process.kill(first.pid, 'SIGHUP');
      expect(await first.message('rules reloaded')).toMatchObject({ added: 2, changed: 1, removed: 1 });
      expect(await first.metric('vigie_rule_errors')).toBe(0);
      await third;
      await deployment.read();
      const readAt = Date.now() / 1000;
      await until(
        async () => saving === '1h' || (await first.metric('vigie_state_saved_timestamp_seconds'))! > readAt,
      );
      expect(await first.signal('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      const last = deployment.start(settings);
      await last.message(saving === '1h' ? 'windows restored' : 'going on from saved state');
      await produce(brokers, topic, [...phases[3]!, ...phases[4]!]);
      await deployment.read();
      expect(await last.signal('SIGTERM')).toMatchObject({ code: 0 });
      verify(await alertsOf(deployment));
    },
    240_000,
  );
});

describe.runIf(kafka !== undefined)('rules that change while two processes divide the groups', () => {
  let deployment: Awaited<ReturnType<typeof deploy>>;
  let running: Running[];

  test('leave the others as if nothing had happened, and are right once both have them', async () => {
    deployment = await deploy();
    const { topic } = deployment;
    writeFileSync(rules, BEFORE);
    running = ['1s', '0s'].map((interval) => deployment.start({ VIGIE_RULES_INTERVAL: interval }));
    const [watching, asked] = running as [Running, Running];
    const both = (name: string) => Promise.all(running.map((each) => each.metric(name)));
    await until(async () => (await both('vigie_shards')).every((shards) => shards === 3));
    await produce(brokers, topic, phases[0]!);
    await deployment.done();

    writeFileSync(rules, AFTER);
    expect(await watching.message('rules reloaded')).toMatchObject({ added: 2, changed: 1, removed: 1 });
    const warming = 'vigie_rule_warming_until_timestamp_seconds';
    await until(async () => (await watching.get('/metrics')).text.includes(`${warming}{rule="comes"}`));
    await produce(brokers, topic, phases[1]!);
    await deployment.done();
    expect(asked.logs.filter(({ msg }) => msg === 'rules reloaded')).toEqual([]);
    const half = produce(brokers, topic, phases[2]!);
    process.kill(asked.pid, 'SIGHUP');
    expect(await asked.message('rules reloaded')).toMatchObject({ added: 2, changed: 1, removed: 1 });
    await half;
    await deployment.done();
    for (const each of running) {
      const begun = each.logs.filter(({ code }) => code === 'RULE_WARMING_UP').map((found) => found['rule']);
      expect(new Set(begun)).toEqual(new Set(['changes', 'comes']));
    }

    await produce(brokers, topic, phases[3]!);
    await produce(brokers, topic, phases[4]!);
    await deployment.done();
    await until(async () => (await both(warming)).every((at) => at === undefined));

    verify(await alertsOf(deployment));
  }, 240_000);

  test('end what was open when they are gone after a start, and only one process says so', async () => {
    const burst = Array.from({ length: 4 }, (_, i) => ({
      partition: 0,
      value: line(`burst-${i}`, END + HOUR + i, 'record-view', {
        user: { id: 'burst' },
        source: { ip: '192.0.2.200' },
      }),
    }));
    await produce(brokers, deployment.topic, burst);
    await deployment.finish(...running);
    const open = (await alertsOf(deployment)).filter(({ status }) => status === 'firing');
    expect(open.map(({ rule }) => rule)).toHaveLength(2);
    expect(ofRules(open, 'neighbour', 'stays')).toHaveLength(2);
    writeFileSync(
      rules,
      AFTER.replaceAll('name: stays', 'name: renamed').replaceAll('title: stays', 'title: renamed'),
    );
    const restarted = [deployment.start(), deployment.start()];
    await until(async () =>
      (await alertsOf(deployment)).some(
        ({ resolution, rule }) => rule === 'stays' && resolution === 'rule_gone',
      ),
    );
    await deployment.finish(...restarted);
    const rows = await alertsOf(deployment);
    // An alert that ended with its rule as it was, and one that the changed rule finds in the same log, are two.
    const own = rows.filter(({ resolution }) => resolution === '');
    if (new Set(rows.map(identity)).size !== rows.length) {
      const seen = new Map<string, Row[]>();
      for (const r of rows) seen.set(identity(r), [...(seen.get(identity(r)) ?? []), r]);
      for (const d of seen.values()) if (d.length > 1) console.log(JSON.stringify(d));
    }
    expect(new Set(own.map(identity)).size).toBe(own.length);
    const found = rows.filter((row) => crossed(row) > END);
    expect(
      found
        .map(({ rule, status, resolution }) => [rule, status, resolution].map(String).join(' '))
        .toSorted(),
    ).toEqual(['neighbour firing ', 'renamed firing ', 'stays resolved rule_gone']);
    const said = restarted.flatMap(({ logs }) => logs.filter((log) => log['resolution'] === 'rule_gone'));
    expect(said).toHaveLength(1);
  }, 240_000);
});
