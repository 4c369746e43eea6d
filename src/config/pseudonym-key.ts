/**
 * The key that persons' ids are hashed under. It comes from the configuration; an embedded run without one creates it
 * once and stores it with owner-only rights. With Kafka a missing key stops the start: two processes with two keys
 * would count everyone twice.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from './settings.ts';
import { messageOf, VigieError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { enginePath } from '../sink/client.ts';
import { givenKey, type KeyFile, readKey } from './key-file.ts';

const KEY: KeyFile = {
  code: 'PSEUDONYM_KEY',
  name: 'pseudonym key',
  places: 'VIGIE_PSEUDONYM_KEY_FILE, else in VIGIE_DATA_DIR',
  remedy: 'Restore the key file from its backup; a new key would make all persons strangers.',
};

export interface PseudonymKey {
  readonly key: Uint8Array;
  /** Path of a key that this call created, for the log. */
  readonly madeAt: string | undefined;
}

/**
 * The key in the settings. Undefined if there is none, for commands that store nothing and can do without. Throws
 * PSEUDONYM_KEY_INVALID or PSEUDONYM_KEY_UNREADABLE.
 */
export function configuredKey(config: Config): Uint8Array | undefined {
  return givenKey(config.pseudonym_key, config.pseudonym_key_file, KEY);
}

/** Throws PSEUDONYM_KEY_MISSING, PSEUDONYM_KEY_INVALID or PSEUDONYM_KEY_UNREADABLE. */
export function pseudonymKey(config: Config): PseudonymKey {
  const key = configuredKey(config);
  if (key !== undefined) return { key, madeAt: undefined };
  if (config.kafka_brokers !== undefined) {
    throw new VigieError(
      'PSEUDONYM_KEY_MISSING',
      'no pseudonym key is set, and processes that read one topic must share one',
      {
        remedy:
          'Set VIGIE_PSEUDONYM_KEY (32 hex digits, e.g. from `openssl rand -hex 16`) or VIGIE_PSEUDONYM_KEY_FILE.',
      },
    );
  }
  const path = join(config.data_dir, 'pseudonym.key');
  // Checked before the key, as another process that starts creates the key before its database.
  const hasDatabase = config.clickhouse_url === undefined && existsSync(enginePath(config.data_dir));
  try {
    return { key: readKey(path, KEY), madeAt: undefined };
  } catch (error) {
    if (!(error instanceof VigieError) || (error.cause as NodeJS.ErrnoException)?.code !== 'ENOENT')
      throw error;
  }
  if (hasDatabase) {
    throw new VigieError(
      'PSEUDONYM_KEY_MISSING',
      `there is no ${path}, and what is stored beside it was written under some key`,
      {
        remedy:
          'Put the key of that time back, as that file or in VIGIE_PSEUDONYM_KEY. Under a new one all persons are strangers: if that is meant, set VIGIE_PSEUDONYM_KEY to it (openssl rand -hex 16).',
      },
    );
  }
  const made = randomBytes(16);
  try {
    makeFolder(dirname(path));
    // Created whole or not at all: half a key (full disk, kill) would stop every later start.
    const draft = `${path}.${made.toString('hex', 0, 4)}`;
    try {
      writeFileSync(draft, `${made.toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
      linkSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch (error) {
    // Another process may have created it in the meantime.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      return { key: readKey(path, KEY), madeAt: undefined };
    throw new VigieError(
      'DATA_DIR_UNUSABLE',
      `cannot store the pseudonym key in ${path}: ${messageOf(error)}`,
      {
        remedy: 'Let VIGIE_DATA_DIR name a folder that this user can write to and that has room.',
        cause: error,
      },
    );
  }
  return { key: made, madeAt: path };
}
