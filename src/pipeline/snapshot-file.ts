/**
 * The file of saved state in the data folder. It is written beside the old one, made durable, and put in its
 * place as a whole: whoever reads it finds the one before or the new one, whenever the writer died.
 */

import { accessSync, constants, readSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import type { StoredBytes } from '../state/state-reader.ts';
import { syncFolder } from '../sync-folder.ts';

/** Systems write at most so many pieces in one call. */
const CALL_PIECES = 1024;
const UNFINISHED = '.unfinished';
/** What another writer has not added to for so long, ms, it never will: it died. */
const ABANDONED_MS = 3_600_000;

/** Why state cannot be saved in a folder, which is made if it is missing; undefined when it can. */
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

  /** `writer`: its name where several processes may write the file, so that each has its own beside it. */
  constructor(path: string, writer?: string) {
    this.path = path;
    this.#writer = writer === undefined ? '' : `.${writer}`;
  }

  /** What it holds, to be closed; undefined when there is no file. Throws what the file system throws. */
  async open(): Promise<StoredState | undefined> {
    try {
      const file = await open(this.path, 'r');
      return new StateOnDisk(file, (await file.stat()).size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Begins another one beside it. Throws what the file system throws, as all that is done with it. */
  async begin(): Promise<UnfinishedFile> {
    const folder = dirname(this.path);
    makeFolder(folder);
    const path = join(folder, `.${basename(this.path)}${this.#writer}${UNFINISHED}`);
    // It names accounts: for its owner alone.
    const file = await open(path, 'w', 0o600);
    return new UnfinishedFile(file, path, async () => {
      const writtenAtMs = (await stat(path)).mtimeMs;
      await rename(path, this.path);
      await syncFolder(folder);
      if (this.#writer !== '') await this.#clear(folder, writtenAtMs - ABANDONED_MS);
    });
  }

  /** Removes what writers of other names left when they died; a process that starts again has another name. */
  async #clear(folder: string, beforeMs: number): Promise<void> {
    const mark = `.${basename(this.path)}.`;
    const names = (await readdir(folder)).filter(
      (name) => name.startsWith(mark) && name.endsWith(UNFINISHED),
    );
    for (const path of names.map((name) => join(folder, name))) {
      // Somebody else may have been faster.
      const written = await stat(path).catch(() => undefined);
      if (written !== undefined && written.mtimeMs < beforeMs) await rm(path, { force: true });
    }
  }
}

/** State that lies in a file, which stays open until it is closed. */
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

/** One that is being written. */
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
   * Adds bytes at its end. Together: each call takes a turn of the event loop, in which events may leave more to be
   * written than a piece, until all of the state would lie in memory once more.
   */
  async write(pieces: readonly Uint8Array[]): Promise<void> {
    let [left, next] = [pieces.slice(0, CALL_PIECES), CALL_PIECES];
    while (left.length > 0) {
      left = behind(left, (await this.#file.writev(left)).bytesWritten);
      if (left.length === 0) [left, next] = [pieces.slice(next, next + CALL_PIECES), next + CALL_PIECES];
    }
  }

  /** Puts it, all of it, in the place of the one before. */
  async keep(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await this.#putInPlace();
  }

  /** Removes it, whatever became of it; the one before stays. */
  async drop(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#path, { force: true }).catch(() => undefined);
  }
}

/** What is left of pieces of which so many bytes were written. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let before = 0;
  return pieces.flatMap((piece) => {
    const written = Math.max(0, bytes - before);
    before += piece.length;
    return written >= piece.length ? [] : [piece.subarray(written)];
  });
}
