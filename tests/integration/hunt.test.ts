/** A hunt over the archive finds what the engine finds in the events, on the real ClickHouse. */

import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { evalEvents } from '../../src/eval/eval.ts';
import { compileHunt } from '../../src/hunt/compile-hunt.ts';
import { type HuntLine, huntLine } from '../../src/hunt/hunt-lines.ts';
import { LookupList, Lists } from '../../src/lookup/list.ts';
import { contains, type Network, parseNetwork } from '../../src/sigma/ip.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { BaseRule, CorrelationRule, RuleSet } from '../../src/sigma/rule.ts';
import { ClickHouseAlertStore } from '../../src/sink/alert-store.ts';
import type { ClickHouse } from '../../src/sink/client.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import { columnOf } from '../../src/sink/event-row.ts';
import { selectRows } from '../../src/sink/json-rows.ts';
import { MANY_VALUES_LOG, manyValues } from '../hunt/many-values.ts';
import {
  address,
  ADDRESSES,
  baselineCases,
  chainCases,
  type HuntCase,
  huntCases,
  NETWORKS,
} from '../hunt/random-hunts.ts';
import { archivedOf } from '../support/archived-log.ts';
import { testDatabases } from '../support/test-databases.ts';

const PERSONS = ['portal.records.ids'];
/** Nothing is late. */
const LATENESS_MS = 1e9;
/** Many statements, on a busy machine. */
const SLOW = { timeout: 120_000 };
const RUNS = Number(process.env['HUNT_RUNS'] ?? 60);

const accounts = new LookupList('accounts', 'accounts.csv', {
  columns: ['user.id'],
  rows: [['a'], ["o'neil"], ['5']],
  lines: [2, 3, 4],
});

const networks = new LookupList('networks', 'networks.csv', {
  columns: ['organization.id', 'source.ip'],
  rows: [
    ['o1', '198.51.100.0/31'],
    ['o1', '198.51.100.8'],
    ['o1', 'fe80::g'],
    ['o2', '2001:db8::/32'],
    ['o2', '::ffff:198.51.101.1'],
  ],
  lines: [2, 3, 4, 5, 6],
});

const caseloads = new LookupList('caseloads', 'caseloads.csv', {
  columns: ['user.id', 'persons'],
  rows: [
    ['a', '3'],
    ['A', '0'],
    ["o'neil", '2.5'],
    ['x'.repeat(300), '100'],
    ['5', '1e1'],
  ],
  lines: [2, 3, 4, 5, 6],
});

const teams = new LookupList('teams', 'teams.csv', {
  columns: ['organization.id', 'persons', 'user.id'],
  rows: [
    ['o1', '4', 'a'],
    ['o2', '2', 'a'],
    ['o1', '3', 'b'],
  ],
  lines: [2, 3, 4],
});

/** One bound for all groups. */
const everyone = new LookupList('everyone', 'everyone.csv', {
  columns: ['persons'],
  rows: [['3']],
  lines: [2],
});

function load(text: string): RuleSet {
  const lists = new Lists([accounts, networks, caseloads, teams, everyone]);
  const ruleSet = parseRules([{ file: 'rules.yml', text }], { lists });
  const errors = ruleSet.faults.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return ruleSet;
}

/** What the engine finds of a rule, as rows that can be compared. */
function engineFinds(
  ruleSet: RuleSet,
  key: string,
  { log, since = -Infinity, until = Infinity }: HuntCase,
): string[] {
  const { lines, deadLetters } = evalEvents(ruleSet, log, {
    latenessMs: LATENESS_MS,
    allMatches: true,
    allFirings: true,
  });
  if (deadLetters.length > 0) throw new Error(JSON.stringify(deadLetters));
  return lines
    .flatMap((line) => {
      if (line.type === 'alert' || line.rule !== key) return [];
      const time = Date.parse(line.time!);
      if (!(time >= since && time < until)) return [];
      if (line.type === 'firing') return [JSON.stringify(line)];
      const { event, ...rest } = line;
      return [JSON.stringify({ ...rest, id: event.id ?? `log/0/${event.index}` })];
    })
    .sort();
}

