/**
 * The file of saved state in the data folder. It is written beside the old one, made durable, and put in its
 * place as a whole: whoever reads it finds the one before or the new one, whenever the writer died.
 */

import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../sync-folder.ts';

/** `fs` reads and writes less than 2 GiB in one call. */
const CALL_BYTES = 1 << 30;
const UNFINISHED = '.unfinished';
/** What another writer has not added to for so long, ms, it never will: it died. */
const ABANDONED_MS = 3_600_000;

export class SnapshotFile {
  readonly path: string;
  readonly #writer: string;

  /** `writer`: its name where several processes may write the file, so that each has its own beside it. */
  constructor(path: string, writer?: string) {
    this.path = path;
    this.#writer = writer === undefined ? '' : `.${writer}`;
  }

  /** The bytes, undefined when there is no file. Throws what the file system throws. */
  async read(): Promise<Uint8Array | undefined> {
    let file;
    try {
      file = await open(this.path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const bytes = new Uint8Array((await file.stat()).size);
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await file.read(bytes, at, Math.min(CALL_BYTES, bytes.length - at), at);
        // Shorter than it was: what is missing stays zero, and the checksums tell.
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** Puts the pieces, one after the other, in the place of what was there. Throws what the file system throws. */
  async write(pieces: readonly Uint8Array[]): Promise<void> {
    const folder = dirname(this.path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const unfinished = join(folder, `.${basename(this.path)}${this.#writer}${UNFINISHED}`);
    // It names accounts: for its owner alone.
    const file = await open(unfinished, 'w', 0o600);
    let writtenAtMs: number;
    try {
      for (const piece of pieces) {
        for (let at = 0; at < piece.length;) {
          at += (await file.write(piece, at, Math.min(CALL_BYTES, piece.length - at))).bytesWritten;
        }
      }
      await file.sync();
      writtenAtMs = (await file.stat()).mtimeMs;
    } finally {
      await file.close();
    }
    await rename(unfinished, this.path);
    await syncFolder(folder);
    if (this.#writer !== '') await this.#clear(folder, writtenAtMs - ABANDONED_MS);
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
