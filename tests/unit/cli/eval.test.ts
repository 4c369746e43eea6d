/** The contract of `vigie eval`: other tools are compared with Vigie through it, so it is exact to the byte. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, succeed, temporaryFolder, vigie } from '../../support/cli.ts';
import { ALL_RULES, event, EXPORT_RULE } from './fixtures.ts';

const folder = temporaryFolder();
const rules = join(folder, 'rules.yml');
const matchRules = join(folder, 'export.yml');
const events = join(folder, 'events.ndjson');

// The export is written before reads that are older; the last event lets the first episode resolve.
const LOG = [
  event(0, 'record-view'),
  event(1, 'record-view'),
  event(4, 'record-export'),
  event(2, 'record-view'),
  event(3, 'record-view'),
  event(200, 'login'),
].join('');

const MATCH =
  '{"type":"match","rule":"11111111-0000-4000-8000-000000000001","title":"Export of records","level":"medium","event":{"index":2,"id":"e4"},"time":"2025-07-12T20:00:04.000Z"}';
const FIRING =
  '{"type":"firing","rule":"11111111-0000-4000-8000-000000000003","title":"Three reads in ten seconds","level":"high","group":{"user.id":"u1","service.name":"kairos"},"time":"2025-07-12T20:00:02.000Z","value":3,"threshold":{"gte":3}}';
const ALERT = new RegExp(
  '^{"type":"alert","alert_id":"[0-9a-f]{32}","rule":"11111111-0000-4000-8000-000000000003","group":{"user.id":"u1","service.name":"kairos"},"status":"resolved","first_event_at":"2025-07-12T20:00:00.000Z","crossed_at":"2025-07-12T20:00:02.000Z","last_event_at":"2025-07-12T20:00:03.000Z","events":4,"value":4}$',
);

beforeAll(() => {
  writeFileSync(rules, ALL_RULES);
  writeFileSync(matchRules, EXPORT_RULE);
  writeFileSync(events, LOG.replaceAll('"user":', '"service":{"name":"kairos"},"user":'));
});
afterAll(cleanUp);

const lines = (text: string): string[] => text.split('\n').slice(0, -1);
const indexOf = (line: string): number => (JSON.parse(line) as { event: { index: number } }).event.index;
const only = async (kind: string): Promise<string[]> =>
  lines(await succeed(['eval', '-r', rules, '-i', events, '--only', kind]));

describe('vigie eval', () => {
  test('prints matches and firings in event-time order, then the alerts in their final state, key by key', async () => {
    const printed = lines(await succeed(['eval', '--rules', rules, '--input', events]));
    // The crossing at 20:00:02 comes before the match at 20:00:04, whatever the order of the log.
    expect(printed).toEqual([FIRING, MATCH, expect.stringMatching(ALERT)]);
  });

  test('prints the same bytes again, from a file and from standard input, named or by default', async () => {
    const log = readFileSync(events, 'utf8');
    const printed = await Promise.all([
      succeed(['eval', '-r', rules, '-i', events]),
      succeed(['eval', '-r', rules, '-i', '-'], {}, log),
      succeed(['eval', '-r', rules], {}, log),
    ]);
    expect(new Set(printed).size).toBe(1);
  });

  test('tells of events that no window counted: of an id that was there with another time, or without whom they are of', async () => {
    const reads = [0, 1, 2].map((at) => event(at, 'record-view', { service: { name: 'kairos' } }));
    const sameId = reads.join('').replaceAll(/"e\d"/g, '"e"');
    const nobodys = reads.join('').replaceAll('"user":{"id":"u1"}', '"user":{"id":null}');
    const told = await Promise.all(
      [sameId, nobodys, reads.join('')].map((log) => vigie(['eval', '-r', rules], {}, log)),
    );
    expect(told.map(({ stderr }) => stderr)).toEqual([
      '2 events have the event.id of an earlier one and another time: they were left out, and nobody looked at them\n',
      '3 events lack user.id or service.name, by which a rule groups them: it skipped them\n',
      '',
    ]);
  });

  test('prints one kind of lines with --only', async () => {
    const [match, firing, alert] = await Promise.all([only('match'), only('firing'), only('alert')]);
    expect(match).toEqual([MATCH]);
    expect(firing).toEqual([FIRING]);
    expect(alert).toEqual([expect.stringMatching(ALERT)]);
  });

  test('adds the matches of rules that only correlations refer to with --all-matches', async () => {
    const printed = lines(
      await succeed(['eval', '-r', rules, '-i', events, '--only', 'match', '--all-matches']),
    );
    // In event-time order; the index tells the line, from 0.
    expect(printed.map((line) => (JSON.parse(line) as { event: unknown }).event)).toEqual([
      { index: 0, id: 'e0' },
      { index: 1, id: 'e1' },
      { index: 3, id: 'e2' },
      { index: 4, id: 'e3' },
      { index: 2, id: 'e4' },
    ]);
  });

  test('reads the time of the field that --timestamp-field names, nested or dotted', async () => {
    const log = [0, 1, 2]
      .map((second) => event(second, 'record-view').replace('"@timestamp"', '"portal.seen_at"'))
      .join('')
      .replace(
        '"portal.seen_at":"2025-07-12T20:00:01.000Z"',
        '"portal":{"seen_at":"2025-07-12T20:00:01.000Z"}',
      )
      .replaceAll('"user":', '"service":{"name":"kairos"},"user":');
    expect(
      lines(
        await succeed(
          ['eval', '-r', rules, '--timestamp-field', 'portal.seen_at', '--only', 'firing'],
          {},
          log,
        ),
      ),
    ).toEqual([FIRING]);
  });

  test('lets --lateness decide what is too late to count', async () => {
    // The second read arrives when the log is already 20 s further.
    const log = [0, 22, 1, 2].map((second) => event(second, 'record-view', { 'service.name': 'k' })).join('');
    const firings = async (lateness: string) =>
      lines(await succeed(['eval', '-r', rules, '--lateness', lateness, '--only', 'firing'], {}, log)).length;
    expect(await Promise.all([firings('1m'), firings('5s')])).toEqual([1, 0]);
  });

  test('says of an input without a line that nothing was read, so that it is not taken for a quiet one', async () => {
    const args = ['eval', '--rules', rules];
    expect(await vigie(args, {}, '\n')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^0 events: there is no line in standard input/) as string,
    });
    const empty = join(folder, 'empty.ndjson');
    writeFileSync(empty, '');
    expect((await vigie([...args, '--input', empty])).stderr).toContain(`there is no line in ${empty}`);
  });

  test('names what packs a log and what unpacks it, instead of calling each piece no event', async () => {
    const packed = join(folder, 'log.ndjson.gz');
    writeFileSync(packed, gzipSync(LOG));
    const [file, piped] = await Promise.all([
      vigie(['eval', '-r', rules, '-i', packed]),
      vigie(['eval', '-r', rules], {}, Buffer.from(`\ufeff${LOG}`, 'utf16le')),
    ]);
    expect([file.code, file.stdout, piped.code, piped.stdout]).toEqual([1, '', 1, '']);
    expect(file.stderr).toBe(
      `vigie: INPUT_NOT_TEXT: Cannot read ${packed}: it is packed with gzip\n  Unpack it on the way in, with - for the file: zcat ${packed} | vigie …\n`,
    );
    expect(piped.stderr).toBe(
      'vigie: INPUT_NOT_TEXT: Cannot read standard input: it is UTF-16, not UTF-8\n  Convert it on the way in, with - for the file: iconv -f UTF-16 -t UTF-8 FILE | vigie …\n',
    );
  });

  test('says how many events came too late for their windows, so that an unsorted log is not taken for a quiet one', async () => {
    const args = ['eval', '--rules', rules, '--input', events, '--only', 'firing'];
    expect((await vigie(args)).stderr).toBe('');
    const { stderr, code } = await vigie([...args, '--lateness', '0s']);
    expect(code).toBe(0);
    expect(stderr).toContain('2 events are more than 0 s older than events before them');
    expect(stderr).toContain('sort the log by time, or allow more with --lateness');
  });

  test('says nothing of windows and lateness where no correlation is loaded: matches know no order', async () => {
    const args = ['eval', '--rules', matchRules, '--input', events, '--lateness', '0s'];
    expect(await vigie(args)).toMatchObject({ code: 0, stderr: '' });
  });

  test('takes events without a time as long as no correlation is loaded', async () => {
    const log = '{"event":{"action":"record-export"}}\n{"event.action":"record-export","event.id":7}\n';
    const { code, stdout } = await vigie(['eval', '-r', matchRules], {}, log);
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual([
      '{"type":"match","rule":"11111111-0000-4000-8000-000000000001","title":"Export of records","level":"medium","event":{"index":0,"id":null},"time":null}',
      '{"type":"match","rule":"11111111-0000-4000-8000-000000000001","title":"Export of records","level":"medium","event":{"index":1,"id":"7"},"time":null}',
    ]);
    const refused = await vigie(['eval', '-r', rules], {}, log);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^stdin:1: NO_TIME: @timestamp is missing/);
  });

  test('puts events without a time before those that have one', async () => {
    const bare = '{"event":{"action":"record-export"}}\n';
    const log = [event(9, 'record-export'), bare, event(3, 'record-export'), bare].join('');
    const printed = lines(await succeed(['eval', '-r', matchRules], {}, log));
    expect(printed.map(indexOf)).toEqual([1, 3, 2, 0]);
  });

  test('evaluates what is left when some lines are no events, and names those by file and line from 1', async () => {
    const path = join(folder, 'torn.ndjson');
    writeFileSync(
      path,
      `${event(4, 'record-export')}\nnot json\n[1]\n${event(5, 'record-export').slice(0, 30)}`,
    );
    const { code, stdout, stderr } = await vigie(['eval', '-r', matchRules, '-i', path]);
    expect(code).toBe(1);
    expect(lines(stdout)).toEqual([MATCH.replace('"index":2', '"index":0')]);
    expect(lines(stderr)).toEqual([
      expect.stringContaining(`${path}:3: NOT_JSON: `),
      expect.stringContaining(`${path}:4: NOT_AN_OBJECT: `),
      expect.stringContaining(`${path}:5: NOT_JSON: `),
      '3 lines are no events and were left out: docs/event.md describes events, docs/mappings.md how other logs are read',
    ]);
  });

  test('prints pseudonyms where a group is a person, in the fields that the configuration names', async () => {
    const perPerson = join(folder, 'person.yml');
    writeFileSync(
      perPerson,
      ALL_RULES.replace('[user.id, service.name]', '[person]').replace('gte: 3', 'gte: 1'),
    );
    const log = event(0, 'record-view', { person: '1850675123456' });
    const printed = await succeed(['eval', '-r', perPerson], { VIGIE_PERSON_FIELDS: 'person' }, log);
    expect(printed).toMatch(/"group":\{"person":"[0-9a-f]{16}"\}/);
    expect(printed).not.toContain('1850675123456');
  });

  test('ends quietly when its reader has enough', () => {
    const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
    const many = join(folder, 'many.ndjson');
    writeFileSync(many, event(4, 'record-export').replace('"id":"e4",', '').repeat(50_000));
    const script = `"$0" "$1" eval -r "$2" -i "$3" | head -n 1; echo "ended \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, main, matchRules, many], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(lines(stdout)).toEqual([expect.stringMatching(/^{"type":"match"/), 'ended 0']);
  });
});
