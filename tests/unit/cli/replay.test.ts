import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { SCENARIOS } from '../../../replay/index.ts';
import { cleanUp, parseLines, start, succeed, temporaryFolder, until, vigie } from '../../support/cli.ts';

const folder = temporaryFolder();
afterAll(cleanUp);

const SMALL = ['kairos-2025', '--accounts', '0', '--records', '500'];

describe('vigie replay', () => {
  test('writes the same bytes to standard output and to a file, and the labels beside the file', async () => {
    const path = join(folder, 'events.ndjson');
    const [piped, filed] = await Promise.all([
      vigie(['replay', ...SMALL]),
      vigie(['replay', ...SMALL, '--to', path, '--json']),
    ]);
    expect(piped.code).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(piped.stdout);
    const labels = JSON.parse(readFileSync(`${path}.labels.json`, 'utf8')) as { incidents: unknown[] };
    expect(labels.incidents).toMatchObject([{ records: 500 }]);
    // With --json standard output holds the labels and nothing else.
    expect(JSON.parse(filed.stdout)).toEqual(labels);
  });

  test('keeps its remarks on standard error, and draws no bar where nobody looks', async () => {
    const { stdout, stderr } = await vigie(['replay', ...SMALL]);
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines.every((line) => line.startsWith('{"@timestamp":'))).toBe(true);
    expect(stderr).toMatch(/^wrote \d+ events, [\d.]+ kB, in [\d.]+ s \([\d,]+ a second\)\n$/);
  });

  test('that is stopped has not done what was asked for, and says so in the labels too', async () => {
    const path = join(folder, 'stopped.ndjson');
    const running = start(['replay', ...SMALL, '--speed', '1', '--to', path]);
    await until(async () => existsSync(path));
    await running.signal('SIGINT');
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/^stopped after /) });
    expect(JSON.parse(readFileSync(`${path}.labels.json`, 'utf8'))).toMatchObject({ complete: false });
  });

  test('refuses to write a file onto itself, which would empty it, also by another path', async () => {
    const path = join(folder, 'recorded.ndjson');
    const text = '{"@timestamp":"2025-07-12T20:00:00Z"}\n';
    writeFileSync(path, text);
    const link = join(folder, 'link.ndjson');
    symlinkSync(path, link);
    for (const to of [path, link]) {
      const { code, stderr } = await vigie(['replay', path, '--to', to]);
      expect({ code, stderr }).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('is the file that is read'),
      });
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  test('names what packs a recorded log, and sends no piece of it as an event', async () => {
    const packed = join(folder, 'recorded.ndjson.gz');
    writeFileSync(packed, gzipSync('{}\n'));
    const { code, stdout, stderr } = await vigie(['replay', packed]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^vigie: INPUT_NOT_TEXT: .*gzip\n {2}Unpack it, .*: zcat \S+ > FILE\n$/);
  });

  test('names labels beside a file that cannot be read, before it writes anything', async () => {
    const path = join(folder, 'labelled.ndjson');
    writeFileSync(path, '{"@timestamp":"2025-07-12T20:00:00Z"}\n');
    writeFileSync(`${path}.labels.json`, '{"format":');
    const { code, stdout, stderr } = await vigie(['replay', path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^vigie: LABELS_UNREADABLE: cannot read .*labelled\.ndjson\.labels\.json: /);
  });

  test('starts from another seed when told, and writes the events of the same scenario', async () => {
    const [one, other] = await Promise.all([
      succeed(['replay', ...SMALL, '--seed', '1']),
      succeed(['replay', ...SMALL, '--seed', '2']),
    ]);
    expect(one).not.toBe(other);
    expect(one.split('\n').length).toBe(other.split('\n').length);
  });

  test('writes the lookup lists of the generated accounts, and refuses to invent those of a file', async () => {
    const lists = join(folder, 'lists');
    const { stderr } = await vigie([
      'replay',
      'kairos-2025',
      '--accounts',
      '300',
      '--records',
      '500',
      '--duration',
      '7d',
      '--write-lists',
      lists,
    ]);
    expect(stderr).toContain(`lists: ${join(lists, 'hosting_networks.csv')}, `);
    expect(readFileSync(join(lists, 'caseloads.csv'), 'utf8')).toMatch(
      /^user\.id,persons\nu-[0-9a-f]{6},\d+\n/,
    );
    const path = join(folder, 'events.ndjson');
    const refused = await vigie(['replay', path, '--write-lists', lists]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--write-lists needs a scenario');
  });

  test('lists every scenario with its options', async () => {
    const listed = await succeed(['replay', '--list']);
    for (const scenario of Object.values(SCENARIOS)) {
      expect(listed).toContain(`${scenario.name}: ${scenario.title}\n`);
    }
    expect(listed).toMatch(/^ {4}--records-per-event {2}.* \(default 1\)$/m);
    const asJson = parseLines<{ scenario: string; options: unknown[] }>(
      await succeed(['replay', '--list', '--json']),
    );
    expect(asJson.map(({ scenario }) => scenario)).toEqual(Object.keys(SCENARIOS));
    expect(asJson[0]!.options).toContainEqual({
      option: '--records-per-event',
      description: expect.any(String),
      default: expect.any(String),
    });
  });
});
