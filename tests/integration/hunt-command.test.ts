/** `vigie hunt` as people call it: after an incident, alone, beside a running service, and at a server. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CanaryMarks } from '../../src/canary/marks.ts';
import { VigieError } from '../../src/errors.ts';
import { evalEvents } from '../../src/eval/eval.ts';
import { loadRules } from '../../src/files/rule-files.ts';
import { compileHunt } from '../../src/hunt/compile-hunt.ts';
import { type HuntLine, huntLine } from '../../src/hunt/hunt-lines.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import { columnOf } from '../../src/sink/event-row.ts';
import { selectRows } from '../../src/sink/json-rows.ts';
import {
  cleanUp,
  parseLines,
  query,
  replayToFile,
  start,
  succeed,
  temporaryFolder,
  vigie,
} from '../support/cli.ts';
import type { Running } from '../support/cli.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { FEW_RULES } from '../support/programs.ts';
import { reads, START } from '../support/record-views.ts';

const ENV = { VIGIE_ARCHIVE: 'true', VIGIE_ARCHIVE_DAYS: '0' };
/** Most of it is the start of processes. */
const SLOW = { timeout: 60_000 };
const HIGH = 'Mass extraction by one account (150 persons in an hour)';

afterAll(cleanUp);

describe('after the theft of July 2025', SLOW, () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const log = join(folder, 'log.ndjson');
  const hunt = ['hunt', '--data-dir', dataDir, '--rules', 'rules', '--rule'];

  beforeAll(async () => {
    await replayToFile('kairos-2025', log, '--accounts 100 --records 3000 --window 30s');
    await succeed(['run', '--input', log, '--data-dir', dataDir], ENV);
  }, 120_000);

  test('who is found is whom eval finds, as the same JSON', async () => {
    const found = await succeed([...hunt, HIGH, '--json']);
    const all = await succeed(['eval', '--rules', 'rules', '--input', log, '--only', 'firing']);
    const firings = parseLines<HuntLine>(all).filter(({ title }) => title === HIGH);
    expect(firings.length).toBeGreaterThan(0);
    expect(parseLines(found)).toEqual(firings);
  });

  test('for people it is a line each, and standard error says what the archive reaches over', async () => {
    const { code, stdout, stderr } = await vigie([...hunt, 'mass_extraction_account_high']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^(?:2025-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC {2}u-\w+ {2}150\n)+$/);
    expect(stderr).toMatch(/^the archive holds events from 2025-07-\d\d .* to 2025-07-\d\d .* UTC\n$/);
  });

  test('a time before the archive is said to be incomplete, and no firing is of another time', async () => {
    const first = (await succeed([...hunt, HIGH])).slice(0, 23).replace(' ', 'T');
    const { stdout, stderr } = await vigie([...hunt, HIGH, '--since', '2020-01-01', '--until', `${first}Z`]);
    expect(stdout).toBe('');
    expect(stderr).toContain('nothing is found\n');
    expect(stderr).toContain('INCOMPLETE: earlier events');
  });

  test('windows that begin before the archive are said to be incomplete, and those that do not are not', async () => {
    const [first] = parseLines<Record<string, unknown>>(readFileSync(log, 'utf8'));
    const archivedFrom = Date.parse(String(first!['@timestamp']));
    const after = (minutes: number): string => new Date(archivedFrom + minutes * 60_000).toISOString();
    const since = async (minutes: number): Promise<string> =>
      (await vigie([...hunt, HIGH, '--since', after(minutes)])).stderr;
    expect(await since(59)).toContain('INCOMPLETE: earlier events');
    expect(await since(61)).not.toContain('INCOMPLETE');
    const { stderr } = await vigie([...hunt, HIGH, '--until', after(-60)]);
    expect(stderr).toContain('INCOMPLETE: earlier events');
  });

  test('a time that ends before it begins is refused', async () => {
    const { code, stderr } = await vigie([...hunt, HIGH, '--since', '2025-07-13', '--until', '2025-07-12']);
    expect(stderr).toContain(
      '--until 2025-07-12T00:00:00.000Z is not after --since 2025-07-13T00:00:00.000Z',
    );
    expect(code).toBe(2);
  });

  test('what the archive does not know of the history that a rule compares with is said', async () => {
    const { stderr } = await vigie([...hunt, 'unusual_day_account']);
    expect(stderr).toMatch(/INCOMPLETE: up to 2025-08-0\d .* less than the history that vigie\.baseline/);
    const later = await vigie([...hunt, 'unusual_day_account', '--since', '2025-09-01']);
    expect(later.stderr).not.toContain('INCOMPLETE');
  });

  test('--sql is what any client can run, with the same rows', async () => {
    const sql = await succeed([...hunt, HIGH, '--sql']);
    expect(sql).toContain(`-- ${HIGH}`);
    const rows = await query<{ at: string; value: string }>(dataDir, sql);
    const firings = parseLines<HuntLine>(await succeed([...hunt, HIGH, '--json']));
    expect(rows.map(({ at }) => new Date(Number(at)).toISOString())).toEqual(firings.map(({ time }) => time));
  });

  test('each shipped rule that is compiled finds what eval finds', async () => {
    const ruleSet = loadRules(['rules'], {});
    const events = readFileSync(log, 'utf8').trimEnd().split('\n');
    const { lines } = evalEvents(ruleSet, events, { allFirings: true, allMatches: true });
    const clickHouse = await openClickHouse({ database: 'vigie', dataDir });
    const rulesThatFound = new Set<string>();
    try {
      for (const rule of [...ruleSet.rules, ...ruleSet.correlations]) {
        const hunted = compiledOrNot(() =>
          compileHunt(rule, ruleSet, {
            table: { name: 'vigie.access_events', columnOf },
            personFields: ['portal.records.ids'],
          }),
        );
        if (hunted === undefined) continue;
        const rows = await selectRows<Record<string, unknown>>(clickHouse, hunted.sql, {}, undefined);
        const what = (line: HuntLine | (typeof lines)[number]): string =>
          line.type === 'match' ? `${line.time} ${line.event.id}` : JSON.stringify(line);
        const expected = lines.filter((line) => line.type !== 'alert' && line.rule === rule.key).map(what);
        const found = rows.map((row) => what(huntLine(hunted, row)));
        expect({ rule: rule.title, found: found.sort() }).toEqual({
          rule: rule.title,
          found: expected.sort(),
        });
        if (found.length > 0) rulesThatFound.add(rule.key);
      }
    } finally {
      await clickHouse.close();
    }
    // Of rules that found nothing this says little.
    expect(rulesThatFound.size).toBeGreaterThan(20);
  });
});

