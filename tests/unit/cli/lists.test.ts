/** Lookup lists at the command line: where they are taken from, and how their faults are told. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanUp, parseLines, succeed, temporaryFolder, vigie } from '../../support/cli.ts';
import { event } from './fixtures.ts';

const folder = temporaryFolder();
const rules = join(folder, 'rules');
const own = join(folder, 'own');
const faulty = join(folder, 'faulty');
const events = join(folder, 'events.ndjson');

const LISTED = `title: Read by a listed account
name: listed
level: informational
logsource: {product: portal}
vigie.only_listed: [accounts]
detection:
  sel: {event.action: record-view}
  condition: sel
---
title: Many reads for the caseload
name: many
vigie.scale_by: {list: caseloads, column: persons, factor: 2}
correlation:
  type: event_count
  rules: [read]
  group-by: [user.id]
  timespan: 1m
  condition: {gte: 2}
---
title: Read
name: read
level: informational
logsource: {product: portal}
detection:
  sel: {event.action: record-view}
  condition: sel
`;

const write = (place: string, accounts: string, caseloads: string): void => {
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'accounts.csv'), accounts);
  writeFileSync(join(place, 'caseloads.csv'), caseloads);
};

beforeAll(() => {
  write(join(rules, 'lists'), '# who\nuser.id\n', 'user.id,persons\n');
  write(own, 'user.id\nu1\n', 'user.id,persons\nu1,2\n');
  write(faulty, 'user.id\nu1,\n', 'user.id,persons\nu1,two\n');
  writeFileSync(join(rules, 'listed.yml'), LISTED);
  writeFileSync(
    join(rules, 'listed.tests.yml'),
    `rule: many\ntests:\n  - name: fires at twice the caseload\n    lists: {caseloads: [{user.id: u1, persons: 1.5}]}\n    events: [{repeat: 3, from: 2025-07-12T20:00:00Z, every: 1s, event: {event.action: record-view, user.id: u1}}]\n    fires: [{at: 2025-07-12T20:00:02Z, value: 3}]\n`,
  );
  writeFileSync(events, [0, 1, 2].map((second) => event(second, 'record-view')).join(''));
});
afterAll(cleanUp);

function kinds(text: string): unknown[] {
  return (parseLines(text) as { type: string; rule: string }[]).map(({ type, rule }) => [type, rule]);
}

test('eval takes the lists beside the rules, and those of --lists in their place', async () => {
  const args = ['eval', '--rules', rules, '--input', events];
  const [beside, given] = await Promise.all([succeed(args), succeed([...args, '--lists', own])]);
  expect(kinds(beside)).toEqual([
    ['firing', 'many'],
    ['alert', 'many'],
  ]);
  expect(kinds(given)).toEqual(Array.from({ length: 3 }, () => ['match', 'listed']));
});

test('rules check reports the faults of lists at their lines, and those of VIGIE_LISTS as of --lists', async () => {
  const args = ['rules', 'check', rules];
  const [sound, option, variable] = await Promise.all([
    vigie(args),
    vigie([...args, '--lists', faulty]),
    vigie(args, { VIGIE_LISTS: faulty }),
  ]);
  expect(sound).toMatchObject({ code: 0, stderr: '' });
  expect(option.code).toBe(1);
  expect(option.stderr.split('\n').filter((line) => !line.includes('warning'))).toEqual([
    `${join(faulty, 'accounts.csv')}:2:1: CSV_SYNTAX: the row has 2 cells; the header has 1: user.id`,
    `${join(rules, 'listed.yml')}:5:21: FAULTY_LIST: the list "accounts" has faults of its own; correct them first`,
    `${join(faulty, 'caseloads.csv')}:2:1: BAD_NUMBER: "two" in the column persons is not a number from 0 on`,
    '',
  ]);
  expect(variable.stderr).toBe(option.stderr);
});

test('rules test fills the lists as each test says, whatever --lists holds', async () => {
  const args = ['rules', 'test', rules];
  for (const more of [[], ['--lists', own]]) {
    expect(await succeed([...args, ...more])).toContain('1 passed, 0 failed');
  }
});

test('rules explain shows by which row a bound grew', async () => {
  const shown = await succeed([
    'rules',
    'explain',
    'many',
    '--rules',
    rules,
    '--lists',
    own,
    '--event',
    events,
  ]);
  expect(shown).toContain('lower bounds are at least 2 × 2 persons, as the list caseloads says');
  expect(shown).toContain('value 3, 1 short of gte 4');
});

test('a folder of lists that is not there is an error that says what to do', async () => {
  const { code, stderr } = await vigie(['rules', 'check', rules, '--lists', join(folder, 'missing')]);
  expect(code).toBe(1);
  expect(stderr).toContain('LISTS_UNREADABLE');
});
