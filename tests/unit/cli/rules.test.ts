/** The contract of `vigie rules check|test|list`: editors and pipelines read what they print. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, parseLines, succeed, temporaryFolder, vigie } from '../../support/cli.ts';
import { ALL_RULES, BURST_RULE } from './fixtures.ts';

const folder = temporaryFolder();
const good = join(folder, 'good');
const narrowed = join(folder, 'narrowed');
const bad = join(folder, 'bad.yml');
const goodTests = join(good, 'burst.tests.yml');

/** Three faults: a level that is none, a modifier that is none, a selection that is not there. */
const BAD_RULE = `title: Faulty three times
id: 11111111-0000-4000-8000-000000000009
status: test
level: urgent
logsource: {product: portal}
detection:
  sel:
    event.action|beginswith: record
  condition: sel and other
`;

const burstTest = (value: number): string => `rule: 11111111-0000-4000-8000-000000000003
tests:
  - name: three reads of one account
    events:
      - repeat: 4
        from: 2025-07-12T20:00:00Z
        every: 1s
        event: {event.action: record-view, user.id: u1, service.name: kairos}
    fires:
      - at: 2025-07-12T20:00:02Z
        value: ${value}
`;

/** One correlation for each thing that there is to say beside bounds. */
const NARROWED = `title: Read
id: 11111111-0000-4000-8000-000000000001
name: read
logsource: {product: portal}
detection: {sel: {event.action: record-view}, condition: sel}
---
title: Reset
id: 11111111-0000-4000-8000-000000000002
name: reset
logsource: {product: portal}
detection: {sel: {event.action: password-reset}, condition: sel}
---
title: Boolean
correlation: {type: temporal, rules: [read, reset], timespan: 1h, condition: read and not reset}
---
title: Percentile
correlation: {type: value_percentile, rules: [read], timespan: 1h, condition: {gte: 5, field: bytes, percentile: 95}}
---
title: Run
correlation: {type: event_count, rules: [read], timespan: 1h, condition: {gte: 2}}
vigie.sequence: {field: person, min_run: 5}
---
title: Begun before
correlation: {type: temporal, rules: [read, reset], timespan: 1h}
vigie.begun_before: {field: session.start, rule: reset}
---
title: Scaled
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 1h, condition: {gte: 2}}
vigie.scale_by: {list: caseloads, column: persons, factor: 3}
`;

beforeAll(() => {
  mkdirSync(good);
  mkdirSync(join(narrowed, 'lists'), { recursive: true });
  writeFileSync(join(narrowed, 'rules.yml'), NARROWED);
  writeFileSync(join(narrowed, 'lists', 'caseloads.csv'), 'user.id,persons\nu-1,60\n');
  writeFileSync(join(good, 'burst.yml'), ALL_RULES);
  writeFileSync(goodTests, burstTest(3));
  writeFileSync(bad, BAD_RULE);
});
afterAll(cleanUp);

const titles = (text: string): string[] =>
  text.split('\n').filter((line) => / (?:Three|Export|Record) /.test(line));

function levels(text: string): unknown[] {
  return parseLines(text).map((rule) => (rule as { level: string }).level);
}

interface Found {
  file: string;
  line: number;
  column: number;
  code: string;
  message: string;
}

