import { expect, test } from 'vitest';
import { relations, taken } from '../../../src/cli/alerts.ts';
import { alertFixture } from '../../support/alert-fixture.ts';

test('an alert is shown with those that it stands below or was merged with, and else without', () => {
  expect(relations({ inhibitedBy: '', mergedInto: '', mergedFrom: [] })).toEqual([]);
  expect(relations({ inhibitedBy: 'aa', mergedInto: 'bb', mergedFrom: ['cc', 'dd'] })).toEqual([
    ['inhibited by', 'aa'],
    ['merged into', 'bb'],
    ['merged from', 'cc, dd'],
  ]);
});

test('an alert whose events hold no records says so, not that nobody was read, and where to look', () => {
  const nothing = { persons: 0, records: 0, recordsBeforeAlert: 0, bytes: 0, categories: [] };
  const chain = alertFixture({ ...nothing, group: { 'user.id': 'u-7f3a' } });
  expect(taken(chain)).toEqual([
    ['records', 'none in these events; other alerts may hold some (vigie alerts list --who "u-7f3a")'],
  ]);
  const theft = alertFixture({
    persons: 3,
    records: 4,
    recordsBeforeAlert: 2,
    bytes: 10,
    categories: ['nir'],
  });
  expect(taken({ ...theft, personsEstimated: false, totalsEstimated: false })).toEqual([
    ['persons', '3'],
    ['records', '4, 2 of them before the alert'],
    ['data', '10 B, nir'],
  ]);
});
