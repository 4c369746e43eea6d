/**
 * Lines that are only ever added to a file, readable by its owner only. Resolves once they are on the disk; a write
 * that fails half way is taken back, so that every line of the file is whole.
 */

import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder } from '../sync-folder.ts';

export class LineFile {
  readonly path: string;
  #file: FileHandle | undefined;
  /** Length of the file up to the last whole line, bytes. */
  #length = 0;
  /** Writes one after another: a failed one is undone by its length. */
  #tail: Promise<void> = Promise.resolve();

  /** The file is created with the first lines. */
  constructor(path: string) {
    this.path = resolve(path);
  }

  /** `lines`: each with its end. Rejects with what the file system says. */
  append(lines: string): Promise<void> {
    const written = this.#tail.then(() => this.#append(Buffer.from(lines)));
    this.#tail = written.catch(() => {});
    return written;
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #append(bytes: Buffer): Promise<void> {
    try {
      const file = (this.#file ??= await this.#open());
      await file.appendFile(bytes);
      await file.datasync();
      this.#length += bytes.length;
    } catch (error) {
      await this.#file?.truncate(this.#length).catch(() => {});
      throw error;
    }
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const file = await open(this.path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      this.#length = size;
      // A process that was killed may have left a torn last line: keep it, but do not continue it.
      if (size > 0 && (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] !== 0x0a) {
        await file.appendFile('\n');
        this.#length += 1;
      }
      await syncFolder(dirname(this.path));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}