describe('vigie rules check', () => {
  test('says on standard output what it read, and has nothing to say on standard error, when all is well', async () => {
    expect(await vigie(['rules', 'check', good])).toMatchObject({
      code: 0,
      stdout: '3 documents: 2 rules, 1 correlation, 0 filters; no faults\n',
      stderr: '',
    });
  });

  test('reports every fault of a file with its place and exits with 1', async () => {
    const { code, stdout, stderr } = await vigie(['rules', 'check', bad]);
    expect(code).toBe(1);
    const faults = stderr.split('\n').slice(0, -1);
    expect(faults).toEqual([
      expect.stringMatching(/:4:8: [A-Z_]+: .*urgent/),
      expect.stringMatching(/:8:5: [A-Z_]+: .*beginswith/),
      expect.stringMatching(/:9:22: [A-Z_]+: .*other/),
    ]);
    for (const fault of faults) expect(fault.startsWith(`${bad}:`)).toBe(true);
    expect(stdout).toMatch(/; 3 faults\n$/);
  });

  test('finds fault with a place where no rule is: a check of a wrong path would pass for ever', async () => {
    const empty = join(folder, 'empty.yml');
    writeFileSync(empty, '# nothing yet\n');
    const message = `there is no rule under ${empty}`;
    expect(await vigie(['rules', 'check', empty])).toMatchObject({
      code: 1,
      stdout: '0 documents: 0 rules, 0 correlations, 0 filters; 1 fault\n',
      stderr: `${empty}:1:1: NO_RULES: ${message}\n`,
    });
    const json = await vigie(['rules', 'check', '--json', empty]);
    expect(json).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      faults: [{ file: empty, line: 1, column: 1, code: 'NO_RULES', message }],
    });
  });

  test('prints one JSON object with --json: the same faults, key by key', async () => {
    const [plain, json] = await Promise.all([
      vigie(['rules', 'check', good, bad]),
      vigie(['rules', 'check', '--json', good, bad]),
    ]);
    expect(json).toMatchObject({ code: 1, stderr: '' });
    const printed = JSON.parse(json.stdout) as { faults: Found[]; warnings: unknown[] };
    expect(Object.entries(printed)).toEqual([
      ['documents', 4],
      ['rules', expect.any(Number)],
      ['correlations', 1],
      ['filters', 0],
      ['faults', expect.any(Array)],
      ['warnings', []],
    ]);
    const lines = printed.faults.map(
      (fault) => `${fault.file}:${fault.line}:${fault.column}: ${fault.code}: ${fault.message}\n`,
    );
    expect(lines.join('')).toBe(plain.stderr);
    for (const fault of printed.faults) {
      expect(Object.keys(fault)).toEqual(['file', 'line', 'column', 'code', 'message']);
    }
  });

  test('warns of rules that are hardly what was meant, with their place, and is content', async () => {
    const hardly = join(folder, 'hardly.yml');
    writeFileSync(hardly, ALL_RULES.replace('{gte: 3}', '{lte: 3}'));
    const [plain, json] = await Promise.all([
      vigie(['rules', 'check', hardly]),
      vigie(['rules', 'check', '--json', hardly]),
    ]);
    expect(plain).toMatchObject({ code: 0, stdout: expect.stringMatching(/; no faults\n$/) });
    expect(plain.stderr).toMatch(/^\S+hardly\.yml:\d+:20: warning: FIRES_AT_ONCE: lte 3 holds for .*\n$/);
    expect(json).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      faults: [],
      warnings: [{ file: hardly, column: 20, code: 'FIRES_AT_ONCE' }],
    });
  });

  test('says of the shipped rules what may be read with no alert, as docs/rule-language.md shows it', async () => {
    const [plain, json] = await Promise.all([
      succeed(['rules', 'check', 'rules']),
      succeed(['rules', 'check', '--json', 'rules']),
    ]);
    const told = plain.slice(plain.indexOf('\n\n') + 2);
    expect(told).toMatch(/^one account, beyond the caseload +149 +199 +1,397 /m);
    expect(readFileSync('docs/rule-language.md', 'utf8')).toContain(`\`\`\`text\n${told}\`\`\``);
    expect(JSON.parse(json)).toMatchObject({
      budget: {
        takers: expect.arrayContaining([
          expect.objectContaining({
            taker: 'organisation',
            persons: 'beyond the caseload',
            day: { persons: 23_976, habit: true, rules: [expect.any(String)] },
            month: { persons: null, habit: false, rules: [] },
          }),
        ]),
        incidents: expect.arrayContaining([
          {
            incident: 'kairos-2025',
            fits: false,
            account: { hour: 170_000, day: 340_000, month: 340_000 },
            organisation: { hour: 170_000, day: 340_000, month: 340_000 },
            creator: null,
          },
        ]),
      },
    });
  });

  test('says nothing of that of rules with a fault: a part of them is missing', async () => {
    const { stdout } = await vigie(['rules', 'check', 'rules', bad]);
    expect(stdout).toMatch(/; 3 faults\n$/);
  });

  test('looks at the rules of the configuration when no path is given', async () => {
    const { stdout } = await vigie(['rules', 'check'], { VIGIE_RULES: good });
    expect(stdout).toMatch(/^3 documents/);
  });
});

