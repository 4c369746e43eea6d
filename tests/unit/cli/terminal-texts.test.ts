/** What others wrote into rules, mappings, labels and events steers nobody's terminal, whatever command shows it. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanUp, temporaryFolder, vigie } from '../../support/cli.ts';
import { ALL_RULES, event } from './fixtures.ts';

const folder = temporaryFolder();
const rules = join(folder, 'rules');
const faulty = join(folder, 'faulty.yml');
const mapping = join(folder, 'mapping.yml');
const log = join(folder, 'log.ndjson');
const labels = join(folder, 'labels.json');
/** Sets the title of the window, and turns the direction of writing. As YAML and JSON write it. */
const STEERS = String.raw`\u001b]0;owned\u0007\u202e\u009b2J`;
/** Without the breaks between lines. */
// oxlint-disable-next-line no-control-regex
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

beforeAll(() => {
  mkdirSync(rules);
  const texts = ALL_RULES.replaceAll(/^title: (.*)$/gm, `title: "$1 ${STEERS}"`)
    .replace('name: read', `name: "read${STEERS}"`)
    .replace('rules: [read]', `rules: ["read${STEERS}"]`)
    .replace('group-by: [user.id,', `group-by: [user.id, "x${STEERS}",`)
    .replace('status: test\nlevel: high', 'status: test\nlevel: high\nvigie.missing_fields: group');
  writeFileSync(join(rules, 'rules.yml'), texts);
  writeFileSync(
    join(rules, 'rules.tests.yml'),
    `rule: 11111111-0000-4000-8000-000000000003
tests:
  - name: "a test ${STEERS}"
    events:
      - repeat: 3
        from: 2025-07-12T20:00:00Z
        every: 1s
        event: { event.action: record-view, user.id: "u${STEERS}" }
    fires: []
`,
  );
  writeFileSync(
    faulty,
    ALL_RULES.replace('level: medium', `level: "urgent${STEERS}"`).replace(
      'event.action: record-export',
      `"event.action|odd${STEERS}": x`,
    ),
  );
  writeFileSync(
    mapping,
    `input: json
time: { field: "@timestamp" }
cases:
  - { name: "gone ${STEERS}", when: { event.action: login }, skip: true }
  - { name: "kept ${STEERS}", when: { event.action: record-view }, copy: { event.action: event.action } }
`,
  );
  const reads = [0, 1, 2].map((second) => event(second, 'record-view'));
  const text = [...reads, event(4, 'login'), event(86_500, `odd${STEERS}`)].join('');
  writeFileSync(log, text.replaceAll('"u1"', `"u1${STEERS}"`));
  const theft = { name: `theft ${STEERS}`, malicious: { sessions: [`s${STEERS}`] } };
  const confounder = { name: `cause ${STEERS}`, accounts: [`u1${STEERS}`] };
  writeFileSync(
    labels,
    JSON.stringify({
      format: 'vigie-labels/1',
      incidents: [theft],
      confounders: [confounder],
    }).replaceAll('\\\\u', '\\u'),
  );
});
afterAll(cleanUp);

const BURST = '11111111-0000-4000-8000-000000000003';
const READ = '11111111-0000-4000-8000-000000000002';

test.each<[string, () => string[]]>([
  ['rules list', () => ['rules', 'list', '--all', rules]],
  ['rules test', () => ['rules', 'test', rules]],
  ['the faults of rules check', () => ['rules', 'check', faulty]],
  ['the faults of rules that do not load', () => ['eval', '-r', faulty, '-i', log]],
  ['rules explain, on events', () => ['rules', 'explain', READ, '-r', rules, '-e', log]],
  ['rules explain, on groups', () => ['rules', 'explain', BURST, '-r', rules, '-e', log]],
  [
    'rules explain, of a rule that is not there',
    () => ['rules', 'explain', `read\u001b`, '-r', rules, '-e', log],
  ],
  ['backtest', () => ['backtest', '-r', rules, '-i', log, '--labels', labels]],
  ['mapping check --sample', () => ['mapping', 'check', mapping, '--sample', log]],
  ['eval', () => ['eval', '-r', rules, '-i', log]],
  ['eval through a mapping', () => ['eval', '-r', rules, '-m', mapping, '-i', log, '--only', 'match']],
  ['rules list --json', () => ['rules', 'list', '--all', '--json', rules]],
  ['rules check --json', () => ['rules', 'check', '--json', faulty]],
  ['rules test --json', () => ['rules', 'test', '--json', rules]],
  ['rules explain --json', () => ['rules', 'explain', BURST, '--json', '-r', rules, '-e', log]],
  ['backtest --json', () => ['backtest', '--json', '-r', rules, '-i', log, '--labels', labels]],
  ['mapping check --json', () => ['mapping', 'check', mapping, '--json', '--sample', log]],
])('%s', async (_, args) => {
  const { stdout, stderr } = await vigie(args());
  // It was there to be shown.
  expect(stdout + stderr).toMatch(/u\{1b\}|u001b/i);
  expect(`${stdout}${stderr}`.split('\n').filter((line) => STEERING.test(line))).toEqual([]);
});

test('the page of a backtest turns no direction of writing', async () => {
  const page = join(folder, 'page.html');
  await vigie(['backtest', '-r', rules, '-i', log, '--labels', labels, '--html', page]);
  const text = readFileSync(page, 'utf8');
  expect(text).toContain(String.raw`u1\u{1b}]0;owned`);
  expect(text.split('\n').filter((line) => STEERING.test(line))).toEqual([]);
});
