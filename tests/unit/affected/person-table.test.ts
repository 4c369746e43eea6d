import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AffectedPersons } from '../../../src/affected/affected-persons.ts';
import { pseudonymText } from '../../../src/event/pseudonyms.ts';
import type { ArchivedEvent } from '../../../src/sink/sink.ts';

const pseudonym = (n: number): string => pseudonymText(Math.imul(n, 0x9e3779b1), n);

function read(time: number, persons: readonly number[], fields: ArchivedEvent['fields'] = {}): ArchivedEvent {
  return { eventId: `e${time}`, time, fields: { 'portal.records.ids': persons.map(pseudonym), ...fields } };
}

function affectedBy(events: readonly ArchivedEvent[]): AffectedPersons {
  const affected = new AffectedPersons();
  for (const event of events) affected.take(event);
  return affected;
}

test('each person is listed once, with what a list of the reads by hand says of them', () => {
  const event = fc.record({
    time: fc.nat({ max: 1000 }),
    persons: fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 12 }),
    application: fc.constantFrom('a', 'b', 'c'),
    categories: fc.subarray(['nir', 'bank', 'contact']),
  });
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const byHand = Map.groupBy(
        events.flatMap((each) => [...new Set(each.persons)].map((person) => ({ ...each, person }))),
        ({ person }) => pseudonym(person),
      );
      const affected = affectedBy(
        events.map(({ time, persons, application, categories }) =>
          read(time, persons, { 'service.name': application, 'portal.records.sensitivity': categories }),
        ),
      );
      const listed = [...affected.persons()];
      expect(affected.count).toBe(byHand.size);
      expect(affected.reads).toBe(events.length);
      expect(new Map(listed.map((person) => [person.pseudonym, person]))).toEqual(
        new Map(
          [...byHand].map(([name, reads]) => [
            name,
            {
              pseudonym: name,
              id: '',
              reads: reads.length,
              firstRead: Math.min(...reads.map(({ time }) => time)),
              lastRead: Math.max(...reads.map(({ time }) => time)),
              applications: sorted(reads.map(({ application }) => application)),
              organisations: [],
              categories: sorted(reads.flatMap(({ categories }) => categories)),
            },
          ]),
        ),
      );
      expect(listed.map(({ firstRead }) => firstRead)).toEqual(
        listed.map(({ firstRead }) => firstRead).toSorted((a, b) => a - b),
      );
    }),
  );
});

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].toSorted();
}

test('many persons are told apart, and found by the words of their pseudonyms', () => {
  const persons = Array.from({ length: 30_000 }, (_, i) => i);
  const affected = affectedBy([read(1, persons), read(2, persons.slice(0, 10))]);
  expect(affected.count).toBe(30_000);
  affected.identify(Math.imul(7, 0x9e3779b1) >>> 0, 7, 'person 7');
  affected.identify(Math.imul(7, 0x9e3779b1) >>> 0, 7, 'another');
  affected.identify(1, 2, 'nobody here');
  expect(affected.identified).toBe(1);
  const listed = [...affected.persons()];
  expect(listed.filter(({ id }) => id !== '')).toMatchObject([{ pseudonym: pseudonym(7), id: 'person 7' }]);
  expect(listed.filter(({ reads }) => reads === 2)).toHaveLength(10);
});

test('records without a person’s id are counted, and their read is none of anybody', () => {
  const affected = affectedBy([
    read(1, [1, 2], { 'portal.records.count': '50' }),
    read(2, [3], { 'portal.records.count': '1' }),
    { eventId: 'e', time: 3, fields: { 'portal.records.count': '20' } },
    // Fewer than are listed, or no number: what is listed counts, as it does for alerts.
    read(4, [4, 5], { 'portal.records.count': '1' }),
    read(5, [4], { 'portal.records.count': 'many' }),
  ]);
  expect(affected).toMatchObject({ withoutId: 68, reads: 4, count: 5, first: 1, last: 5 });
});

test('reads are counted by the account that made them, where the log names one', () => {
  const affected = affectedBy([
    read(1, [1], { 'user.id': 'u-1' }),
    read(2, [2], { 'user.id': 'u-2' }),
    read(3, [1, 2], { 'user.id': 'u-1' }),
    read(4, [3]),
    { eventId: 'e', time: 5, fields: { 'user.id': 'u-3', 'portal.records.count': '20' } },
  ]);
  expect([...affected.accounts]).toEqual([
    ['u-1', 2],
    ['u-2', 1],
  ]);
});

test('two organisations of one name are told apart by their ids, as alerts do', () => {
  const agency = { 'organization.name': 'Agence' };
  const [a, b] = ['A', 'B'].map((id) => ({ ...agency, 'organization.id': id }));
  const [both, one] = affectedBy([read(1, [1], a), read(2, [1], b), read(3, [2], b)]).persons();
  expect(both!.organisations).toEqual(['Agence (A)', 'Agence (B)']);
  expect(one!.organisations).toEqual(['Agence']);
});

test('ids that are no pseudonyms are not listed', () => {
  const raw = { eventId: 'e', time: 1, fields: { 'portal.records.ids': ['0012345678A'] } };
  expect(() => affectedBy([raw])).toThrow(
    expect.objectContaining({
      code: 'ARCHIVE_NOT_PSEUDONYMS',
      remedy: expect.stringContaining('VIGIE_PERSON_FIELDS'),
    }),
  );
});
