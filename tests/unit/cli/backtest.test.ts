/** `vigie backtest` on somebody's own log: report, page, refusals. Generated traffic is tested in tests/backtest. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BacktestReport } from '../../../src/backtest/report.ts';
import { cleanUp, succeed, temporaryFolder, vigie } from '../../support/cli.ts';
import { ALL_RULES, event, EXPORT_RULE } from './fixtures.ts';

const folder = temporaryFolder();
const RULES = join(folder, 'rules.yml');
const LOG = join(folder, 'access.ndjson');
const LABELS = join(folder, 'access.labels.json');
const NO_EVENTS = join(folder, 'no-events.ndjson');
const MISSPELT = join(folder, 'misspelt.labels.json');
const SILENT = join(folder, 'silent.yml');
const TWICE = join(folder, 'twice.labels.json');
const BURST = '11111111-0000-4000-8000-000000000003';
const OWN = ['backtest', '--rules', RULES, '--input', LOG];

const read = (second: number, user: string, session: string) =>
  event(second, 'record-view', {
    user: { id: user },
    service: { name: 'kairos' },
    portal: { session: { id: session }, records: { count: 2, ids: [`p${second}a`, `p${second}b`] } },
  });

const readByNobody = (second: number) =>
  event(second, 'record-view', {
    user: undefined,
    source: { ip: '198.51.100.7' },
    service: { name: 'kairos' },
    portal: { records: { count: 1, ids: [`p${second}`] } },
  });

const theft = (name: string, sessions: readonly string[], eventIds: readonly string[] = []) => ({
  name,
  malicious: { sessions, eventIds },
});

const labels = (...incidents: readonly object[]) => JSON.stringify({ format: 'vigie-labels/1', incidents });

beforeAll(() => {
  writeFileSync(RULES, ALL_RULES);
  writeFileSync(SILENT, EXPORT_RULE);
  const lines = [0, 1, 2, 3].map((at) => read(at, 'thief', 's-stolen'));
  lines.push(...[100, 101, 102].map((at) => read(at, '<b>clerk</b>', 's-own')));
  writeFileSync(LOG, [...lines, event(86_500, 'logout')].join(''));
  writeFileSync(NO_EVENTS, 'no event\n');
  const ours = { name: 'ours', malicious: { sessions: ['s-stolen'] } };
  writeFileSync(LABELS, labels(ours));
  writeFileSync(TWICE, labels(ours, ours));
  writeFileSync(MISSPELT, labels({ name: 'ours', malicious: { session: ['s-stolen'] } }));
});
afterAll(cleanUp);

async function report(...args: readonly string[]): Promise<BacktestReport> {
  return JSON.parse(await succeed([...OWN, '--json', ...args])) as BacktestReport;
}

describe('an own log', () => {
  test('has its labelled incident caught, with what was gone, and the rest as false alerts', async () => {
    const { incidents, falseAlerts, format } = await report('--labels', LABELS);
    expect(format).toBe('vigie-backtest/1');
    expect(incidents).toMatchObject([
      {
        name: 'ours',
        records: 8,
        detected: {
          medium: { rule: BURST, timeToDetectMs: 2000, records: 6, shareOfRecords: 0.75 },
          critical: null,
        },
        inDepth: { rule: BURST },
      },
    ]);
    expect(falseAlerts).toMatchObject({
      accounts: 3,
      all: { alerts: 1 },
      rows: [{ cause: 'ordinary work' }],
    });
  });

  test('has nothing but false alerts without labels', async () => {
    const { incidents, falseAlerts } = await report();
    expect(incidents).toEqual([]);
    expect(falseAlerts!.all.alerts).toBe(2);
  });

  test('without an event of its labelled incident says so, not that the rules were rightly silent', async () => {
    const path = join(folder, 'elsewhere.labels.json');
    writeFileSync(path, labels({ name: 'elsewhere', malicious: { sessions: ['s-typo'] } }));
    const page = join(folder, 'elsewhere.html');
    const { stdout, code } = await vigie([...OWN, '--labels', path, '--sweep', '--html', page]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/elsewhere +not in the log/);
    expect(stdout).toContain('0 of 0');
    expect(stdout).not.toContain('silent');
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('no event of the log has its labels');
    expect(html).not.toMatch(/silent|as it should be|1 theft/);
    expect((await report('--labels', path)).incidents).toMatchObject([
      { name: 'elsewhere', events: 0, negativeControl: false },
    ]);
  });

  test('whose labels fit it in part says which do not, in words, as JSON and on the page', async () => {
    const path = join(folder, 'in-part.labels.json');
    writeFileSync(
      path,
      JSON.stringify({
        format: 'vigie-labels/1',
        incidents: [
          theft('ours', ['s-stolen', 's-typo'], ['e-typo', 'e-typo', 'e-lost', 'e-last', 'e-more']),
          theft('same', ['s-stolen']),
          { ...theft('flood', []), sources: ['192.0.2.99'] },
        ],
        confounders: [
          { name: 'export', sessions: ['s-own', 's-gone'], accounts: ['<b>clerk</b>', 'retired'] },
        ],
      }),
    );
    const page = join(folder, 'in-part.html');
    const { stdout, stderr, code } = await vigie([...OWN, '--labels', path, '--json', '--html', page]);
    expect(code).toBe(0);
    const { unmatchedLabels } = JSON.parse(stdout) as BacktestReport;
    expect(unmatchedLabels).toEqual([
      { of: 'ours', kind: 'sessions', labelled: 2, unmatched: 1, examples: ['s-typo'] },
      {
        of: 'ours',
        kind: 'event ids',
        labelled: 4,
        unmatched: 4,
        examples: ['e-typo', 'e-lost', 'e-last'],
      },
      { of: 'same', kind: 'sessions', labelled: 1, unmatched: 1, examples: ['s-stolen'] },
      { of: 'flood', kind: 'sources', labelled: 1, unmatched: 1, examples: ['192.0.2.99'] },
      { of: 'export', kind: 'sessions', labelled: 2, unmatched: 1, examples: ['s-gone'] },
      { of: 'export', kind: 'accounts', labelled: 2, unmatched: 1, examples: ['retired'] },
    ]);
    expect(stderr).toContain('no event counts for 1 of 2 sessions in the labels of ours: s-typo');
    expect(stderr).toContain(
      'no event counts for 4 of 4 event ids in the labels of ours: e-typo, e-lost, e-last, …',
    );
    expect(stderr).toContain('alerts on it count as false');
    expect(readFileSync(page, 'utf8')).toContain('no event counts for 1 of 2 sessions in the labels of ours');
  });

  test('whose labels all fit it has nothing to say of them, also of an event that two of them mark', async () => {
    const path = join(folder, 'whole.labels.json');
    const log = join(folder, 'whole.ndjson');
    const lines = readFileSync(LOG, 'utf8').split('\n');
    const first = JSON.parse(lines[0]!) as { event: object };
    lines[0] = JSON.stringify({ ...first, event: { ...first.event, id: 'e-first' } });
    writeFileSync(log, lines.join('\n'));
    // With a byte-order mark, as some editors save it.
    const whole = labels({ name: 'ours', malicious: { sessions: ['s-stolen'], eventIds: ['e-first'] } });
    writeFileSync(path, `\ufeff${whole}`);
    const args = ['backtest', '--rules', RULES, '--input', log, '--labels', path, '--json'];
    const { stdout, stderr } = await vigie(args);
    expect(stderr).toBe('');
    expect((JSON.parse(stdout) as BacktestReport).unmatchedLabels).toEqual([]);
  });

  test('refuses a misspelt mark of a confounder, which would mark nothing', async () => {
    const path = join(folder, 'confounders.labels.json');
    const confounders = [{ name: 'yearly export', account: ['u-export'] }];
    writeFileSync(path, JSON.stringify({ format: 'vigie-labels/1', incidents: [], confounders }));
    const { code, stderr } = await vigie([...OWN, '--labels', path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^vigie: LABELS_INVALID: .*confounders\.0: Unrecognized key: "account"/);
  });

  test('tells the CPU time of the judging alone, which is no more than the time it took', async () => {
    const [job] = (await report()).jobs;
    // A kernel may count CPU time in ticks.
    expect(job!.cpuMs).toBeLessThanOrEqual(job!.elapsedMs + 10);
  });

  test('out of order beyond the lateness says how much came too late for its windows', async () => {
    const log = join(folder, 'by-server.ndjson');
    const lines = readFileSync(LOG, 'utf8').trim().split('\n');
    const run = (order: readonly string[]) => {
      writeFileSync(log, `${order.join('\n')}\n`);
      return vigie(['backtest', '--rules', RULES, '--input', log, '--labels', LABELS, '--json']);
    };
    const { stdout, stderr } = await run([...lines.slice(4, 7), ...lines.slice(0, 4), lines[7]!]);
    expect(stderr).toContain('4 events are more than 1 min older than events before them');
    expect(stderr).toContain('VIGIE_LATENESS');
    expect((JSON.parse(stdout) as BacktestReport).jobs).toMatchObject([{ events: 8, late: 4 }]);
    const reversed = await run(lines.toReversed());
    expect(reversed.code).toBe(1);
    expect(reversed.stderr).toContain('NOTHING_JUDGED: 7 events are more than 1 min older');
    expect((await vigie([...OWN, '--labels', LABELS])).stderr).toBe('');
  });

  test('is told of where its page cannot be written in the end', async () => {
    const { code, stdout, stderr } = await vigie([...OWN, '--labels', LABELS, '--html', '/dev/full']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^vigie: OUTPUT_FAILED: .*ENOSPC/)]);
    expect(stdout).toMatch(/^False alerts per day/m);
  });

  test('that names no account has its false alerts per day alone, and a page without a figure that is none', async () => {
    const log = join(folder, 'nobody.ndjson');
    const rules = join(folder, 'by-source.yml');
    const page = join(folder, 'nobody.html');
    writeFileSync(rules, ALL_RULES.replaceAll('user.id', 'source.ip'));
    writeFileSync(log, [0, 1, 2, 43_200, 43_201, 43_202, 86_400].map(readByNobody).join(''));
    const args = ['backtest', '--rules', rules, '--input', log, '--html', page];
    const { stdout } = await vigie(args);
    expect(stdout).toMatch(/False alerts per day, over 1 day of a log that names no account: 2,/);
    expect(stdout).toMatch(/at the top +all +alerts\nhigh .* 2 +2 +2$/m);
    const html = readFileSync(page, 'utf8');
    expect(html).not.toMatch(/NaN|Infinity|10,000 accounts/);
    const { falseAlerts } = JSON.parse(await succeed([...args, '--json'])) as BacktestReport;
    expect(falseAlerts).toMatchObject({ accounts: 0, all: { alerts: 2, perDay: 2, topPerDay: 2 } });
  });

  test('in another form is read through a mapping, and what that leaves out is said', async () => {
    const log = join(folder, 'portal.log');
    const mapping = join(folder, 'portal.yml');
    const lines = [0, 1, 2, 3].map((s) => `2026-01-05T10:00:0${s}Z thief read p${s}`);
    writeFileSync(log, [...lines, '2026-01-05T10:00:09Z - ping -', 'no such line', ''].join('\n'));
    writeFileSync(
      mapping,
      String.raw`
input: regex
pattern: '(?P<at>\S+) (?P<who>\S+) (?P<what>\S+) (?P<whom>\S+)'
time: { field: at, format: iso }
set: { event.action: record-view, service.name: kairos, portal.records.count: 2 }
copy: { user.id: who, portal.records.ids: whom }
cases:
  - name: health check
    when: { what: ping }
    skip: true
  - name: read
    when: { what: read }
`,
    );
    const args = ['backtest', '--rules', RULES, '--input', log, '--mapping', mapping, '--json'];
    const { stdout, stderr, code } = await vigie(args);
    expect(stderr).toContain('1 skipped (health check 1), as the mapping says');
    expect(stderr).toContain('1 line is no event and was left out; `vigie mapping check --sample` shows why');
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as BacktestReport).falseAlerts!.all.alerts).toBe(1);
  });

  test('has the event ids that `mapping check` shows, when its mapping makes them', async () => {
    const log = join(folder, 'ids.log');
    const mapping = join(folder, 'ids.yml');
    const path = join(folder, 'ids.labels.json');
    const env = { VIGIE_PSEUDONYM_KEY: '000102030405060708090a0b0c0d0e0f' };
    writeFileSync(log, [0, 1, 2, 9].map((at) => `2026-01-05T10:00:0${at}Z thief r${at}\n`).join(''));
    writeFileSync(
      mapping,
      String.raw`
input: regex
pattern: '(?P<at>\S+) (?P<who>\S+) (?P<request>\S+)'
time: { field: at }
id: { from: request }
set: { event.action: record-view, service.name: kairos, portal.records.count: 1 }
copy: { user.id: who }
`,
    );
    const checked = await succeed(['mapping', 'check', mapping, '--sample', log, '--json'], env);
    const eventIds = Array.from(checked.matchAll(/"id":"([0-9a-f]{16})"/g), ([, id]) => id);
    writeFileSync(path, labels({ name: 'ours', malicious: { eventIds } }));
    const args = ['backtest', '--rules', RULES, '--input', log, '--mapping', mapping, '--labels', path];
    const { incidents } = JSON.parse(await succeed([...args, '--json'], env)) as BacktestReport;
    expect(incidents).toMatchObject([{ events: 4, records: 4, detected: { high: { rule: BURST } } }]);
  });

  test('is swept with the shipped threshold marked by factor 1', async () => {
    const { sweep } = await report('--labels', LABELS, '--sweep');
    const points = sweep!.rules[0]!.points.map(({ factor, bounds, recordsLost }) => [
      factor,
      bounds[0]!.value,
      recordsLost['ours'] ?? null,
    ]);
    expect(points).toEqual([
      [0.25, 1, 2],
      [0.35, 2, 4],
      [1, 3, 6],
      [1.4, 5, null],
      [2, 6, null],
      [2.8, 9, null],
      [4, 12, null],
    ]);
  });

  test('is swept with rules that only feed others under their titles, not their ids', async () => {
    const rules = join(folder, 'chain.yml');
    const page = join(folder, 'chain.html');
    const chain = `
title: Two bursts
level: critical
correlation: {type: event_count, rules: [${BURST}], group-by: [user.id], timespan: 1h, condition: {gte: 2}}
`;
    writeFileSync(rules, [ALL_RULES, chain].join('\n---\n'));
    const args = ['backtest', '--rules', rules, '--input', LOG, '--sweep', '--html', page, '--json'];
    const { sweep } = JSON.parse(await succeed(args)) as BacktestReport;
    expect(sweep!.rules.map(({ title, level }) => [title, level])).toEqual([
      ['Three reads in ten seconds', 'high'],
      ['Two bursts', 'critical'],
    ]);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('Three reads in ten seconds');
    expect(html).not.toContain(BURST);
  });

  test('becomes a page that loads nothing, runs no script and takes names for text', async () => {
    const page = join(folder, 'page.html');
    const { stdout, stderr, code } = await vigie([...OWN, '--labels', LABELS, '--sweep', '--html', page]);
    expect(code).toBe(0);
    // In a pipe: the report, where the page is, and no bar.
    expect(stdout).toMatch(/ours +caught high +2 s +6 of 8/);
    expect(stderr).toBe(`page: ${page}\n`);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('<svg');
    expect(html).toContain('&#60;b&#62;clerk');
    expect(html).not.toMatch(/<script|<link|<img|<b>clerk|@import|url\(|(src|href)=/);
    expect(html.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:\/\//);
    expect(html).toContain('prefers-color-scheme: dark');
    // A narrow window scrolls its tables, not the page.
    expect(html.match(/<div class="wide">\s*<table/g)).toHaveLength(html.match(/<table/g)!.length);
    expect(html.match(/<svg[^>]* role="img"/g)).toHaveLength(html.match(/<svg/g)!.length);
    expect(html.replaceAll(/\s+/g, ' ')).toContain(`1 rule against 1 incident in the log ${LOG}</p>`);
  });
});

test('a page on an incident alone speaks of no benign traffic, nor of its accounts and weeks', async () => {
  const page = join(folder, 'incident-alone.html');
  const args = ['backtest', '--rules', RULES, '--incidents', 'ddos-rie-2024', '--no-benign', '--learn', '0d'];
  const { settings } = JSON.parse(
    await succeed([...args, '--background', '0', '--json', '--html', page]),
  ) as BacktestReport;
  expect(settings).toMatchObject({ accounts: null, judgeMs: null });
  const html = readFileSync(page, 'utf8').replaceAll(/\s+/g, ' ');
  expect(html).toContain('1 rule against 1 incident</p>');
  expect(html).toContain('1 job, ');
  expect(html).not.toMatch(/benign|10,000/);
});

describe('is refused before any work', () => {
  test('rules of which none raises an alert, whose silence would read as that of good ones', async () => {
    const { code, stdout, stderr } = await vigie(['backtest', '--rules', SILENT, '--input', LOG]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^vigie: NOTHING_JUDGED: no rule raises an alert\n {2}.*event_count/);
  });

  test.each([
    ['an incident that is not there', ['--incidents', 'kairos-2024'], 2, 'Did you mean kairos-2025'],
    ['a rule that is not there', ['--without', 'brust'], 2, 'RULE_UNKNOWN'],
    ['all without the only rule', ['--input', LOG, '--without', BURST], 1, 'NOTHING_JUDGED: no rule'],
    ['labels without a log', ['--labels', LABELS], 2, '--input'],
    ['a mapping without a log', ['--mapping', 'w3c'], 2, '--input'],
    ['a mapping beside a time field', ['--mapping', 'w3c', '--timestamp-field', 't'], 2, '--timestamp-field'],
    ['a mapping that is not there', ['--input', LOG, '--mapping', 'w4c'], 1, 'MAPPING'],
    ['a page that cannot be written', ['--html', join(folder, 'nowhere', 'page.html')], 1, 'OUTPUT_FAILED'],
    ['no event at all', ['--input', NO_EVENTS], 1, 'NOTHING_JUDGED: there is no event in'],
    ['learning to the end', ['--input', LOG, '--learn', '2d'], 1, 'NOTHING_JUDGED: --learn 2 d'],
    ['no time to judge', ['--judge', '0d'], 2, '--judge'],
    ['a misspelt mark', ['--input', LOG, '--labels', MISSPELT], 1, '"session"'],
    ['two incidents of a name', ['--input', LOG, '--labels', TWICE], 1, 'two incidents are called "ours"'],
    ['a seed for an own log', ['--input', LOG, '--seed', 'x'], 2, '--seed is for generated traffic'],
    ['no benign weeks beside an own log', ['--input', LOG, '--no-benign'], 2, '--no-benign is for'],
    ['a time field for generated traffic', ['--timestamp-field', 't'], 2, '--timestamp-field'],
    ['labels of another format', ['--input', LOG, '--labels', RULES], 1, 'LABELS_UNREADABLE'],
  ])('%s', async (_, args, code, said) => {
    const ended = await vigie(['backtest', '--rules', RULES, ...args]);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(said);
    expect(ended.stdout).toBe('');
  });
});

test.each([
  ['leaves none where there was none', undefined],
  ['leaves the one of last time as it was', '<p>of last time'],
])('a backtest that fails before its page is written %s', async (_, before) => {
  const page = join(folder, `page-${before === undefined ? 'new' : 'old'}.html`);
  if (before !== undefined) writeFileSync(page, before);
  const { code, stderr } = await vigie([...OWN, '--without', 'brust', '--html', page]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('RULE_UNKNOWN') });
  expect(existsSync(page) ? readFileSync(page, 'utf8') : undefined).toBe(before);
});
