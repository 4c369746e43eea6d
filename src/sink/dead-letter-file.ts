/**
 * Dead letters as a local file: one JSON object per line, readable by its owner only, because it holds the
 * events as they came. Resolves once the bytes are on the disk; a write that fails half way is taken back, so
 * that every line of the file is whole.
 */

import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { messageOf, VigieError } from '../errors.ts';
import type { DeadLetter, DeadLetterSink } from './sink.ts';

/** One line of the file. */
export interface DeadLetterLine {
  readonly code: string;
  readonly message: string;
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** ISO 8601, when it was written. */
  readonly at: string;
  /** The event's original bytes. */
  readonly bytes_base64: string;
}

export class DeadLetterFile implements DeadLetterSink {
  readonly path: string;
  readonly #clock: Clock;
  #file: FileHandle | undefined;
  /** Length of the file up to the last whole line, bytes. */
  #length = 0;
  /** Writes one after another: a failed one is undone by its length. */
  #tail: Promise<void> = Promise.resolve();

  /** The file is created with the first dead letter. */
  constructor(path: string, clock: Clock) {
    this.path = resolve(path);
    this.#clock = clock;
  }

  /** Throws VigieError DEAD_LETTER_FILE_FAILED, retryable when the disk is full. */
  write(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return Promise.resolve();
    const at = new Date(this.#clock.now()).toISOString();
    const lines = letters.map((letter) => `${JSON.stringify(lineOf(letter, at))}\n`).join('');
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
      const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
      throw new VigieError(
        'DEAD_LETTER_FILE_FAILED',
        `dead letters cannot be written to ${this.path}: ${messageOf(error)}`,
        {
          remedy: full
            ? 'Free space on that disk.'
            : 'Make the file writable for this user, or choose another.',
          retryable: full,
          cause: error,
        },
      );
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
      const folder = await open(dirname(this.path), 'r');
      await folder.sync().finally(() => folder.close());
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

function lineOf(letter: DeadLetter, at: string): DeadLetterLine {
  const { code, message, source, partition, offset, bytes } = letter;
  const bytes_base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return { code, message, source, partition, offset, at, bytes_base64 };
}
