/** Other rules in the middle of a log: what goes on, what ends, what begins, and what is said of it. */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Alert } from '../../src/alert/alert.ts';
import type { WarmUp } from '../../src/pipeline/rule-change.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import type { AssignedPartition } from '../../src/source/source.ts';
import { event } from './cli/fixtures.ts';
import { batch, scripted, silentSink, T0 } from './scripted-pipeline.ts';

const stop = new AbortController().signal;
const anew: AssignedPartition = { partition: 0, committedOffset: undefined, metadata: undefined };
const read = (second: number) => event(second, 'record-view');
const other = (second: number) => event(second, 'record-view', { 'user.id': 'other' });
const far = (second: number) => event(second, 'login');

const base = (name: string, action: string): string => `title: ${name}
name: ${name}
logsource: {product: portal}
detection: {sel: {event.action: ${action}}, condition: sel}
`;

const counting = (
  name: string,
  of: string,
  condition: string,
  { runbook = 'Call.', level = 'high', timespan = '10s' } = {},
): string => `title: ${name}
name: ${name}
level: ${level}
correlation: {type: event_count, rules: [${of}], group-by: [user.id], timespan: ${timespan}, condition: {${condition}}}
vigie.runbook: ${runbook}
`;

function ruleSetOf(...documents: string[]) {
  const set = parseRules([{ file: 'rules.yml', text: documents.join('---\n') }]);
  expect(set.faults).toEqual([]);
  return set;
}

const READS = base('reads', 'record-view');

/** Runs a log with other rules in its middle. Gives all rows in order, and what was said. */
async function run(before: readonly string[], after: readonly string[], first: string[], then: string[]) {
  const rows: Alert[] = [];
  const told: (readonly WarmUp[])[] = [];
  const opened: string[] = [];
  let rules = 0;
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [anew] };
      yield batch(0, first.length, ...first);
      pipeline.replaceRules(ruleSetOf(...after));
      yield { kind: 'idle' };
      let offset = first.length;
      for (const line of then) yield batch(0, (offset += 1), line);
      yield { kind: 'idle' };
    },
    options: {
      ruleSet: ruleSetOf(...before),
      maxFutureMs: 10 * 86_400_000,
      sink: {
        open: async () => {},
        stored: async () => new Map(),
        writeAlerts: async (written) => {
          rows.push(...written);
        },
        writeEvents: async () => {},
        close: async () => {},
      },
    },
    observer: {
      rules: () => {
        rules += 1;
      },
      warmUps: (warmUps) => told.push(warmUps),
      alerts: (written) => {
        for (const { alert, opened: isNew } of written) if (isNew) opened.push(alert.alertId);
      },
    },
  });
  await pipeline.run(stop);
  expect(rules).toBe(1);
  return { rows, told, opened };
}

test('an edited runbook, title and level keep the alert, which shows them when it is next written', async () => {
  const { rows, told, opened } = await run(
    [READS, counting('burst', 'reads', 'gte: 3')],
    [READS, counting('burst', 'reads', 'gte: 3', { runbook: 'Write.', level: 'critical' })],
    [read(0), read(1), read(2)],
    [read(3)],
  );
  expect(rows.map(({ events, runbook, level, status }) => [events, runbook, level, status])).toEqual([
    [3, 'Call.', 'high', 'firing'],
    [4, 'Write.', 'critical', 'firing'],
  ]);
  expect(rows[1]).toMatchObject({ alertId: rows[0]!.alertId, detectedAt: rows[0]!.detectedAt });
  expect(opened).toEqual([rows[0]!.alertId]);
  expect(told).toEqual([]);
});

test('a changed threshold resolves the alert as rule_changed and begins empty, and the rule says until when', async () => {
  const { rows, told } = await run(
    [READS, counting('burst', 'reads', 'gte: 3')],
    [READS, counting('burst', 'reads', 'gte: 4')],
    [read(0), read(1), read(2)],
    [read(3), read(4), read(5), read(6)],
  );
  expect(rows.map(({ crossedAt, status, resolution }) => [crossedAt - T0, status, resolution])).toEqual([
    [2000, 'firing', ''],
    [2000, 'resolved', 'rule_changed'],
    // The fourth that the new rule has seen, not the fourth there was.
    [6000, 'firing', ''],
  ]);
  expect(rows[1]!.version).toBeGreaterThan(rows[0]!.version);
  expect(rows[2]!.alertId).not.toBe(rows[0]!.alertId);
  expect(told).toEqual([[{ rule: 'burst', untilMs: T0 + 2000 + 10_000 }]]);
});

test.each([
  ['gone', [READS]],
  ['one that alerts nobody', [READS, counting('burst', 'reads', 'gte: 3', { level: 'informational' })]],
])('the open alert of a rule that is %s is resolved as rule_gone', async (_, after) => {
  const { rows } = await run(
    [READS, counting('burst', 'reads', 'gte: 3')],
    after,
    [read(0), read(1), read(2)],
    [read(3)],
  );
  expect(rows.map(({ status, resolution }) => [status, resolution])).toEqual([
    ['firing', ''],
    ['resolved', 'rule_gone'],
  ]);
});

test('heartbeats and whoever else waits get their turn while rules change over much state', async () => {
  const users = Array.from({ length: 20_000 }, (_, i) =>
    event(1, 'record-view', { 'event.id': `read-${i}`, 'user.id': `u${i}` }),
  );
  let turns = 0;
  let changed = 0;
  let next = setImmediate(function turn() {
    turns += 1;
    next = setImmediate(turn);
  });
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [anew] };
      yield batch(0, users.length, ...users);
      pipeline.replaceRules(ruleSetOf(READS, counting('burst', 'reads', 'gte: 3', { runbook: 'Write.' })));
      turns = 0;
      yield { kind: 'idle' };
    },
    options: { ruleSet: ruleSetOf(READS, counting('burst', 'reads', 'gte: 3')) },
    observer: { rules: () => (changed = turns) },
  });
  await pipeline.run(stop);
  clearImmediate(next);
  expect(changed).toBeGreaterThanOrEqual(users.length / 1000);
});

