/**
 * The file of saved state in the data folder. A new one is written beside the old one, made durable, and put in its
 * place as a whole: a reader finds the old or the new state, whenever the writer died.
 */

import { accessSync, constants, readSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import type { StoredBytes } from '../state/state-reader.ts';
import { syncFolder } from '../sync-folder.ts';

/** Most buffers that systems write in one call. */
const CALL_PIECES = 1024;
const UNFINISHED = '.unfinished';
/** If another writer has added nothing for this long, ms, it has died. */
const ABANDONED_MS = 3_600_000;

/** Why state cannot be saved in a folder, which is created if missing; undefined if it can. */
export function whyUnwritable(folder: string): string | undefined {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

export class SnapshotFile {
  readonly path: string;
  readonly #writer: string;

  /** `writer`: a name, if several processes may write the file, so that each has its own beside it. */
  constructor(path: string, writer?: string) {
    this.path = path;
    this.#writer = writer === undefined ? '' : `.${writer}`;
  }

  /** Opens the saved state, which must be closed; undefined if there is no file. Throws the file system's errors. */
  async open(): Promise<StoredState | undefined> {
    try {
      const file = await open(this.path, 'r');
      return new StateOnDisk(file, (await file.stat()).size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Begins another file beside it. Throws the file system's errors, as do all of that file's methods. */
  async begin(): Promise<UnfinishedFile> {
    const folder = dirname(this.path);
    makeFolder(folder);
    const path = join(folder, `.${basename(this.path)}${this.#writer}${UNFINISHED}`);
    // The file names accounts, so only its owner may read it.
    const file = await open(path, 'w', 0o600);
    return new UnfinishedFile(file, path, async () => {
      const writtenAtMs = (await stat(path)).mtimeMs;
      await rename(path, this.path);
      await syncFolder(folder);
      if (this.#writer !== '') await this.#clear(folder, writtenAtMs - ABANDONED_MS);
    });
  }

  /** Removes what dead writers of other names left; a process that starts again has another name. */
  async #clear(folder: string, beforeMs: number): Promise<void> {
    const mark = `.${basename(this.path)}.`;
    const names = (await readdir(folder)).filter(
      (name) => name.startsWith(mark) && name.endsWith(UNFINISHED),
    );
    for (const path of names.map((name) => join(folder, name))) {
      // Another process may have been faster.
      const written = await stat(path).catch(() => undefined);
      if (written !== undefined && written.mtimeMs < beforeMs) await rm(path, { force: true });
    }
  }
}

/** State in a file, which stays open until it is closed. */
export interface StoredState extends StoredBytes {
  close(): Promise<void>;
}

class StateOnDisk implements StoredState {
  readonly length: number;
  readonly #file: FileHandle;

  constructor(file: FileHandle, length: number) {
    this.#file = file;
    this.length = length;
  }

  async read(into: Uint8Array, from: number): Promise<number> {
    for (let done = 0; ;) {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, from + done);
      done += bytesRead;
      if (bytesRead === 0 || done === into.length) return done;
    }
  }

  readNow(into: Uint8Array, from: number): number {
    for (let done = 0; ;) {
      const bytesRead = readSync(this.#file.fd, into, done, into.length - done, from + done);
      done += bytesRead;
      if (bytesRead === 0 || done === into.length) return done;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A file that is being written. */
export class UnfinishedFile {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #putInPlace: () => Promise<void>;

  constructor(file: FileHandle, path: string, putInPlace: () => Promise<void>) {
    this.#file = file;
    this.#path = path;
    this.#putInPlace = putInPlace;
  }

  /**
   * Appends bytes, in few calls: each call takes a turn of the event loop, in which events may leave more to be written
   * than one piece, until all of the state would lie in memory once more.
   */
  async write(pieces: readonly Uint8Array[]): Promise<void> {
    let [left, next] = [pieces.slice(0, CALL_PIECES), CALL_PIECES];
    while (left.length > 0) {
      left = behind(left, (await this.#file.writev(left)).bytesWritten);
      if (left.length === 0) [left, next] = [pieces.slice(next, next + CALL_PIECES), next + CALL_PIECES];
    }
  }

  /** Puts the complete file in the place of the previous one. */
  async keep(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await this.#putInPlace();
  }

  /** Removes the file, whatever became of it; the previous one stays. */
  async drop(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#path, { force: true }).catch(() => undefined);
  }
}

/** What is left of the pieces after `bytes` bytes were written. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let before = 0;
  return pieces.flatMap((piece) => {
    const written = Math.max(0, bytes - before);
    before += piece.length;
    return written >= piece.length ? [] : [piece.subarray(written)];
  });
}
