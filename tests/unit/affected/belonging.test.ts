/** The persons of an alert, found again in the archive, are those that the engine counted. */

import { describe, expect, test } from 'vitest';
import { affectedPersons } from '../../../src/affected/affected-persons.ts';
import { allReads, type Belonging, readsOfRule } from '../../../src/affected/belonging.ts';
import type { Alert } from '../../../src/alert/alert.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { ReadsPage, ReadsQuestion } from '../../../src/sink/archive-reads.ts';
import type { ArchivedEvent } from '../../../src/sink/sink.ts';
import { throughTable } from '../../support/archived-row.ts';
import { randomOf } from '../detect/harness.ts';
import { batch, scripted, silentSink, T0 } from '../scripted-pipeline.ts';

const SETTINGS = { personFields: ['portal.records.ids'], timestampField: '@timestamp' };
const { signal } = new AbortController();

/** The read of one's own list does not count: it shows nobody who is out of scope. */
const BASE = `
title: Read
name: read
logsource: {product: portal}
level: informational
detection:
  read: {event.action: record-view}
  own_list: {portal.records.out_of_scope_count: 0}
  nowhere: {custom.place: null}
  condition: read and not own_list and not nowhere
---
title: Reset
name: reset
logsource: {product: portal}
level: informational
detection:
  reset: {event.action: password-reset, custom.by|exists: true}
  condition: reset
---
title: Not those of the archive's keeper
logsource: {product: portal}
filter:
  rules: [read]
  keeper: {user.id: keeper}
  condition: not keeper
`;

const correlation = (name: string, text: string, level = 'high'): string => `
title: ${name}
name: ${name}
level: ${level}
correlation:
  timespan: 20s
${text.replaceAll(/^/gm, '  ')}`;

const PERSONS = 'type: value_count\nrules: [read]\ncondition: {gte: 4, field: portal.records.ids}\n';
const RULES = [
  BASE,
  correlation('by_user_and_application', `${PERSONS}group-by: [user.id, service.name]`),
  correlation('by_organisation', `${PERSONS}group-by: [organization.id]`),
  correlation(
    'reset_then_reads',
    `type: temporal_ordered
rules: [reset, read]
group-by: [account]
aliases: {account: {reset: user.target.id, read: user.id}}`,
  ),
  correlation(
    'bytes',
    `type: value_sum
rules: [read]
group-by: [user.id]
condition: {gte: 4000, field: http.response.body.bytes}`,
  ),
  `${correlation(
    'by_department',
    `type: event_count
rules: [read]
group-by: [custom.department, service.name]
condition: {gte: 4}`,
  )}
vigie.missing_fields: group`,
  correlation('all', 'type: event_count\nrules: [read, reset]\ncondition: {gt: 8}'),
  correlation('burst', `${PERSONS}group-by: [user.id, service.name]`, 'informational'),
  correlation(
    'bursts_in_two_applications',
    'type: value_count\nrules: [burst]\ngroup-by: [user.id]\ncondition: {gte: 2, field: service.name}',
  ),
].join('\n---');

interface Found {
  readonly alerts: readonly Alert[];
  readonly archive: readonly ArchivedEvent[];
}

/** What the service makes of a log: its alerts, and its archive. */
async function served(log: readonly object[], rules = RULES): Promise<Found> {
  const alerts = new Map<string, Alert>();
  const archive: ArchivedEvent[] = [];
  const ruleSet = parseRules([{ file: 'rules.yml', text: rules }]);
  expect(ruleSet.faults.filter(({ severity }) => severity === 'error')).toEqual([]);
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [{ partition: 0, committedOffset: undefined } as never] };
      yield batch(0, log.length, ...log.map((event) => JSON.stringify(event)));
    },
    options: {
      ruleSet,
      archive: true,
      personFields: SETTINGS.personFields,
      sink: {
        ...silentSink,
        writeAlerts: async (written) => written.forEach((alert) => alerts.set(alert.alertId, alert)),
        writeEvents: async (written) => void archive.push(...written.map(throughTable)),
      },
    },
  });
  await pipeline.run(signal);
  return { alerts: [...alerts.values()].filter(({ status }) => status !== 'merged'), archive };
}

