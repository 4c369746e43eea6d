/** Rules with `%name%` under `expand` are refused until the name is configured, in whichever of the three ways. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BacktestReport } from '../../../src/backtest/report.ts';
import { cleanUp, succeed, temporaryFolder, vigie } from '../../support/cli.ts';
import type { Env } from '../../support/cli.ts';

const folder = temporaryFolder();
const rules = join(folder, 'workstations.yml');
const events = join(folder, 'events.ndjson');
const values = join(folder, 'placeholders.yml');
const config = join(folder, 'vigie.yml');
const reads = join(folder, 'reads.yml');
const actions = join(folder, 'actions.yml');

beforeAll(() => {
  writeFileSync(
    rules,
    `
title: Registry read over SMB from elsewhere than an administrator's workstation
name: smb_registry
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 5145}
  filter_main: {Workstation|expand: '%Admins_Workstations%'}
  condition: selection and not filter_main
`,
  );
  writeFileSync(
    events,
    ['PAW-01', 'paw-117', 'LAPTOP-9', 4096, '00123']
      .map((name) => `${JSON.stringify({ EventID: 5145, Workstation: name })}\n`)
      .join(''),
  );
  writeFileSync(values, 'Admins_Workstations: [PAW-01, PAW-1*, 4096, 00123]\n');
  writeFileSync(
    reads,
    `
title: Read
name: read
logsource: {category: portal}
detection: {selection: {event.action|expand: '%Reads%'}, condition: selection}
---
title: Reads
name: burst
level: critical
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 10s, condition: {gte: 1}}
`,
  );
  writeFileSync(actions, 'Reads: [record-list, record-view]\n');
  writeFileSync(config, 'placeholders: {Admins_Workstations: [PAW-01, PAW-1*, 4096, 00123]}\n');
});
afterAll(cleanUp);

const WAYS: readonly (readonly [string, readonly string[], Env])[] = [
  ['the option --placeholders', ['--placeholders', values], {}],
  ['VIGIE_PLACEHOLDERS', [], { VIGIE_PLACEHOLDERS: values }],
  ['the configuration file', [], { VIGIE_CONFIG: config }],
];

describe('placeholders', () => {
  test('that nothing configures refuse their rule, with their code and no other', async () => {
    const { code, stderr } = await vigie(['rules', 'check', rules]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `${rules}:7:37: UNRESOLVED_PLACEHOLDER: the placeholder %Admins_Workstations% has no values; give it some in the setting placeholders (none are configured)\n`,
    );
  });

  test.each(WAYS)(
    'take their values from %s',
    async (_, args, env) => {
      expect(await vigie(['rules', 'check', rules, ...args], env)).toMatchObject({ code: 0, stderr: '' });
      const printed = await succeed(['eval', '-r', rules, '-i', events, ...args], env);
      expect(printed.split('\n').slice(0, -1)).toEqual([expect.stringContaining('"event":{"index":2,')]);
      expect(await vigie(['rules', 'list', rules, ...args], env)).toMatchObject({ code: 0 });
      const explained = await succeed(
        ['rules', 'explain', 'smb_registry', '-r', rules, '-e', events, ...args],
        env,
      );
      expect(explained.match(/: matches$/gm)).toHaveLength(1);
    },
    120_000,
  );

  test('reach the threads of a backtest of incidents', async () => {
    const command = ['backtest', '-r', reads, '--incidents', 'gael-2026', '--no-benign', '--background', '3'];
    const env = { VIGIE_PLACEHOLDERS: actions };
    const printed = await succeed([...command, '--learn', '1h', '--json'], env);
    const { incidents } = JSON.parse(printed) as BacktestReport;
    expect(incidents[0]!.detected.critical?.rule).toBe('burst');
  }, 300_000);

  test('reach the demo', async () => {
    const command = ['demo', '--accounts', '0', '--compare'];
    const env = { VIGIE_RULES: reads };
    const refused = await vigie(command, env);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('UNRESOLVED_PLACEHOLDER') });
    expect(await vigie([...command, '--placeholders', actions], env)).toMatchObject({ code: 0 });
  }, 300_000);

  test.each([
    ['a list', '- PAW-01\n', /placeholders: .* is no map of placeholder names to values/],
    [
      'a map in a map',
      'Admins_Workstations: {a: b}\n',
      /Admins_Workstations holds object; expected a text or a list/,
    ],
    ['no YAML', 'Admins_Workstations: [\n', /cannot read /],
  ])('in a file that holds %s are refused with the place and the remedy', async (_, text, message) => {
    const wrong = join(folder, 'wrong placeholders: .yml');
    writeFileSync(wrong, text);
    const { code, stderr } = await vigie(['rules', 'check', rules, '--placeholders', wrong]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/PLACEHOLDERS_INVALID/);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/Write a map such as/);
  });
});