describe('vigie rules test', () => {
  test('passes the tests beside the rules of this project', async () => {
    expect(await succeed(['rules', 'test', 'rules'])).toMatch(/^\d+ passed, 0 failed$/m);
  });

  test('finds the tests of a folder and those beside a file alike', async () => {
    const [ofFolder, ofFile] = await Promise.all([
      succeed(['rules', 'test', '--json', good]),
      succeed(['rules', 'test', '--json', join(good, 'burst.yml')]),
    ]);
    expect(parseLines(ofFolder)).toEqual([
      {
        file: goodTests,
        rule: '11111111-0000-4000-8000-000000000003',
        name: 'three reads of one account',
        passed: true,
        differences: [],
      },
    ]);
    expect(ofFile).toBe(ofFolder);
  });

  test('says what differed and exits with 1 when a test fails', async () => {
    const failing = join(folder, 'failing');
    mkdirSync(failing);
    writeFileSync(join(failing, 'burst.yml'), ALL_RULES);
    writeFileSync(join(failing, 'burst.tests.yml'), burstTest(4));
    const { code, stdout, stderr } = await vigie(['rules', 'test', failing]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^FAIL .*burst\.tests\.yml: three reads of one account$/m);
    expect(stdout).toMatch(/expected, did not fire: at 2025-07-12T20:00:02\.000Z, value 4$/m);
    expect(stdout).toMatch(/fired, not expected: at 2025-07-12T20:00:02\.000Z, .*value 3$/m);
    expect(stdout).toMatch(/^0 passed, 1 failed$/m);
  });

  test('runs the tests in a rule and those of the file that it names, and fails with them', async () => {
    const own = join(folder, 'own');
    mkdirSync(join(own, 'kept'), { recursive: true });
    const inside = (value: number): string =>
      `vigie.tests:\n${burstTest(value).split('\n').slice(2).join('\n')}`;
    const run = async (tests: string): Promise<unknown> => {
      writeFileSync(join(own, 'burst.yml'), `${ALL_RULES.trimEnd()}\n${tests}`);
      const { code, stdout, stderr } = await vigie(['rules', 'test', '--json', own]);
      return { code, results: parseLines(stdout), stderr };
    };
    const result = { rule: '11111111-0000-4000-8000-000000000003', name: 'three reads of one account' };
    const file = join(own, 'burst.yml');
    expect(await run(inside(3))).toMatchObject({ code: 0, results: [{ ...result, file, passed: true }] });
    expect(await run(inside(4))).toMatchObject({ code: 1, results: [{ ...result, file, passed: false }] });
    expect(await run('vigie.tests: [{name: nothing}]\n')).toMatchObject({
      code: 1,
      results: [],
      stderr: expect.stringContaining(
        `RULE_TEST_INVALID: ${file}: vigie.tests of "${result.rule}": 0.events: `,
      ),
    });
    const kept = join(own, 'kept', 'burst.tests.yml');
    expect(await run('vigie.tests: kept/none.yml\n')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`RULE_TEST_INVALID: cannot read ${join(own, 'kept', 'none.yml')}`),
    });
    writeFileSync(kept, burstTest(4));
    const named = await run('vigie.tests: kept/burst.tests.yml\n');
    expect(named).toMatchObject({ code: 1, results: [{ ...result, file: kept, passed: false }] });
    expect(named).toHaveProperty('results.length', 1);
  });

  test('is not content with no tests at all, nor with faulty rules', async () => {
    const untested = join(folder, 'untested.yml');
    writeFileSync(untested, ALL_RULES);
    const [none, faulty] = await Promise.all([
      vigie(['rules', 'test', untested]),
      vigie(['rules', 'test', bad]),
    ]);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain(`vigie: NO_RULE_TESTS: no *.tests.yml under ${untested}`);
    expect(faulty).toMatchObject({ code: 1, stdout: '' });
    expect(faulty.stderr).toMatch(/^vigie: RULES_FAULTY: 3 faults in the rules under /m);
  });
});

describe('vigie rules list', () => {
  test('lists what raises alerts, and with --all what it is made of', async () => {
    const [listed, all, json] = await Promise.all([
      succeed(['rules', 'list', good]),
      succeed(['rules', 'list', '--all', good]),
      succeed(['rules', 'list', '--json', good]),
    ]);
    expect(titles(listed)).toHaveLength(2);
    expect(titles(all)).toHaveLength(3);
    expect(listed).toMatch(
      /^high +11111111-0000-4000-8000-000000000003 +Three reads in ten seconds +event_count gte 3 in 10 s by user\.id, service\.name +\S+burst\.yml$/m,
    );
    expect(listed).not.toMatch(/ $/m);
    expect(parseLines(json)[0]).toEqual({
      rule: '11111111-0000-4000-8000-000000000003',
      name: null,
      title: 'Three reads in ten seconds',
      level: 'high',
      kind: 'correlation',
      condition: 'event_count gte 3 in 10 s by user.id, service.name',
      tags: [],
      file: join(good, 'burst.yml'),
    });
  });

  test('says of every correlation all that it asks for, in the names of the rules', async () => {
    const listed = parseLines(await succeed(['rules', 'list', '--json', narrowed]));
    expect(listed.map((rule) => (rule as { condition: string }).condition)).toEqual([
      'temporal read and not reset in 1 h',
      'value_percentile(bytes, 95) gte 5 in 1 h',
      'event_count gte 2 and a run of 5 ids in person in 1 h',
      'temporal gte 2 with session.start before reset in 1 h',
      'event_count gte 2 and 3 × persons of caseloads in 1 h by user.id',
    ]);
  });

  test('lists no rule of level informational, which alerts nobody, unless all are asked for', async () => {
    const [listed, all] = await Promise.all([
      succeed(['rules', 'list', '--json', 'rules']),
      succeed(['rules', 'list', '--json', '--all', 'rules']),
    ]);
    expect(levels(listed)).toContain('critical');
    expect(levels(listed)).not.toContain('informational');
    expect(levels(all)).toContain('informational');
  });

  test('refuses a place without rules: a detector without them would look as if all were well', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    writeFileSync(join(empty, 'rules.txt'), BURST_RULE);
    const { code, stderr } = await vigie(['rules', 'list', empty]);
    expect(code).toBe(1);
    expect(stderr).toContain(`vigie: NO_RULES: there is no rule under ${empty}\n`);
  });
});