/** Finds what a table would, some rows at a time. */
function storeOf(archive: readonly ArchivedEvent[]): {
  reads: (question: ReadsQuestion) => Promise<ReadsPage>;
} {
  return {
    reads: async ({ after, upTo, anyOf, from }) => {
      const found = archive
        .filter(({ time }) => time > after && time <= upTo)
        .filter((event) =>
          anyOf.some((all) =>
            all.every(({ field, value }) => [event.fields[field] ?? []].flat().includes(value)),
          ),
        );
      const start = from === undefined ? 0 : Number(from.eventId);
      const end = start + 7;
      const next = end < found.length ? { userId: '', time: 0, eventId: String(end) } : undefined;
      return { events: found.slice(start, end), next };
    },
  };
}

async function personsOf(belonging: Belonging, { archive }: Found): Promise<number> {
  return (await affectedPersons(storeOf(archive), belonging, signal)).count;
}

function randomLog(seed: number): object[] {
  const below = randomOf(seed);
  const pick = <T>(...choices: readonly T[]): T => choices[below(choices.length)]!;
  let time = T0;
  return Array.from({ length: 400 }, (_, i) => {
    time += below(4) === 0 ? below(30_000) : below(1500);
    const user = pick('u1', 'u2', 'u3', 'keeper');
    const about = { '@timestamp': new Date(time).toISOString(), user: { id: user }, event: { id: `e${i}` } };
    if (below(8) === 0) {
      return {
        ...about,
        event: { id: `e${i}`, action: 'password-reset' },
        user: { id: 'helpdesk', target: { id: user } },
        custom: pick<object>({ by: null }, { by: '' }, {}),
      };
    }
    return {
      ...about,
      event: { id: `e${i}`, action: pick('record-view', 'record-view', 'record-view', 'login') },
      service: { name: pick('kairos', 'portail') },
      organization: pick<object>({ id: 'o1' }, { id: ['o1', 'o2'] }, {}, { id: '' }),
      http: pick<object>({ response: { body: { bytes: 500 + below(1500) } } }, {}),
      custom: pick<object>(
        { place: 'here', department: 'd1' },
        { place: '', department: '' },
        { place: 7 },
        { place: 'here', department: null },
        { place: null },
        {},
      ),
      portal: {
        records: {
          ids: Array.from({ length: 1 + below(3) }, () => `p${below(60)}`),
          ...pick<object>({ out_of_scope_count: 0 }, { out_of_scope_count: 1 }, {}, {}),
        },
      },
    };
  });
}

test('of every rule on events, whatever its group-by, aliases, filters and missing fields, the numbers agree', async () => {
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= 12; seed += 1) {
    const found = await served(randomLog(seed));
    const ruleSet = parseRules([{ file: 'rules.yml', text: RULES }]);
    for (const alert of found.alerts) {
      if (alert.rule === 'bursts_in_two_applications') continue;
      const what = `seed ${seed}: ${alert.rule} ${JSON.stringify(alert.group)} at ${alert.crossedAt - T0}`;
      expect(await personsOf(readsOfRule(alert, ruleSet, SETTINGS), found), what).toBe(alert.persons);
      seen.set(alert.rule, (seen.get(alert.rule) ?? 0) + 1);
    }
  }
  expect([...seen.keys()].toSorted()).toEqual(
    [
      'all',
      'by_department',
      'by_organisation',
      'by_user_and_application',
      'bytes',
      'reset_then_reads',
    ].toSorted(),
  );
});

const at = (second: number, user: string, persons: readonly string[], more: object = {}): object => ({
  '@timestamp': new Date(T0 + second * 1000).toISOString(),
  event: { id: `${user}-${second}`, action: 'record-view' },
  user: { id: user },
  service: { name: 'kairos' },
  custom: { place: 'here' },
  portal: { records: { ids: persons } },
  ...more,
});

