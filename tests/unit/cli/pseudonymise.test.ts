import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, succeed, temporaryFolder, vigie } from '../../support/cli.ts';
import { ALL_RULES, event } from './fixtures.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const folder = temporaryFolder();
afterAll(cleanUp);

describe('vigie pseudonymise', () => {
  test('prints what the engine makes of the same persons, written as text or as a number', async () => {
    const rules = join(folder, 'rules.yml');
    writeFileSync(
      rules,
      ALL_RULES.replace('[user.id, service.name]', '[portal.records.ids]').replace('gte: 3', 'gte: 1'),
    );
    const ids = ['1850675123456', 'José', 'a b', '42'];
    const log = event(0, 'record-view', { 'portal.records.ids': ['1850675123456', 'José', 'a b', 42] });
    const env = { VIGIE_PSEUDONYM_KEY: KEY };
    const [hashed, evaluated] = await Promise.all([
      succeed(['pseudonymise'], env, `${ids.join('\r\n')}\n`),
      succeed(['eval', '-r', rules, '--only', 'firing'], env, log),
    ]);
    const lines = hashed.split('\n').slice(0, -1);
    expect(lines.map((line) => line.split('\t')[1])).toEqual(ids);
    const groups = [...evaluated.matchAll(/"portal\.records\.ids":"(\w+)"/g)].map(([, group]) => group!);
    expect(new Set(lines.map((line) => line.split('\t')[0]!))).toEqual(new Set(groups));
    expect(groups).toHaveLength(ids.length);
  });

  test('takes the key of the data folder, and of a file that is named', async () => {
    writeFileSync(join(folder, 'pseudonym.key'), `${KEY}\n`);
    const printed = await Promise.all([
      succeed(['pseudonymise'], { VIGIE_PSEUDONYM_KEY: KEY }, 'p1\n'),
      succeed(['pseudonymise', '--data-dir', folder], {}, 'p1\n'),
      succeed(['pseudonymise'], { VIGIE_PSEUDONYM_KEY_FILE: join(folder, 'pseudonym.key') }, 'p1\n'),
    ]);
    expect(new Set(printed).size).toBe(1);
    expect(printed[0]).toMatch(/^[0-9a-f]{16}\tp1\n$/);
  });

  test('refuses a list that is not UTF-8: hashed as read, its ids would be those of nobody', async () => {
    const list = join(folder, 'latin1.txt');
    writeFileSync(list, Buffer.from('Jean\nJos\xe9\n', 'latin1'));
    const { code, stdout, stderr } = await vigie(['pseudonymise', '-i', list], { VIGIE_PSEUDONYM_KEY: KEY });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`IDS_NOT_UTF8: line 2 of ${list} is not UTF-8`);
    expect(stderr).toContain('iconv');
  });

  test('makes no key where there is none: a new one would find nobody', async () => {
    const empty = join(folder, 'empty');
    const { code, stdout, stderr } = await vigie(['pseudonymise', '--data-dir', empty], {}, 'p1\n');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`cannot read the pseudonym key ${join(empty, 'pseudonym.key')}`);
    expect(existsSync(empty)).toBe(false);
  });

  test('asks for the shared key when there are brokers, instead of taking one of a folder', async () => {
    const env = { KAFKA_BROKERS: '127.0.0.1:9092', VIGIE_DATA_DIR: folder };
    expect(readFileSync(join(folder, 'pseudonym.key'), 'utf8')).toBe(`${KEY}\n`);
    const { code, stderr } = await vigie(['pseudonymise'], env, 'p1\n');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^vigie: PSEUDONYM_KEY_MISSING: [^]*Set VIGIE_PSEUDONYM_KEY/);
  });
});
