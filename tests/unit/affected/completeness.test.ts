import { describe, expect, test } from 'vitest';
import {
  accountsText,
  type Facts,
  isIncomplete,
  nothingToList,
  remarks,
  summaryOf,
} from '../../../src/affected/completeness.ts';
import { alertFixture } from '../../support/alert-fixture.ts';

const T0 = Date.UTC(2025, 6, 12, 21);
const alert = alertFixture({
  status: 'resolved',
  persons: 120,
  personsEstimated: false,
  records: 130,
  firstEventAt: T0,
});
const affected = { count: 120, reads: 130, first: T0, last: T0 + 60_000, withoutId: 0 };
const whole: Facts = { alert, archive: { oldest: T0 - 1, newest: T0 + 1e6 }, affected, isByRule: true };

describe('who read them', () => {
  const group = { 'organization.id': 'o-1' };
  const accounts = new Map([
    ['u-2', 10],
    ['u-1', 1200],
  ]);

  test('is said of an alert that is about more than an account: these are to be closed', () => {
    expect(accountsText({ group }, { accounts })).toBe('read by 2 accounts: u-1 (1,200 reads), u-2 (10)');
  });

  test('is not repeated where the alert is about that account', () => {
    const one = new Map([['u-1', 5]]);
    expect(accountsText({ group: { 'user.id': 'u-1' } }, { accounts: one })).toBeUndefined();
    expect(accountsText({ group }, { accounts: one })).toBe('read by 1 account: u-1 (5 reads)');
  });

  test('is said of the busiest, and how many more there are', () => {
    const many = new Map(Array.from({ length: 31_000 }, (_, i) => [`u-${i}`, i] as const));
    expect(accountsText({ group }, { accounts: many })).toMatch(
      /^read by 31,000 accounts: u-30999 \(30,999 reads\), .*, u-30980 \(30,980\) and 30,980 more$/,
    );
  });

  test('is not made up where the log names no account', () => {
    expect(accountsText({ group }, { accounts: new Map() })).toBeUndefined();
  });
});

describe('of a list of affected persons', () => {
  test('that agrees with its alert nothing is to be said but what it is', () => {
    expect(summaryOf(whole)).toBe(
      '120 persons, 130 reads, from 2025-07-12 21:00:00.000 UTC to 2025-07-12 21:01:00.000 UTC',
    );
    expect(remarks(whole)).toEqual([]);
    expect(isIncomplete(whole)).toBe(false);
  });

  test('with more persons than its alert counts, both numbers are said: late events are reads all the same', () => {
    const facts = { ...whole, affected: { ...affected, count: 122 } };
    expect(summaryOf(facts)).toMatch(/^122 persons, .*; the alert counts 120$/);
    expect(isIncomplete(facts)).toBe(false);
  });

  test('with fewer persons than its alert counts exactly, that it is not whole is said, with the settings', () => {
    const facts = { ...whole, affected: { ...affected, count: 119 } };
    expect(isIncomplete(facts)).toBe(true);
    expect(remarks(facts)).toEqual([
      expect.stringMatching(/^INCOMPLETE: .*VIGIE_ARCHIVE\b.*VIGIE_ARCHIVE_DAYS/),
    ]);
  });

  test('with somewhat fewer persons than its alert estimates, it is whole', () => {
    const facts = {
      ...whole,
      alert: { ...alert, persons: 340_938, personsEstimated: true },
      affected: { ...affected, count: 340_000 },
    };
    expect(summaryOf(facts)).toMatch(/; the alert counts about 340,938$/);
    expect(isIncomplete(facts)).toBe(false);
    expect(isIncomplete({ ...facts, affected: { ...affected, count: 300_000 } })).toBe(true);
  });

  test('whose archive begins after the alert does, that it is not whole is said, even where the numbers agree', () => {
    const facts = { ...whole, archive: { oldest: T0 + 1, newest: T0 + 1e6 } };
    expect(isIncomplete(facts)).toBe(true);
    expect(remarks(facts)).toEqual([
      expect.stringMatching(/^INCOMPLETE: the archive begins at .*VIGIE_ARCHIVE_DAYS/),
    ]);
  });

  test.each([
    [
      'records have no person id',
      { affected: { ...affected, withoutId: 1200 } },
      /^1,200 records have no person id/,
    ],
    ['the alert goes on', { alert: { ...alert, status: 'firing' } }, /^the alert goes on/],
    [
      'the alert was merged',
      { alert: { ...alert, status: 'merged', mergedInto: 'ab12' } },
      /merged into ab12/,
    ],
    ['its rule’s version is not known', { alert: { ...alert, ruleHash: '' } }, /which version of its rule/],
    ['it counts firings', { alert: { ...alert, persons: 0, records: 0 } }, /alerts of those rules/],
  ] as const)('is said that %s', (_what, changes, said) => {
    expect(remarks({ ...whole, ...changes })).toEqual([expect.stringMatching(said)]);
  });
});

test('of all reads of a group that none is archived of, that an alias is no field is said', () => {
  const facts = { ...whole, affected: { withoutId: 0 } };
  expect(nothingToList({ ...facts, isByRule: false }).remedy).toMatch(/alias.*--rules/);
  expect(nothingToList(facts).remedy).toMatch(/--all-reads/);
});

describe('where nobody can be listed', () => {
  test.each([
    ['nothing is archived', alert, null, 0, 'ARCHIVE_EMPTY'],
    ['no read of the alert is archived', alert, whole.archive, 0, 'READS_NOT_ARCHIVED'],
    ['the log has no ids', alert, whole.archive, 5, 'PERSONS_UNKNOWN'],
    [
      'the rule counts no reads',
      { ...alert, persons: 0, records: 0 },
      whole.archive,
      0,
      'ALERT_WITHOUT_READS',
    ],
  ] as const)('because %s, that is an error with a remedy', (_why, of, archive, withoutId, code) => {
    const error = nothingToList({ alert: of, archive, affected: { withoutId }, isByRule: true });
    expect(error).toMatchObject({ code, remedy: expect.any(String) });
    if (/ARCHIVE/.test(code)) expect(error.remedy).toMatch(/VIGIE_ARCHIVE=true.*VIGIE_ARCHIVE_DAYS/);
  });
});
