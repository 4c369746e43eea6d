/** The contract of `vigie rules explain`: an answer a person can act on, and the same as data. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, parseLines, succeed, temporaryFolder, vigie } from '../../support/cli.ts';
import { ALL_RULES, event } from './fixtures.ts';

const folder = temporaryFolder();
const rules = join(folder, 'rules.yml');
const events = join(folder, 'events.ndjson');
const kairos = { service: { name: 'kairos' } };

const explain = (rule: string, ...more: string[]): string[] => [
  'rules',
  'explain',
  rule,
  '--rules',
  rules,
  '--event',
  events,
  ...more,
];

beforeAll(() => {
  writeFileSync(rules, ALL_RULES);
  const lines = [
    event(0, 'record-view', kairos),
    event(1, 'record-export', kairos),
    event(2, 'record-view', kairos),
  ];
  writeFileSync(events, lines.join(''));
});
afterAll(cleanUp);

describe('vigie rules explain', () => {
  test('shows for a rule on events each event with its verdict and the tree of the condition', async () => {
    expect(await succeed(explain('Export of records'))).toBe(
      `Export of records (11111111-0000-4000-8000-000000000001)

line 1, event e0, 2025-07-12 20:00:00.000 UTC: does not match
  ✗ sel
    ✗ event.action = "record-view": is not record-export

line 2, event e1, 2025-07-12 20:00:01.000 UTC: matches
  ✓ sel
    ✓ event.action = "record-export": is record-export

line 3, event e2, 2025-07-12 20:00:02.000 UTC: does not match
  ✗ sel
    ✗ event.action = "record-view": is not record-export

1 of 3 events match
`,
    );
  });

  test('shows for a correlation what it counted, its windows and how far they are from firing', async () => {
    expect(await succeed(explain('11111111-0000-4000-8000-000000000003'))).toBe(
      `Three reads in ten seconds (11111111-0000-4000-8000-000000000003): event_count gte 3 in 10 s by user.id, service.name

3 events, 0 late, 0 copies
  Record read: matched 2 times

user.id = "u1", service.name = "kairos": did not fire
  last window, 10 s to 2025-07-12 20:00:02.000 UTC: value 2, 1 short of gte 3
    2025-07-12 20:00:00.000 UTC  line 1, event e0
    2025-07-12 20:00:02.000 UTC  line 3, event e2
`,
    );
  });

  test('says that values may differ where a group holds more than the engine holds exactly', async () => {
    const input = join(folder, 'many.ndjson');
    const shown = async (count: number): Promise<string> => {
      const lines = Array.from({ length: count }, (_, i) => event(i / 10_000, 'record-view', kairos));
      writeFileSync(input, lines.join(''));
      return succeed(['rules', 'explain', '11111111-0000-4000-8000-000000000003', '-r', rules, '-e', input]);
    };
    expect(await shown(20_000)).toContain(
      'Some groups have more entries than the engine holds exactly: its values may differ from these',
    );
    expect(await shown(1000)).not.toContain('may differ');
  });

  test('says of a group that fell silent for a whole history that it is known anew', async () => {
    const silent = join(folder, 'new-terms.yml');
    writeFileSync(
      silent,
      `${ALL_RULES}
---
title: New application
id: new-application
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 1s, condition: {gte: 1}}
vigie.new_terms: {fields: [service.name], history: 2s}
`,
    );
    expect(
      await succeed(['rules', 'explain', 'new-application', '--rules', silent, '--event', events]),
    ).toContain(
      "not counted: 2 within 2 s of the group's first event, or of its first after a pause as long\n",
    );
  });

  test('prints one JSON object per event, or per group after one for the whole', async () => {
    const [ofRule, ofCorrelation] = await Promise.all([
      succeed(explain('read', '--json')),
      succeed(explain('Three reads in ten seconds', '--json')),
    ]);
    expect(parseLines(ofRule)).toMatchObject([{ matches: true }, { matches: false }, { matches: true }]);
    expect(parseLines(ofRule)[1]).toEqual({
      type: 'event',
      rule: '11111111-0000-4000-8000-000000000002',
      event: { index: 1, id: 'e1' },
      time: '2025-07-12T20:00:01.000Z',
      matches: false,
      tree: {
        holds: false,
        what: 'sel',
        parts: [
          {
            holds: false,
            what: 'event.action = "record-export": is not record-view',
            field: 'event.action',
            value: 'record-export',
          },
        ],
      },
    });
    expect(parseLines(ofCorrelation)).toMatchObject([
      { type: 'correlation', events: 3, groups: 1, references: [{ found: 2, without_group: 0 }] },
      {
        type: 'group',
        group: { 'user.id': 'u1', 'service.name': 'kairos' },
        firings: [],
        last: {
          to: '2025-07-12T20:00:02.000Z',
          value: 2,
          bounds: [{ op: 'gte', value: 3, holds: false, distance: -1 }],
          entries: 2,
        },
      },
    ]);
  });

  test('shows 20 events unless told to show all, and says so, also to a script', async () => {
    const many = join(folder, 'many.ndjson');
    writeFileSync(many, Array.from({ length: 25 }, (_, i) => event(i, 'record-view')).join(''));
    const args = ['rules', 'explain', 'read', '--rules', rules, '--event', many];
    const [some, all, json] = await Promise.all([
      succeed(args),
      succeed([...args, '--all']),
      vigie([...args, '--json']),
    ]);
    expect(some.match(/^line /gm)).toHaveLength(20);
    expect(some).toContain('25 of 25 events match; the first 20 are shown, --all shows all\n');
    expect(all.match(/^line /gm)).toHaveLength(25);
    expect(parseLines(json.stdout)).toHaveLength(20);
    expect(json.stderr).toBe('25 of 25 events match; the first 20 are shown, --all shows all\n');
  });

  test('shows of a correlation only the groups that are asked for, in text and as JSON', async () => {
    const log = join(folder, 'groups.ndjson');
    const users = Array.from({ length: 30 }, (_, i) => ({ ...kairos, user: { id: `u${i}` } }));
    writeFileSync(log, users.map((user, i) => event(i, 'record-view', user)).join(''));
    const args = ['rules', 'explain', 'Three reads in ten seconds', '--rules', rules, '--event', log];
    const one = ['--group', 'user.id=u29', 'service.name=kairos'];
    const [text, json, none] = await Promise.all([
      succeed([...args, ...one]),
      succeed([...args, ...one, '--json']),
      succeed([...args, '--group', 'user.id=u30']),
    ]);
    expect(text).toContain('\nuser.id = "u29", service.name = "kairos": did not fire\n');
    expect(text.match(/did not fire/g)).toHaveLength(1);
    expect(parseLines(json)).toMatchObject([
      { type: 'correlation', groups: 30, shown_groups: 1 },
      { type: 'group', group: { 'user.id': 'u29', 'service.name': 'kairos' } },
    ]);
    expect(none).toContain('\nNone of 30 groups has user.id = "u30".\n');
  });

  test.each([
    ['Three reads in ten seconds', 'user=u1', 'is grouped by user.id, service.name'],
    ['read', 'user.id=u1', 'looks at one event at a time'],
    ['Three reads in ten seconds', 'u1', 'Expected FIELD=VALUE.'],
  ])('explaining "%s" refuses --group %s, and says what it expected', async (rule, group, expected) => {
    const { code, stderr } = await vigie(explain(rule, '--group', group));
    expect(code).toBe(2);
    expect(stderr).toContain(expected);
  });

  test('a name that no rule has is wrong usage, with the rule that was probably meant', async () => {
    const { code, stderr } = await vigie(explain('raed'));
    expect(code).toBe(2);
    expect(stderr).toContain('RULE_UNKNOWN: no rule has the id, name or title "raed"; did you mean "read"?');
  });

  test('lines that are no events are reported with their place, and the exit code is 1', async () => {
    const broken = join(folder, 'broken.ndjson');
    writeFileSync(broken, `{\n${event(0, 'record-view', kairos)}`);
    const answers = await Promise.all(
      ['read', 'Three reads in ten seconds'].map((rule) =>
        vigie(['rules', 'explain', rule, '--rules', rules, '--event', broken]),
      ),
    );
    for (const { code, stdout, stderr } of answers) {
      expect(code).toBe(1);
      expect(stderr).toContain(`${broken}:1: NOT_JSON: `);
      expect(stdout).toContain('line 2, event e0');
    }
  });

  test('reads events as the settings of the service say, and as its own options rather than those', async () => {
    const log = join(folder, 'portal.ndjson');
    const mapping = join(folder, 'portal.yml');
    const key = join(folder, 'pseudonym.key');
    const ask = [
      'rules',
      'explain',
      'Three reads in ten seconds',
      '--rules',
      rules,
      '--event',
      log,
      '--json',
    ];
    const run = async (env: Record<string, string>, ...more: string[]) => {
      const { stdout, stderr, code } = await vigie([...ask, ...more], env);
      return { code, stderr, whole: parseLines(stdout)[0] as { events: number; late: number } };
    };
    writeFileSync(
      log,
      [9, 5, 0].map((at) => event(at, 'record-view', kairos).replace('@timestamp', 'received.at')).join(''),
    );
    expect(await run({ VIGIE_TIMESTAMP_FIELD: 'received.at' })).toEqual({
      code: 0,
      stderr: '',
      whole: expect.objectContaining({ events: 3, late: 0 }),
    });
    const late = { VIGIE_TIMESTAMP_FIELD: 'received.at', VIGIE_LATENESS: '5s' };
    expect((await run(late)).whole).toMatchObject({ events: 3, late: 1 });
    expect((await run(late, '--lateness', '9s')).whole).toMatchObject({ events: 3, late: 0 });
    writeFileSync(
      mapping,
      'input: json\ntime: {field: received.at}\ncopy: {user.id: user.id, service.name: service.name, event.action: event.action}\n',
    );
    expect((await run({ VIGIE_MAPPING: mapping })).whole).toMatchObject({ events: 3 });
    // Who says where the time is speaks of lines that are events.
    const own = await run({ VIGIE_MAPPING: 'nginx-combined' }, '--timestamp-field', 'received.at');
    expect(own.whole).toMatchObject({ events: 3 });

    writeFileSync(key, '000102030405060708090a0b0c0d0e0f\n');
    const byPerson = { VIGIE_TIMESTAMP_FIELD: 'received.at', VIGIE_PERSON_FIELDS: 'user.id' };
    const [keyed, filed, none] = await Promise.all([
      vigie(ask, { ...byPerson, VIGIE_PSEUDONYM_KEY: '000102030405060708090a0b0c0d0e0f' }),
      vigie(ask, { ...byPerson, VIGIE_PSEUDONYM_KEY_FILE: key }),
      vigie(ask, byPerson),
    ]);
    expect(filed.stdout).toBe(keyed.stdout);
    expect(filed.stdout).not.toBe(none.stdout);
  });
});