test('a chain counts no persons itself; listed are the reads by which the rules below it came to fire', async () => {
  const found = await served([
    at(0, 'u1', ['before']),
    at(100, 'u1', ['a', 'b']),
    at(101, 'u2', ['x', 'y', 'z', 'w']),
    at(110, 'u1', ['c', 'd']),
    at(150, 'u1', ['nothing came of it'], { service: { name: 'third' } }),
    at(115, 'u1', ['e', 'f', 'g', 'h'], { service: { name: 'portail' } }),
    at(200, 'u1', ['after']),
  ]);
  const chain = found.alerts.find(({ rule }) => rule === 'bursts_in_two_applications')!;
  expect(chain).toMatchObject({ group: { 'user.id': 'u1' }, persons: 0 });
  const ruleSet = parseRules([{ file: 'rules.yml', text: RULES }]);
  const affected = await affectedPersons(
    storeOf(found.archive),
    readsOfRule(chain, ruleSet, SETTINGS),
    signal,
  );
  expect(affected).toMatchObject({ count: 8, reads: 3, first: T0 + 100_000, last: T0 + 115_000 });
});

test('late events that no window took any more are listed: their persons were read all the same', async () => {
  const found = await served([
    ...Array.from({ length: 5 }, (_, i) => at(100 + i, 'u1', [`p${i}`])),
    at(180, 'u2', ['other']),
    at(95, 'u1', ['late']),
  ]);
  const alert = found.alerts.find(({ rule }) => rule === 'by_user_and_application')!;
  expect(alert.persons).toBe(5);
  const ruleSet = parseRules([{ file: 'rules.yml', text: RULES }]);
  expect(await personsOf(readsOfRule(alert, ruleSet, SETTINGS), found)).toBe(6);
});

describe('a rule that is not what it was', () => {
  const log = Array.from({ length: 5 }, (_, i) => at(i, 'u1', [`p${i}`]));
  const remedy = expect.stringMatching(/--rules PATH.*--all-reads/);

  test.each([
    ['is gone', (text: string) => text.replaceAll('by_user_and_application', 'another'), 'ALERT_RULE_GONE'],
    ['has another threshold', (text: string) => text.replaceAll('gte: 4,', 'gte: 3,'), 'ALERT_RULE_CHANGED'],
    [
      'has another base',
      (text: string) => text.replaceAll('record-view', 'record-list'),
      'ALERT_RULE_CHANGED',
    ],
    ['has another filter', (text: string) => text.replaceAll('keeper}', 'u9}'), 'ALERT_RULE_CHANGED'],
  ])('because it %s is named, with what can be done', async (_why, change, code) => {
    const { alerts } = await served(log);
    const alert = alerts.find(({ rule }) => rule === 'by_user_and_application')!;
    const changed = parseRules([{ file: 'rules.yml', text: change(RULES) }]);
    const message = expect.stringContaining('by_user_and_application');
    expect(() => readsOfRule(alert, changed, SETTINGS)).toThrow(
      expect.objectContaining({ code, message, remedy }),
    );
  });

  test('is no hindrance where only people read the difference', async () => {
    const found = await served(log);
    const alert = found.alerts.find(({ rule }) => rule === 'by_user_and_application')!;
    const text = RULES.replaceAll('level: high', 'level: critical');
    const retold = parseRules([{ file: 'rules.yml', text }]);
    expect(await personsOf(readsOfRule(alert, retold, SETTINGS), found)).toBe(5);
  });

  test('is not asked for all reads of the group in the time', async () => {
    const found = await served([
      ...log,
      at(3.5, 'u1', ['by export'], { event: { id: 'x', action: 'record-export' } }),
      at(3.6, 'u1', ['elsewhere'], { service: { name: 'portail' } }),
      at(9, 'u1', ['afterwards'], { event: { id: 'y', action: 'record-export' } }),
    ]);
    const alert = found.alerts.find(({ rule }) => rule === 'by_user_and_application')!;
    expect(alert.persons).toBe(5);
    expect(await personsOf(allReads(alert, SETTINGS), found)).toBe(6);
  });
});

test('a rule that searches whole events is refused: the archive holds some fields of them', async () => {
  const rules = RULES.replace('{event.action: record-view}', "['record-view']");
  const { alerts } = await served(
    Array.from({ length: 5 }, (_, i) => at(i, 'u1', [`p${i}`])),
    rules,
  );
  const ruleSet = parseRules([{ file: 'rules.yml', text: rules }]);
  expect(() => readsOfRule(alerts[0]!, ruleSet, SETTINGS)).toThrow(
    expect.objectContaining({ code: 'ALERT_RULE_KEYWORDS', remedy: expect.stringContaining('--all-reads') }),
  );
});
