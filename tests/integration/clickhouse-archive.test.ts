/** Asking the archive for reads, of the embedded engine and of a server over HTTP. */

import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { ClickHouseAlertStore } from '../../src/sink/alert-store.ts';
import type { ReadsQuestion } from '../../src/sink/archive-reads.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import type { ClickHouse } from '../../src/sink/client.ts';
import type { ArchivedEvent } from '../../src/sink/sink.ts';
import { alertFixture } from '../support/alert-fixture.ts';
import { testDatabases } from '../support/test-databases.ts';

const T0 = Date.UTC(2025, 6, 12, 19);
const PERSONS = { 'portal.records.ids': ['00ab34cd56ef7801'] };

const read = (eventId: string, fields: ArchivedEvent['fields'], time = T0): ArchivedEvent => ({
  eventId,
  time,
  fields: { ...PERSONS, ...fields },
});

const nobody = (eventId: string, fields: ArchivedEvent['fields']): ArchivedEvent => ({
  eventId,
  time: T0,
  fields,
});

const by = (eventId: string, user: string, application: string): ArchivedEvent =>
  read(eventId, { 'user.id': user, 'service.name': application });

const of = (field: string, value: string): Partial<ReadsQuestion> => ({ anyOf: [[{ field, value }]] });

describe.each(['embedded', 'server'] as const)('the archive of ClickHouse, %s', (kind) => {
  const databases = testDatabases(kind, 'vigie_archive');
  let clickHouse: ClickHouse;
  let sink: ClickHouseSink;
  let store: ClickHouseAlertStore;

  beforeEach(async () => {
    clickHouse = databases.current();
    sink = new ClickHouseSink(clickHouse, { archiveDays: 0 });
    await sink.open();
    store = new ClickHouseAlertStore(clickHouse, systemClock);
  });

  /** Ids of the events of all pages, a list each. */
  async function pages(question: Partial<ReadsQuestion>): Promise<string[][]> {
    const found: string[][] = [];
    let from: ReadsQuestion['from'];
    do {
      const { events, next } = await store.reads({
        after: T0 - 1,
        upTo: T0 + 1e6,
        anyOf: [[]],
        ...question,
        ...(from === undefined ? {} : { from }),
      });
      found.push(events.map(({ eventId }) => eventId));
      from = next;
    } while (from !== undefined);
    return found;
  }

  test('says what it reaches over, and that it is empty', async () => {
    expect(await store.archive()).toBeNull();
    await sink.writeEvents([read('a', {}, T0 + 7), read('b', {}, T0 - 86_400_000)]);
    expect(await store.archive()).toEqual({ oldest: T0 - 86_400_000, newest: T0 + 7 });
  });

  test('gives an event back as it was archived, once, however often it was written', async () => {
    const fields = {
      ...PERSONS,
      'event.action': 'record-view',
      'user.id': 'u-1',
      'portal.records.count': '50',
      'portal.records.out_of_scope_count': '0',
      'organization.id': '',
      'portal.records.sensitivity': ['nir', 'bank'],
      'custom.place': ['here', 'there'],
      'custom.none': [],
    };
    const event = { eventId: 'e', time: T0 + 1, fields };
    await sink.writeEvents([event]);
    await sink.writeEvents([event]);
    const { events, next } = await store.reads({ after: T0, upTo: T0 + 1, anyOf: [[]] });
    expect(next).toBeUndefined();
    expect(events).toEqual([event]);
  });

  test('gives reads only: what shows nobody is no page of anybody', async () => {
    await sink.writeEvents([
      nobody('login', { 'user.id': 'u-1' }),
      nobody('counted', { 'user.id': 'u-1', 'portal.records.count': '5' }),
      nobody('oddly counted', { 'user.id': 'u-1', 'portal.records.count': '5.5' }),
      read('read', { 'user.id': 'u-1' }),
    ]);
    expect(await pages({})).toEqual([['counted', 'oddly counted', 'read']]);
  });

  test('takes the time after the first and up to the second', async () => {
    await sink.writeEvents([0, 1, 2, 3].map((ms) => read(`e${ms}`, {}, T0 + ms)));
    expect(await pages({ after: T0, upTo: T0 + 2 })).toEqual([['e1', 'e2']]);
  });

  test.each([
    ['a text', 'user.id', 'u-1'],
    ['a text among others', 'user.id', ['u-0', 'u-1'], 'u-1'],
    ['a list', 'user.roles', ['rgc', 'conseiller'], 'rgc'],
    ['a number', 'source.as.number', '64500'],
    ['a number with zeros before it', 'source.as.number', '064500'],
    ['a field without a column', 'custom.place', 'here'],
    ['quotes and the like', 'user.id', `u-'\\{x:String}"\n\t--`],
    ['letters beyond ASCII', 'user.id', 'É😀'],
  ] as const)(
    'finds %s where a field holds it, and nothing else',
    async (_what, field, value, wanted?: string) => {
      const list = typeof value === 'string' ? value : [...value];
      await sink.writeEvents([
        read('it', { [field]: list }),
        read('other', { [field]: 'x' }),
        read('none', {}),
      ]);
      expect(await pages(of(field, wanted ?? (value as string)))).toEqual([['it']]);
    },
  );

  test.each([
    ['a zero', 'source.as.number', '0'],
    ['an empty text', 'organization.id', ''],
  ])(
    'finds %s where a field holds it, and leaves to the rule what may have none',
    async (_what, field, value) => {
      await sink.writeEvents([
        read('it', { [field]: value }),
        read('other', { [field]: '7' }),
        read('none', {}),
      ]);
      expect(await pages(of(field, value))).toEqual([['it', 'none']]);
    },
  );

  test('finds what holds all values of one of several groups', async () => {
    await sink.writeEvents([by('a', 'u-1', 'kairos'), by('b', 'u-1', 'portail'), by('c', 'u-2', 'portail')]);
    const anyOf = [
      [
        { field: 'user.id', value: 'u-1' },
        { field: 'service.name', value: 'kairos' },
      ],
      [{ field: 'user.id', value: 'u-2' }],
    ];
    expect(await pages({ anyOf })).toEqual([['a', 'c']]);
    expect(await pages({ anyOf: [] })).toEqual([[]]);
  });

  test('gives each event once over pages that are bounded in bytes, also where one is larger than that', async () => {
    const events = Array.from({ length: 30 }, (_, i) =>
      read(`e${String(i).padStart(2, '0')}`, {
        'user.id': `u-${i % 3}`,
        'url.path': 'x'.repeat(i === 7 ? 6 << 20 : 700_000),
      }),
    );
    await sink.writeEvents(events);
    const found = await pages({});
    expect(found.length).toBeGreaterThan(4);
    expect(Math.max(...found.map(({ length }) => length))).toBeLessThan(8);
    expect(found.flat().toSorted()).toEqual(events.map(({ eventId }) => eventId));
  });

  test('gives each event once over pages that are bounded in rows', async () => {
    const events = Array.from({ length: 12_000 }, (_, i) =>
      read(`e${i}`, { 'user.id': `u-${i % 7}` }, T0 + (i % 50)),
    );
    await sink.writeEvents(events);
    const found = await pages({});
    expect(found.length).toBeGreaterThan(2);
    expect(new Set(found.flat()).size).toBe(12_000);
    expect(found.flat()).toHaveLength(12_000);
  });

  test('an export of persons is kept with their number, and changes no state of the alert', async () => {
    await sink.writeAlerts([alertFixture({ alertId: 'aa' })]);
    const detail = await store.act({
      alertId: 'aa',
      action: 'export',
      actor: 'dpo',
      reason: '72 h',
      persons: 340_000,
      identified: 339_998,
    });
    expect(detail).toMatchObject({ state: 'new', comments: 0 });
    expect(detail.actions).toMatchObject([
      { action: 'export', actor: 'dpo', reason: '72 h', persons: 340_000, identified: 339_998 },
    ]);
    const other = await store.act({ alertId: 'aa', action: 'acknowledge', actor: 'anne' });
    expect(other.actions[1]).not.toHaveProperty('persons');
    await expect(store.act({ alertId: 'aa', action: 'export', actor: 'dpo' })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    });
  });
});
