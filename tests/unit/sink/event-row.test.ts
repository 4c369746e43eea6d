import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ARCHIVED_FIELDS, eventInserts, eventToRow } from '../../../src/sink/event-row.ts';
import type { ArchivedEvent } from '../../../src/sink/sink.ts';
import { throughTable } from '../../support/archived-row.ts';

const DAY_MS = 86_400_000;
const at = (time: number, fields: ArchivedEvent['fields'] = {}): ArchivedEvent => ({
  eventId: 'e',
  time,
  fields,
});

describe('an archived event as a row', () => {
  test('fields with a column go there, numbers as numbers', () => {
    const row = eventToRow(
      at(5, {
        'user.id': 'u-1',
        'http.response.status_code': '200',
        'portal.records.ids': ['00aa'],
        'user.roles': 'rgc',
      }),
    );
    expect(row).toEqual({
      event_id: 'e',
      time: 5,
      user_id: 'u-1',
      http_status: 200,
      persons: ['00aa'],
      user_roles: ['rgc'],
    });
  });

  test.each([
    ['a word where a number belongs', 'http.response.status_code', 'abc'],
    ['a number too large for its column', 'http.response.status_code', '70000'],
    ['a negative count', 'portal.records.count', '-1'],
    ['several values where one belongs', 'user.id', ['a', 'b']],
    ['a field without a column', 'custom.thing', 'x'],
    ['a field named like an object’s own machinery', '__proto__', 'x'],
  ])('%s is kept apart instead of failing the batch', (_what, path, value) => {
    const fields = Object.fromEntries([[path, value]]) as ArchivedEvent['fields'];
    const row = JSON.parse(JSON.stringify(eventToRow(at(5, fields)))) as { other: unknown };
    expect(Object.entries(row.other as object)).toEqual([
      [path, typeof value === 'string' ? [value] : value],
    ]);
  });

  test('half a surrogate pair, which ClickHouse refuses, becomes the replacement character', () => {
    const row = eventToRow(at(5, { 'user.id': 'a\ud800b', 'custom.thing': ['\udc00', '\u{1f600}'] }));
    expect(row).toMatchObject({ user_id: 'a\ufffdb', other: { 'custom.thing': ['\ufffd', '\u{1f600}'] } });
  });

  test.each([
    ['an empty text', 'user.id', ''],
    ['a zero', 'portal.records.count', '0'],
    ['a number with a leading zero', 'source.as.number', '064500'],
    ['a field that is there without a value', 'organization.id', []],
    ['a list that is there without a value', 'portal.records.ids', []],
  ])('%s is told from a field that is absent', (_what, path, value) => {
    expect(throughTable(at(5, { [path]: value })).fields).toEqual({ [path]: value });
    expect(throughTable(at(5)).fields).toEqual({});
  });

  test('whatever an event holds comes back as it was', () => {
    const path = fc.oneof(fc.constantFrom(...ARCHIVED_FIELDS), fc.string());
    const text = fc.string({ unit: 'grapheme' });
    const value = fc.oneof(text, fc.array(text), fc.nat().map(String));
    fc.assert(
      fc.property(fc.dictionary(path, value), (fields) => {
        const event = { eventId: 'e', time: 7, fields };
        expect(alike(throughTable(event))).toEqual(alike(event));
      }),
    );
  });
});

/** A list of one value and that value mean the same. */
function alike({ fields, ...event }: ArchivedEvent): unknown {
  const lists = Object.entries(fields).map(([path, value]) => [path, [value].flat()] as const);
  return { ...event, fields: new Map(lists.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

describe('cutting events into inserts', () => {
  test('no insert touches more partitions or rows than allowed, and every event is in one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -300, max: 300 })),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        (days, maxRows, maxDays) => {
          const events = days.map((day, index) => ({ ...at(day * DAY_MS + index), eventId: String(index) }));
          const inserts = eventInserts(events, maxRows, maxDays);
          for (const insert of inserts) {
            expect(insert.length).toBeLessThanOrEqual(maxRows);
            expect(new Set(insert.map((event) => Math.floor(event.time / DAY_MS))).size).toBeLessThanOrEqual(
              maxDays,
            );
          }
          expect(
            inserts
              .flat()
              .map((event) => event.eventId)
              .toSorted(),
          ).toEqual(events.map((event) => event.eventId).toSorted());
        },
      ),
    );
  });
});
