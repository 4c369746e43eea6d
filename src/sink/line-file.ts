/**
 * A file to which whole lines are appended, readable by its owner only. `append` resolves once they are on the disk; a
 * write that fails half way is undone, so every line of the file is whole.
 */

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeFolder } from '../make-folder.ts';
import { syncFolder } from '../sync-folder.ts';

export class LineFile {
  readonly path: string;
  #file: FileHandle | undefined;
  /** Length of the file up to the last whole line, bytes. */
  #length = 0;
  /** Serialises writes: a failed one is undone by length. */
  #tail: Promise<void> = Promise.resolve();

  /** The file is created with the first lines. */
  constructor(path: string) {
    this.path = resolve(path);
  }

  /** `lines`: each with its newline. Rejects with the error of the file system. */
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
    makeFolder(dirname(this.path));
    const file = await open(this.path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      this.#length = size - (await tornBytes(file, size));
      // A torn line was never acknowledged, so its writer writes it again.
      if (this.#length < size) await file.truncate(this.#length);
      await syncFolder(dirname(this.path));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

const BLOCK_BYTES = 64 * 1024;

/** Number of bytes after the last newline, which a killed process left behind. */
async function tornBytes(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const last = block.lastIndexOf(0x0a, bytesRead - 1);
    if (last >= 0 && bytesRead > 0) return size - (start + last + 1);
  }
  return size;
}
