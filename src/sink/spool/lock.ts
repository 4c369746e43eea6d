/**
 * One process per spool. Node has no `flock`; SQLite's exclusive lock is the kernel's, so it ends with the process,
 * however that ends, and holds between containers that share the folder. The file stays empty.
 */

import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { messageOf, VigieError } from '../../errors.ts';

/** Locks the folder until the returned function is called. Throws VigieError: SPOOL_BUSY, SPOOL_UNUSABLE. */
export function lockSpool(folder: string): () => void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
    // SQLite also opens a read-only file, but locks nothing there; the write, never committed, makes that fail.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; PRAGMA user_version = 1');
  } catch (error) {
    database?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      throw new VigieError('SPOOL_BUSY', `the spool ${folder} is in use by another process`, {
        remedy: 'Stop that process, or give each process a folder of its own with VIGIE_SPOOL.',
        cause: error,
      });
    }
    throw new VigieError('SPOOL_UNUSABLE', `the spool ${folder} cannot be locked: ${messageOf(error)}`, {
      remedy:
        'Let VIGIE_SPOOL name a folder on a local disk that this user may write, with all that is in it, or unset it.',
      cause: error,
    });
  }
  return () => database.close();
}

const SQLITE_BUSY = 5;
