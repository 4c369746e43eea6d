import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';
import { pseudonymKey } from '../../../src/config/pseudonym-key.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const OTHER = 'f0e0d0c0b0a090807060504030201000';
const folder = mkdtempSync(join(tmpdir(), 'vigie-key-'));
const keyFile = join(folder, 'secret');
writeFileSync(keyFile, `${OTHER}\n`);
afterAll(() => rmSync(folder, { recursive: true }));

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
const load = (env: Readonly<Record<string, string>>) => pseudonymKey(loadConfig(env));

describe('the pseudonym key', () => {
  test('is the one that is set, else that of the file that is named', () => {
    const both = { VIGIE_PSEUDONYM_KEY: KEY, VIGIE_PSEUDONYM_KEY_FILE: keyFile };
    expect(hex(load(both).key)).toBe(KEY);
    expect(load({ VIGIE_PSEUDONYM_KEY_FILE: keyFile })).toEqual({
      key: Buffer.from(OTHER, 'hex'),
      madeAt: undefined,
    });
  });

  test('is made once in the data folder when nothing is set, readable by its owner only', () => {
    const env = { VIGIE_DATA_DIR: join(folder, 'made', 'here') };
    const path = join(env.VIGIE_DATA_DIR, 'pseudonym.key');
    const made = load(env);
    expect(made.madeAt).toBe(path);
    expect(made.key).toHaveLength(16);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // Dead letters will be there, too.
    expect(statSync(env.VIGIE_DATA_DIR).mode & 0o777).toBe(0o700);
    expect(readFileSync(path, 'utf8')).toBe(`${hex(made.key)}\n`);
    expect(load(env)).toEqual({ key: made.key, madeAt: undefined });
  });

  test('leaves nothing beside it when it is made', () => {
    const dataDir = join(folder, 'alone');
    load({ VIGIE_DATA_DIR: dataDir });
    expect(readdirSync(dataDir)).toEqual(['pseudonym.key']);
  });

  test('is not made anew beside a database that was written under another, as after a restore without the key', () => {
    const dataDir = join(folder, 'restored');
    mkdirSync(join(dataDir, 'clickhouse'), { recursive: true });
    expect(() => load({ VIGIE_DATA_DIR: dataDir })).toThrow(
      expect.objectContaining({
        code: 'PSEUDONYM_KEY_MISSING',
        message: expect.stringContaining(join(dataDir, 'pseudonym.key')),
        remedy: expect.stringMatching(/Put the key .*back.* VIGIE_PSEUDONYM_KEY .*openssl rand -hex 16/),
      }),
    );
    expect(readdirSync(dataDir)).toEqual(['clickhouse']);
    expect(hex(load({ VIGIE_DATA_DIR: dataDir, VIGIE_PSEUDONYM_KEY: KEY }).key)).toBe(KEY);
    // The rows are elsewhere: what lies in the folder is not what this run adds to.
    expect(load({ VIGIE_DATA_DIR: dataDir, CLICKHOUSE_URL: 'http://c:8123' }).madeAt).toBeDefined();
  });

  test('is another in another folder', () => {
    const [a, b] = ['a', 'b'].map((name) => hex(load({ VIGIE_DATA_DIR: join(folder, name) }).key));
    expect(a).not.toBe(b);
  });

  test('must be set where processes share a topic, and none is made for one of them', () => {
    const env = { KAFKA_BROKERS: 'a:9092', VIGIE_DATA_DIR: join(folder, 'kafka') };
    expect(() => load(env)).toThrow(
      expect.objectContaining({
        code: 'PSEUDONYM_KEY_MISSING',
        remedy: expect.stringMatching(/VIGIE_PSEUDONYM_KEY .*openssl rand -hex 16.*VIGIE_PSEUDONYM_KEY_FILE/),
      }),
    );
    expect(existsSync(env.VIGIE_DATA_DIR)).toBe(false);
    expect(hex(load({ ...env, VIGIE_PSEUDONYM_KEY: KEY }).key)).toBe(KEY);
  });

  test('is never replaced by a new one: a file that is damaged or missing stops the start', () => {
    const damaged = join(folder, 'damaged');
    writeFileSync(damaged, KEY.slice(1));
    expect(() => load({ VIGIE_PSEUDONYM_KEY_FILE: damaged })).toThrow(
      expect.objectContaining({
        code: 'PSEUDONYM_KEY_INVALID',
        message: `${damaged} does not hold 32 hex digits`,
        remedy: expect.stringContaining('backup'),
      }),
    );
    expect(readFileSync(damaged, 'utf8')).toBe(KEY.slice(1));
    expect(() => load({ VIGIE_PSEUDONYM_KEY_FILE: join(folder, 'none') })).toThrow(
      expect.objectContaining({
        code: 'PSEUDONYM_KEY_UNREADABLE',
        message: expect.stringContaining(join(folder, 'none')),
      }),
    );
  });
});
