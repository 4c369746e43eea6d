/**
 * Dead letters in a local file: one JSON object per line. Readable by its owner only, because it holds the events as
 * they came. `write` resolves once the bytes are on the disk.
 */

import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { messageOf, VigieError } from '../errors.ts';
import { LineFile } from './line-file.ts';
import type { DeadLetter, DeadLetterSink } from './sink.ts';

/** A line of the file. */
export const deadLetterLine = z.object({
  code: z.string(),
  message: z.string(),
  source: z.string(),
  partition: z.number(),
  offset: z.number(),
  /** When the line was written. */
  at: z.iso.datetime(),
  /** The event's original bytes. */
  bytes_base64: z.base64(),
});
export type DeadLetterLine = z.infer<typeof deadLetterLine>;

export class DeadLetterFile implements DeadLetterSink {
  readonly #file: LineFile;
  readonly #clock: Clock;

  /** The file is created with the first dead letter. */
  constructor(path: string, clock: Clock) {
    this.#file = new LineFile(path);
    this.#clock = clock;
  }

  get path(): string {
    return this.#file.path;
  }

  /** Throws VigieError DEAD_LETTER_FILE_FAILED, retryable if the disk is full. */
  async write(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    const at = new Date(this.#clock.now()).toISOString();
    const lines = letters.map((letter) => `${JSON.stringify(lineOf(letter, at))}\n`).join('');
    try {
      await this.#file.append(lines);
    } catch (error) {
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

  close(): Promise<void> {
    return this.#file.close();
  }
}

function lineOf(letter: DeadLetter, at: string): DeadLetterLine {
  const { code, message, source, partition, offset, bytes } = letter;
  const bytes_base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return { code, message, source, partition, offset, at, bytes_base64 };
}
