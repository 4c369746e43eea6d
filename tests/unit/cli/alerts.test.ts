import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { detailText, relations, row, taken } from '../../../src/cli/alerts.ts';
import type { AlertDetail } from '../../../src/sink/alert-store.ts';
import { alertFixture, UNTOUCHED } from '../../support/alert-fixture.ts';

function detail(changes: Partial<AlertDetail>): string {
  return detailText({ ...alertFixture(), ...UNTOUCHED, mergedFrom: [], actions: [], ...changes });
}

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
    ['records', "none in these events; other alerts may hold some (vigie alerts list --who 'u-7f3a')"],
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

test('an alert of a condition over rule names has no threshold, and none is left blank', () => {
  expect(detail({ value: 2, threshold: [], usualUpTo: null })).toMatch(
    /^.*value.* 2 \(condition over rule names\)$/m,
  );
  expect(detail({ value: 2, threshold: [{ op: 'gte', value: 2 }] })).toMatch(/ 2 \(threshold gte 2.*\)$/m);
});

test('a command to copy asks for the account’s very name, whatever a shell would make of it', () => {
  const nothing = { persons: 0, records: 0, recordsBeforeAlert: 0, bytes: 0, categories: [] };
  const names = ['$(echo gone)', '`id`', `o'hara"; ls`, '-x', '$HOME\\ ', ' u 1 '];
  for (const name of names) {
    const [[, text]] = taken(alertFixture({ ...nothing, group: { 'user.id': name } })) as [[string, string]];
    const words = /--who (.*)\)$/.exec(text)![1]!;
    expect(execFileSync('sh', ['-c', `printf %s ${words}`], { encoding: 'utf8' })).toBe(name);
  }
});

test('of an account whose name would steer a terminal no command is made, as none could be copied', () => {
  const nothing = { persons: 0, records: 0, recordsBeforeAlert: 0, bytes: 0, categories: [] };
  expect(taken(alertFixture({ ...nothing, group: { 'user.id': 'u-\u001b[2J' } }))).toEqual([
    ['records', 'none in these events; other alerts may hold some (vigie alerts list --who VALUE)'],
  ]);
});

test('nobody who chooses an account’s name, or another value of an alert, chooses what a terminal does', () => {
  const evil = 'u-\u001b[2Jall quiet\n\u009b1m\u202e';
  const alert = {
    ...alertFixture({
      group: { 'user.id': evil, [evil]: evil },
      title: evil,
      tags: [evil],
      runbook: evil,
      accounts: [evil, `${evil}2`],
      applications: [evil],
      organisations: [evil],
      sourceNetworks: [evil],
      categories: [evil],
      sampleEventIds: [evil],
    }),
    state: 'acknowledged' as const,
    assignee: evil,
    acknowledgedBy: evil,
    acknowledgedAt: 1,
    notifyBy: 2,
    closedBy: '',
    closedAt: null,
    closeReason: '',
    comments: 0,
    mergedFrom: [],
    actions: [
      { alertId: 'aa', action: 'assign' as const, actor: evil, assignee: evil, reason: 'a\nb\u001b', at: 1 },
    ],
  };
  const told = detailText(alert);
  expect(told).toContain('u-\\u{1b}[2Jall quiet\\u{a}\\u{9b}1m\\u{202e}');
  expect(told).toContain(': a\nb\\u{1b}\n');
  for (const text of [...told.split('\n'), ...row(alert)]) expect(text).not.toMatch(/[\p{Cc}\u202e]/u);
});

test('an alert on an organisation names the accounts that took part, as many as a line holds', () => {
  const many = Array.from({ length: 13 }, (_, i) => `u-${100 + i}`);
  expect(detail({ group: { 'organization.id': 'o' }, accounts: many })).toMatch(
    /^accounts +u-100, (.*), u-109, and 3 more \(--json lists them\)$/m,
  );
  expect(detail({ group: { 'user.id': 'u-1' }, accounts: ['u-1', 'u-2'] })).toMatch(/^accounts +u-1, u-2$/m);
  expect(detail({ group: { 'user.id': 'u-1' }, accounts: ['u-1'] })).not.toMatch(/^accounts/m);
});

test('an alert says until when a breach has to be notified, counted from the acknowledgement once there is one', () => {
  expect(detail({})).toMatch(
    /^notify by +2025-07-15 19:00:04.000 UTC if it is a breach of personal data: 72 hours from its detection/m,
  );
  const acknowledged = { acknowledgedBy: 'anne', acknowledgedAt: 1 };
  expect(detail(acknowledged)).toContain('72 hours from the acknowledgement by anne');
  expect(detail({ state: 'closed' })).not.toMatch(/^notify by/m);
});
