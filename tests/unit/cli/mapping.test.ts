/** `vigie mapping`, and the commands that read a log through one. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, parseLines, succeed, temporaryFolder, vigie } from '../../support/cli.ts';

const folder = temporaryFolder();
const sample = (name: string): string =>
  fileURLToPath(new URL(`../event/mapping/testdata/${name}.log.txt`, import.meta.url));
const faulty = join(folder, 'faulty.yml');
const rules = join(folder, 'rules.yml');
const guessing = join(folder, 'guessing.ndjson');

afterAll(cleanUp);

writeFileSync(faulty, 'input: jsno\ntime: {field: t}\ncopy: {user.ids: u}\n');

/** Five failed logins of one account in ten minutes. */
writeFileSync(
  rules,
  `title: Failed login
id: 22222222-0000-4000-8000-000000000001
name: failed_login
status: test
level: informational
logsource: {product: portal}
detection:
  sel: {event.action: login, event.outcome: failure}
  condition: sel
---
title: Five failed logins of one account in ten minutes
id: 22222222-0000-4000-8000-000000000002
status: test
level: high
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [user.id]
  timespan: 10m
  condition: {gte: 5}
`,
);
const keycloakEvent = (i: number, type: string, userId: string): string =>
  JSON.stringify({
    id: `e${i}`,
    time: Date.UTC(2025, 6, 12, 20) + 1000 * i,
    type,
    realmId: 'partenaires',
    clientId: 'kairos',
    userId,
    ipAddress: '203.0.113.7',
    ...(type === 'LOGIN_ERROR' ? { error: 'invalid_user_credentials' } : {}),
    details: { auth_method: 'openid-connect', username: 'of.isere' },
  });
writeFileSync(
  guessing,
  `${[0, 1, 2, 3, 4, 5]
    .flatMap((i) => [
      keycloakEvent(10 * i, 'LOGIN_ERROR', 'u-7f3a'),
      // One success and few failures of others; tokens are no business of the rules.
      keycloakEvent(10 * i + 1, i < 2 ? 'LOGIN_ERROR' : 'LOGIN', 'u-91bc'),
      keycloakEvent(10 * i + 2, 'REFRESH_TOKEN', 'u-91bc'),
    ])
    .join('\n')}\n`,
);

describe('vigie mapping check', () => {
  test('finds no fault in a ready one, and every fault of another at its place', async () => {
    expect(await succeed(['mapping', 'check', 'keycloak'])).toBe('keycloak: 14 cases; no faults\n');
    const { code, stdout, stderr } = await vigie(['mapping', 'check', faulty]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `${faulty}:1:8: BAD_VALUE: input is "jsno"; expected json, w3c or regex\n` +
        `${faulty}:3:8: UNKNOWN_FIELD: "user.ids" is no field of an event; take one of docs/event.md, or name it in other_fields; did you mean "user.id"?\n`,
    );
  });

  test('prints faults as one JSON object for a script', async () => {
    const { code, stdout, stderr } = await vigie(['mapping', 'check', faulty, '--json']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      mapping: faulty,
      faults: [
        expect.objectContaining({ file: faulty, line: 1, column: 8, code: 'BAD_VALUE' }),
        expect.objectContaining({ line: 3, column: 8, code: 'UNKNOWN_FIELD' }),
      ],
    });
  });

  test("shows what each line of a sample becomes and why, with persons' ids hashed", async () => {
    const args = ['mapping', 'check', 'nginx-combined', '--sample', sample('nginx-combined')];
    const { code, stdout } = await vigie(args);
    // Two lines of the sample are refused.
    expect(code).toBe(1);
    expect(stdout).toContain('line 5: event, case "record"\n{\n  "@timestamp": "2025-07-12T21:04:31.000Z"');
    expect(stdout).toContain('line 4: skipped: the case "static files and health checks" skips the line\n');
    expect(stdout).toContain('line 9: skipped: no case of the mapping holds\n');
    expect(stdout).toContain('line 11: refused: NOT_IN_FORMAT: ');
    expect(stdout).toMatch(
      /\n12 lines: 7 events, 3 skipped \(no case 2, static files and health checks 1\), 2 refused\n$/,
    );
    expect(stdout).not.toContain('0012345678A');
  });

  test('prints one JSON object per line of a sample for a script', async () => {
    const log = readFileSync(sample('proconnect'), 'utf8');
    const args = ['mapping', 'check', 'proconnect', '--sample', '-', '--json'];
    const { code, stdout, stderr } = await vigie(args, {}, log);
    expect(code).toBe(0);
    const [first, second] = parseLines<Record<string, unknown>>(stdout);
    expect(first).toEqual({
      line: 1,
      outcome: 'skipped',
      code: 'no case',
      message: 'no case of the mapping holds',
    });
    expect(second).toMatchObject({ line: 2, outcome: 'event', case: 'connected at the identity provider' });
    expect(stderr).toBe('5 lines: 4 events, 1 skipped (no case 1), 0 refused\n');
    const one = await vigie(args, {}, log.split('\n')[1]);
    expect(one.stderr).toBe('1 line: 1 event, 0 skipped, 0 refused\n');
  });

  test('tells the names of ready ones when there is no such mapping', async () => {
    const { code, stderr } = await vigie(['mapping', 'check', 'keycloack']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^vigie: MAPPING_UNREADABLE: [^]*nginx-combined[^]*did you mean "keycloak"\?/);
  });
});