test('other rules go on with their windows, and one that reads a field nobody read before finds it', async () => {
  const LOGINS = base('logins', 'login');
  const byPlace = `title: places
name: places
level: high
correlation: {type: value_count, rules: [logins], group-by: [user.id], timespan: 10s, condition: {field: place, gte: 2}}
`;
  const { rows, told } = await run(
    [READS, counting('burst', 'reads', 'gte: 3')],
    [LOGINS, byPlace, READS, counting('burst', 'reads', 'gte: 3')],
    [read(0), read(1)],
    [read(2), event(3, 'login', { place: 'a' }), event(4, 'login', { place: 'b' })],
  );
  expect(rows.map(({ rule, crossedAt }) => [rule, crossedAt - T0])).toEqual([
    ['burst', 2000],
    ['places', 4000],
  ]);
  expect(told).toEqual([[{ rule: 'places', untilMs: T0 + 1000 + 10_000 }]]);
});

test('a rule that more events make false writes no alert before its windows are whole', async () => {
  const { rows, told } = await run(
    [READS],
    [READS, counting('few', 'reads', 'lt: 3')],
    [read(0), read(1), read(2), read(3)],
    // A window that seems to hold one read, and much later one that does.
    [read(4), far(3_600), read(7_200), far(14_400)],
  );
  expect(told).toEqual([[{ rule: 'few', untilMs: T0 + 13_000, heldUntilMs: T0 + 13_000 }]]);
  expect(new Set(rows.map(({ crossedAt }) => crossedAt - T0))).toEqual(new Set([7_200_000]));
});

test('a rule on the firings of one that is warming up is so too, for as long again', async () => {
  const twice = `title: twice
name: twice
level: high
correlation: {type: event_count, rules: [burst], group-by: [user.id], timespan: 1m, condition: {gte: 2}}
`;
  const { told } = await run(
    [READS, counting('burst', 'reads', 'gte: 3'), twice],
    [READS, counting('burst', 'reads', 'gte: 4'), twice],
    [read(0)],
    [],
  );
  expect(told).toEqual([
    [
      { rule: 'burst', untilMs: T0 + 10_000 },
      { rule: 'twice', untilMs: T0 + 70_000 },
    ],
  ]);
});

test.each(['whatever is in force', 'the former ones'])(
  'a change that is taken back while the database keeps it waiting is taken back after it: %s',
  async (wanted) => {
    const former = ruleSetOf(READS, counting('burst', 'reads', 'gte: 3'));
    const next = ruleSetOf(READS, counting('burst', 'reads', 'gte: 4'));
    const database = Promise.withResolvers<void>();
    const inForce: RuleSet[] = [];
    const { pipeline } = scripted({
      async *items() {
        yield { kind: 'assignment', partitions: [anew] };
        yield batch(0, 3, read(0), read(1), read(2));
        pipeline.replaceRules(next);
        setTimeout(() => {
          pipeline.replaceRules(wanted === 'the former ones' ? former : undefined);
          database.resolve();
        }, 20);
        yield { kind: 'idle' };
        yield { kind: 'idle' };
      },
      options: {
        ruleSet: former,
        flushIntervalMs: 1000,
        sink: { ...silentSink, writeAlerts: () => database.promise },
      },
      observer: { rules: (now) => inForce.push(now) },
    });
    await pipeline.run(stop);
    expect(inForce).toEqual([next, former]);
  },
);

test('an alert that opens while another is being written is opened once, though rules change before it is', async () => {
  const former = ruleSetOf(READS, counting('burst', 'reads', 'gte: 3'));
  const next = ruleSetOf(READS, counting('burst', 'reads', 'gte: 3', { runbook: 'Write.' }));
  const rows: Alert[] = [];
  const opened: string[] = [];
  const { pipeline } = scripted({
    async *items(clock) {
      yield { kind: 'assignment', partitions: [anew] };
      yield batch(0, 3, read(0), read(1), read(2));
      pipeline.replaceRules(next);
      yield batch(0, 6, other(3), other(4), other(5));
      clock.elapsedMs += 60_000;
      yield batch(0, 7, other(6));
    },
    options: {
      ruleSet: former,
      flushIntervalMs: 50_000,
      sink: {
        ...silentSink,
        writeAlerts: async (written) => {
          await delay(5);
          rows.push(...written);
        },
      },
    },
    observer: {
      alerts: (written) => {
        for (const { alert, opened: isNew } of written) if (isNew) opened.push(alert.alertId);
      },
    },
  });
  await pipeline.run(stop);
  const [first, ...later] = rows.filter(({ group }) => group['user.id'] === 'other');
  expect(later).toMatchObject([
    { alertId: first!.alertId, detectedAt: first!.detectedAt, runbook: 'Write.', events: 4 },
  ]);
  expect(opened).toEqual([rows[0]!.alertId, first!.alertId]);
});

test('a rule that searches whole events does its work in every engine that is made for it', async () => {
  const words = READS.replace('{event.action: record-view}', '[record-view]');
  const [three, two] = [3, 2].map((gte) => counting('burst', 'reads', `gte: ${gte}`));
  const reading = [read(0), read(1), read(2), read(3)];
  const { rows } = await run([words, three!], [words, two!], reading, [read(20), read(21)]);
  expect(rows.filter(({ status }) => status === 'firing').map(({ crossedAt }) => crossedAt)).toContain(
    T0 + 2000,
  );
});