/** A rule that matches reads, for the correlation behind it. */
const READS = `${JSON.stringify({
  title: 'Base',
  name: 'base',
  logsource: { category: 'x' },
  detection: { s: { 'event.action': 'read' }, condition: 's' },
})}\n---\n`;

const START = Date.parse('2025-07-12T21:00:00Z');

describe('a hunt in the archive', () => {
  const databases = testDatabases('embedded', 'vigie_hunt');
  let clickHouse: ClickHouse;
  let sink: ClickHouseSink;
  let table: string;

  beforeEach(async () => {
    clickHouse = databases.current();
    sink = new ClickHouseSink(clickHouse, { archiveDays: 0 });
    await sink.open();
    table = `${clickHouse.database}.access_events`;
  });

  async function hunted(
    ruleSet: RuleSet,
    rule: BaseRule | CorrelationRule,
    { since, until }: Partial<HuntCase> = {},
  ): Promise<HuntLine[]> {
    const options = { table: { name: table, columnOf }, personFields: PERSONS, since, until };
    const hunt = compileHunt(rule, ruleSet, options);
    const rows = await selectRows<Record<string, unknown>>(clickHouse, hunt.sql, {}, undefined).catch(
      (error: unknown) => {
        throw new Error(hunt.sql, { cause: error });
      },
    );
    return rows.map((row) => huntLine(hunt, row));
  }

  test.each([
    ['rules and logs', huntCases],
    ['rules with a baseline, and logs', baselineCases],
    ['rules over rules, and logs', chainCases],
  ])(
    `finds of ${RUNS} random %s what the engine finds, whatever the order of archiving and however often`,
    { timeout: 60_000 + RUNS * 2000 },
    async (_what, cases) => {
      let found = 0;
      await fc.assert(
        fc.asyncProperty(cases, async (one) => {
          const ruleSet = load(one.rules);
          await clickHouse.client.command({ query: `TRUNCATE TABLE ${table}` });
          const events = archivedOf(ruleSet, one.log, PERSONS);
          const half = Math.ceil(events.length / 2);
          await sink.writeEvents(events.slice(half));
          await sink.writeEvents([...events.slice(0, half), ...events.slice(0, 3)]);
          for (const rule of [...ruleSet.rules, ...ruleSet.correlations]) {
            const lines = await hunted(ruleSet, rule, one);
            const expected = engineFinds(ruleSet, rule.key, one);
            found += expected.length;
            const rows = lines.map((line) =>
              JSON.stringify(line.type === 'firing' ? line : { ...line, event: undefined, ...line.event }),
            );
            expect({ rule: rule.key, found: rows.toSorted() }).toEqual({ rule: rule.key, found: expected });
          }
        }),
        {
          numRuns: RUNS,
          interruptAfterTimeLimit: 50_000 + RUNS * 2000,
          markInterruptAsFailure: true,
        },
      );
      // Cases in which nothing is found say nothing.
      expect(found).toBeGreaterThan(RUNS);
    },
  );

  test.each<[what: string, seconds: number[], condition: object, fires: [second: number, value: number][]]>([
    ['just inside one timespan', [0, 9.999], { gte: 2 }, [[9.999, 2]]],
    ['exactly one timespan apart', [0, 10], { gte: 2 }, []],
    ['at one time', [0, 0, 0], { gte: 3 }, [[0, 3]]],
    ['true windows exactly one timeout apart', [0, 5, 10], { gte: 1 }, [[0, 1]]],
    [
      'true windows more than one timeout apart',
      [0, 5.001],
      { gte: 1 },
      [
        [0, 1],
        [5.001, 2],
      ],
    ],
    [
      'a window that is false in between',
      [0, 1, 5.5, 6, 11.5, 12],
      { gte: 3 },
      [
        [5.5, 3],
        [11.5, 3],
      ],
    ],
    [
      'no window ends where events leave',
      [0, 1, 20],
      { lte: 1 },
      [
        [0, 1],
        [20, 1],
      ],
    ],
  ])('of %s, fires as docs/rule-language.md says', async (_what, seconds, condition, fires) => {
    const ruleSet = load(
      READS +
        JSON.stringify({
          title: 'Counted',
          name: 'counted',
          correlation: { type: 'event_count', rules: ['base'], timespan: '10s', condition },
          'vigie.resolve_timeout': '5s',
        }),
    );
    await sink.writeEvents(
      seconds.map((second, i) => ({
        eventId: `e${i}`,
        time: START + 1000 * second,
        fields: { 'event.action': 'read' },
      })),
    );
    const lines = await hunted(ruleSet, ruleSet.correlations[0]!);
    expect(lines).toMatchObject(
      fires.map(([second, value]) => ({ time: new Date(START + 1000 * second).toISOString(), value })),
    );
  });

  test('raises the bound of every group by a list that is one number', async () => {
    const ruleSet = load(
      READS +
        JSON.stringify({
          title: 'Counted',
          name: 'counted',
          correlation: { type: 'event_count', rules: ['base'], timespan: '10s', condition: { gte: 2 } },
          'vigie.scale_by': { list: 'everyone', column: 'persons', factor: 1.5 },
        }),
    );
    const log = [0, 1, 2, 3, 4, 5].map((second) =>
      JSON.stringify({ '@timestamp': new Date(START + 1000 * second).toISOString(), 'event.action': 'read' }),
    );
    await sink.writeEvents(archivedOf(ruleSet, log, PERSONS));
    const lines = await hunted(ruleSet, ruleSet.correlations[0]!);
    expect(lines).toMatchObject([{ time: new Date(START + 4000).toISOString(), value: 5 }]);
    expect(lines.map((line) => JSON.stringify(line))).toEqual(
      engineFinds(ruleSet, 'counted', { rules: '', log, since: undefined, until: undefined }),
    );
  });

  test('takes for addresses, and for addresses of a network, what rules take for them', SLOW, async () => {
    const documents = NETWORKS.map((network) => ({
      title: network,
      logsource: { category: 'x' },
      detection: { s: { 'source.ip|cidr': network }, condition: 's' },
    }));
    const ruleSet = load(documents.map((document) => JSON.stringify(document)).join('\n---\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(address, { minLength: 300, maxLength: 600 }), async (some) => {
        const texts = [...ADDRESSES, ...some];
        await clickHouse.client.command({ query: `TRUNCATE TABLE ${table}` });
        await sink.writeEvents(
          texts.map((text, i) => ({ eventId: `${i}`, time: START, fields: { 'source.ip': text } })),
        );
        for (const rule of ruleSet.rules) {
          const lines = await hunted(ruleSet, rule);
          const found = new Set(lines.map((line) => (line.type === 'match' ? line.event.id : '')));
          const network = parseNetwork(rule.title) as Network;
          const wrong = texts.filter((text, i) => contains(network, text) !== found.has(`${i}`));
          expect({ network: rule.title, wrong }).toEqual({ network: rule.title, wrong: [] });
        }
      }),
      { numRuns: 5, endOnFailure: true },
    );
  });

  test('asks for thousands of networks, texts and bounds at once', SLOW, async () => {
    const ruleSet = manyValues();
    expect(ruleSet.faults.filter(({ severity }) => severity === 'error')).toEqual([]);
    const log = MANY_VALUES_LOG;
    await sink.writeEvents(archivedOf(ruleSet, log, PERSONS));
    for (const rule of [...ruleSet.rules, ...ruleSet.correlations]) {
      const { key } = rule;
      if (key === 'events') continue;
      const lines = await hunted(ruleSet, rule);
      const found = lines.map((line) =>
        JSON.stringify(line.type === 'firing' ? line : { ...line, event: undefined, id: line.event.id }),
      );
      const expected = engineFinds(ruleSet, key, { rules: '', log, since: undefined, until: undefined });
      expect({ key, found: found.toSorted() }).toEqual({ key, found: expected });
      expect(expected.length).toBeGreaterThan(10);
      expect(expected.length).toBeLessThan(490);
    }
  });

  test('takes an event as it was archived last, whether more of it is kept or it is read differently', async () => {
    const ruleSet = load(
      JSON.stringify({
        title: 'Noted',
        name: 'noted',
        logsource: { category: 'x' },
        detection: { s: { 'custom.note': 'seen' }, condition: 's' },
      }),
    );
    const event = { eventId: 'e', time: START, fields: { 'user.id': 'a' } };
    await sink.writeEvents([event]);
    expect(await hunted(ruleSet, ruleSet.rules[0]!)).toEqual([]);
    await sink.writeEvents([{ ...event, fields: { ...event.fields, 'custom.note': 'Seen' } }]);
    expect(await hunted(ruleSet, ruleSet.rules[0]!)).toMatchObject([{ event: { id: 'e' } }]);
    await sink.writeEvents([{ ...event, fields: { ...event.fields, 'custom.note': 'other' } }]);
    expect(await hunted(ruleSet, ruleSet.rules[0]!)).toEqual([]);
  });

  test('does not add what is no whole number: the sum would not be exact', async () => {
    const ruleSet = load(
      READS +
        JSON.stringify({
          title: 'Added',
          name: 'added',
          correlation: {
            type: 'value_sum',
            rules: ['base'],
            timespan: '10s',
            condition: { field: 'portal.records.count', gte: 1 },
          },
        }),
    );
    await sink.writeEvents([
      { eventId: 'e', time: START, fields: { 'event.action': 'read', 'portal.records.count': '0.1' } },
    ]);
    const store = new ClickHouseAlertStore(clickHouse, systemClock);
    const [rule] = ruleSet.correlations;
    const { sql } = compileHunt(rule!, ruleSet, { table: { name: table, columnOf }, personFields: PERSONS });
    await expect(store.hunt({ sql, fields: [] })).rejects.toMatchObject({ code: 'HUNT_FRACTIONS' });
  });

  test('takes no more memory than it may have', async () => {
    const store = new ClickHouseAlertStore(clickHouse, systemClock);
    // ClickHouse refuses to reserve it, so nobody has to have it.
    const sql = 'SELECT length(range(toUInt64(490000000))) AS n';
    await expect(store.hunt({ sql, fields: [] })).rejects.toMatchObject({ code: 'HUNT_TOO_LARGE' });
    expect(await store.hunt({ sql: 'SELECT 1 AS n', fields: [] })).toEqual({ rows: [{ n: 1 }], fields: [] });
  });

  test('changes nothing, whatever it is given to ask', async () => {
    const store = new ClickHouseAlertStore(clickHouse, systemClock);
    await sink.writeEvents([{ eventId: 'e', time: START, fields: {} }]);
    for (const sql of [`TRUNCATE TABLE ${table}`, `SELECT 1; TRUNCATE TABLE ${table}`]) {
      await expect(store.hunt({ sql, fields: [] })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    }
    expect(await store.archive()).toEqual({ oldest: START, newest: START });
  });

  test('says since when a field is archived, and how many events are older', async () => {
    const store = new ClickHouseAlertStore(clickHouse, systemClock);
    await sink.writeEvents([{ eventId: 'e', time: START, fields: { 'custom.note': 'a' } }]);
    const { fields, rows } = await store.hunt({ sql: 'SELECT 1 AS one', fields: ['custom.note'] });
    expect(fields).toEqual([{ path: 'custom.note', since: expect.any(Number), before: 0 }]);
    expect(Math.abs(fields[0]!.since! - systemClock.now())).toBeLessThan(3_600_000);
    expect(rows).toEqual([{ one: 1 }]);
    await clickHouse.client.command({
      query: `INSERT INTO ${table} (event_id, time, archived_at) SETTINGS insert_allow_materialized_columns = 1
VALUES ('f', ${START}, now('UTC') - 60)`,
    });
    expect((await store.hunt({ sql: 'SELECT 1', fields: ['custom.note'] })).fields).toMatchObject([
      { before: 1 },
    ]);
    const never = await store.hunt({ sql: 'SELECT 1', fields: ["it's not"] });
    expect(never).toEqual({ fields: [{ path: "it's not", since: null, before: 0 }], rows: [] });
  });
});