test('lines with bytes that are no UTF-8 are read, and told of by whoever reads them', async () => {
  const log = join(folder, 'garbled.ndjson');
  const lines = [0, 1, 2, 3, 4].map((i) => keycloakEvent(i, 'LOGIN_ERROR', 'u-7f3a'));
  lines[1] = lines[1]!.replace('203.0.113.7', '203.0.113.7\xff');
  writeFileSync(log, lines.join('\n'), 'latin1');
  const by = ['--mapping', 'keycloak'];
  const [checked, evaluated, explained, backtested] = await Promise.all([
    vigie(['mapping', 'check', 'keycloak', '--sample', log, '--json']),
    vigie(['eval', '--rules', rules, '--only', 'firing', ...by, '--input', log]),
    vigie(['rules', 'explain', 'failed_login', '--rules', rules, ...by, '--event', log]),
    vigie(['backtest', '--rules', rules, ...by, '--input', log]),
  ]);
  expect(parseLines<{ replaced: boolean }>(checked.stdout).map(({ replaced }) => replaced)).toEqual([
    false,
    true,
    false,
    false,
    false,
  ]);
  expect(parseLines(evaluated.stdout)).toHaveLength(1);
  for (const { code, stderr } of [evaluated, explained, backtested]) {
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: '1 line has bytes that are no UTF-8, read as U+FFFD\n',
    });
  }
});

test('what stands in a log cannot steer the terminal of whoever looks at it', async () => {
  const log = join(folder, 'steering.ndjson');
  const evil = 'u\u001b[2J\u009b1m\u202e';
  const good = keycloakEvent(0, 'LOGIN_ERROR', evil);
  writeFileSync(log, `${good}\n${JSON.stringify({ ...JSON.parse(good), time: evil })}\n`);
  const by = ['--mapping', 'keycloak'];
  const ended = await Promise.all([
    vigie(['mapping', 'check', 'keycloak', '--sample', log]),
    vigie(['eval', '--rules', rules, '--only', 'firing', ...by, '--input', log]),
    vigie(['rules', 'explain', 'failed_login', '--rules', rules, ...by, '--event', log]),
  ]);
  for (const { stdout, stderr } of ended) {
    expect(stdout + stderr).toContain('BAD_TIME');
    expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  }
  // Still JSON, and the same.
  const [, shown = ''] = /^line 1: [^\n]*\n({[^]*?^})/m.exec(ended[0].stdout) ?? [];
  expect(JSON.parse(shown)).toMatchObject({ user: { id: evil } });
});

test('vigie mapping show prints a ready mapping that works as a file', async () => {
  const copy = join(folder, 'copy.yml');
  writeFileSync(copy, await succeed(['mapping', 'show', 'w3c']));
  expect(await succeed(['mapping', 'check', copy])).toMatch(/ 8 cases; no faults\n$/);
});

test('vigie mapping list names the ready mappings with their input and use', async () => {
  expect(await succeed(['mapping', 'list'])).toMatch(/^w3c +w3c +W3C extended logs/m);
});

describe('a log of Keycloak in which somebody guesses passwords', () => {
  test('fires a rule over access events, for the account and at the fifth failure', async () => {
    const args = ['eval', '-r', rules, '-m', 'keycloak', '-i', guessing, '--only', 'firing'];
    const { code, stdout, stderr } = await vigie(args);
    expect(code).toBe(0);
    expect(parseLines(stdout)).toEqual([
      expect.objectContaining({
        title: 'Five failed logins of one account in ten minutes',
        group: { 'user.id': 'u-7f3a' },
        time: '2025-07-12T20:00:40.000Z',
        value: 5,
      }),
    ]);
    expect(stderr).toBe('6 skipped (no case 6), as the mapping says\n');
  });

  test('is explained in the same terms', async () => {
    const args = ['rules', 'explain', '22222222-0000-4000-8000-000000000002', '-r', rules];
    expect(await succeed([...args, '-m', 'keycloak', '-e', guessing])).toContain('u-7f3a');
    const { stdout } = await vigie([
      'rules',
      'explain',
      'failed_login',
      '-r',
      rules,
      '-m',
      'keycloak',
      '-e',
      guessing,
    ]);
    expect(stdout).toContain('8 of 12 events match');
  });

  test('is not read with a faulty mapping, nor with two words on where the time is', async () => {
    const { code, stdout, stderr } = await vigie(['eval', '-r', rules, '-m', faulty, '-i', guessing]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/:1:8: BAD_VALUE: [^]*^vigie: MAPPING_FAULTY: 2 faults/m);
    const both = await vigie([
      'eval',
      '-r',
      rules,
      '-m',
      'keycloak',
      '--timestamp-field',
      'time',
      '-i',
      guessing,
    ]);
    expect(both.code).toBe(2);
  });
});

test('a W3C mapping without columns is refused for a topic, before anything is read', async () => {
  const env = { KAFKA_BROKERS: '127.0.0.1:1', VIGIE_PSEUDONYM_KEY: '0'.repeat(32), VIGIE_MAPPING: 'w3c' };
  const { code, stderr } = await vigie(['run'], env);
  expect(code).toBe(1);
  expect(stderr).toMatch(/MAPPING_NEEDS_FIELDS: [^]*fields: \[date, time, c-ip/);
});