function compiledOrNot<T>(compile: () => T): T | undefined {
  try {
    return compile();
  } catch (error) {
    if (error instanceof VigieError && error.code === 'HUNT_NOT_COMPILED') return undefined;
    throw error;
  }
}

describe('beside a run that holds the data folder', SLOW, () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const hunt = ['hunt', '--data-dir', dataDir, '--rule', HIGH, '--rules'];
  let running: Running;

  beforeAll(async () => {
    running = start(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir], ENV);
    running.stdin.write(reads('u-1', 200) + reads('u-2', 20));
    await running.message('alert opened');
    for (;;) if ((await vigie([...hunt, FEW_RULES])).stdout !== '') break;
  }, 120_000);

  test('it finds what is archived so far, the run goes on, and the folder gives the same', async () => {
    const found = await succeed([...hunt, FEW_RULES]);
    expect(found).toBe('2025-07-12 21:02:29.000 UTC  u-1  150\n');
    running.stdin.write(reads('u-3', 160));
    running.stdin.end();
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(await succeed([...hunt, FEW_RULES])).toBe(`${found}2025-07-12 21:02:29.000 UTC  u-3  150\n`);
  });

  test('a rule that asks for what was never archived is refused, not answered', async () => {
    const path = join(folder, 'rule.yml');
    writeFileSync(
      path,
      'title: Noted\nname: noted\nlogsource: {category: x}\ndetection: {s: {custom.note: a}, condition: not s}\n',
    );
    const asked = ['hunt', '--data-dir', dataDir, '--rule', 'noted', '--rules', path];
    const { code, stdout, stderr } = await vigie(asked);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^vigie: HUNT_FIELD_NOT_ARCHIVED: .*rule\.yml:1\) asks for custom\.note.*\n {2}.*vigie eval/,
    );
  });

  test('what is not compiled is refused with its place and another way', async () => {
    const { code, stdout, stderr } = await vigie([
      'hunt',
      '--rule',
      'enumeration_account',
      '--rules',
      'rules',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^vigie: HUNT_NOT_COMPILED: .*enumeration-account\.yml:1\).*: vigie\.sequence: .*\n {2}.*vigie eval/,
    );
  });

  test('more firings than are asked for are said to be there', async () => {
    const { stdout, stderr } = await vigie([...hunt, FEW_RULES, '--limit', '1']);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stderr).toContain('1 listed; more with --limit\n');
  });
});

test('without an archive that is an error, not an empty answer', SLOW, async () => {
  const dataDir = temporaryFolder();
  await succeed(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir], {}, reads('u-1', 2));
  const { code, stderr } = await vigie(['hunt', '--data-dir', dataDir, '--rule', HIGH, '--rules', FEW_RULES]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^vigie: ARCHIVE_EMPTY: .*\n {2}.*VIGIE_ARCHIVE=true/);
});

test('firings about canaries are left out where their key is known, and said to be', SLOW, async () => {
  const dataDir = temporaryFolder();
  const key = 'c0'.repeat(16);
  const canary = new CanaryMarks(Buffer.from(key, 'hex')).inPlaceOf('u-1', START);
  const log = reads('u-1', 150) + reads(canary, 150);
  await succeed(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir], ENV, log);
  const hunt = ['hunt', '--data-dir', dataDir, '--rule', HIGH, '--rules', FEW_RULES];
  const own = '2025-07-12 21:02:29.000 UTC  u-1  150\n';
  const known = await vigie(hunt, { VIGIE_CANARY_KEY: key });
  expect(known.stdout).toBe(own);
  expect(known.stderr).toContain('1 is about canaries alone, and left out\n');
  expect(await succeed(hunt)).toBe(`${own}2025-07-12 21:02:29.000 UTC  ${canary}  150\n`);
});

test('a server gives the same over HTTP', SLOW, async () => {
  const server = await startClickHouse();
  try {
    const env = {
      ...ENV,
      CLICKHOUSE_URL: server.url,
      CLICKHOUSE_USER: server.username,
      CLICKHOUSE_PASSWORD: server.password,
      CLICKHOUSE_DATABASE: `vigie_hunt_${process.pid}`,
    };
    const place = ['--data-dir', temporaryFolder()];
    await succeed(['run', '--input', '-', '--rules', FEW_RULES, ...place], env, reads('u-1', 200));
    const found = await succeed(['hunt', '--rule', HIGH, '--rules', FEW_RULES], env);
    expect(found).toBe('2025-07-12 21:02:29.000 UTC  u-1  150\n');
  } finally {
    await server.stop();
  }
});
