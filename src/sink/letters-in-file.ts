/**
 * Dead letters in a file (`dead-letters.ndjson` of the data folder). To send them again is to write the original lines
 * to another file or to standard output, for `vigie run --input`. The keys of sent letters are kept in a separate file
 * beside it, because a running service appends to the letters.
 *
 * Guarantee: at least once; a key is recorded only after its line was written.
 */

import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { messageOf, VigieError } from '../errors.ts';
import { LineSplitter, type LineVisitor } from '../event/lines.ts';
import { deadLetterLine } from './dead-letter-file.ts';
import { LineFile } from './line-file.ts';
import { letterKey, type LetterStore, type StoredLetter } from './stored-letters.ts';

const sentSchema = z.object({ key: z.string(), at: z.iso.datetime() });

export class LettersInFile implements LetterStore {
  readonly name: string;
  readonly #path: string;
  readonly #write: (lines: Buffer) => Promise<void>;
  readonly #clock: Clock;
  readonly #marks: LineFile;

  /** `write` receives the lines to send again. Throws DEAD_LETTERS_MISSING, DEAD_LETTERS_UNREADABLE. */
  constructor(path: string, write: (lines: Buffer) => Promise<void>, clock: Clock) {
    if (!isThere(path)) {
      throw new VigieError('DEAD_LETTERS_MISSING', `there are no dead letters in ${path}`, {
        remedy:
          'Name the file or the data folder, or set KAFKA_BROKERS for those of the topic. The file is made with the first letter.',
      });
    }
    this.name = path;
    this.#path = path;
    this.#write = write;
    this.#clock = clock;
    this.#marks = new LineFile(`${path}.sent`);
  }

  async letters(visit: (letter: StoredLetter) => Promise<void> | void): Promise<void> {
    for await (const { code, message, source, partition, offset, at, bytes_base64 } of lines(
      this.#path,
      deadLetterLine,
    )) {
      const bytes = Buffer.from(bytes_base64, 'base64');
      await visit({
        key: letterKey({ source, partition, offset, bytes }),
        code,
        message,
        source,
        partition,
        offset,
        atMs: Date.parse(at),
        bytes,
        cutFrom: undefined,
      });
    }
  }

  async sent(): Promise<ReadonlyMap<string, number>> {
    const sent = new Map<string, number>();
    const { path } = this.#marks;
    if (!isThere(path)) return sent;
    for await (const { key, at } of lines(path, sentSchema)) sent.set(key, Date.parse(at));
    return sent;
  }

  /** A file cannot be claimed: two calls at once both send. */
  async claim(): Promise<void> {}

  close(): Promise<void> {
    return this.#marks.close();
  }

  /** Throws DEAD_LETTERS_UNMARKED. */
  async send(letters: readonly StoredLetter[]): Promise<void> {
    // Tried before sending: if marks cannot be written, every call would send the same letters again.
    await this.#mark('', 'nothing was sent');
    await this.#write(Buffer.concat(letters.flatMap(({ bytes }) => [bytes, Buffer.from('\n')])));
    const at = new Date(this.#clock.now()).toISOString();
    const keys = letters.map(({ key }) => `${JSON.stringify({ key, at })}\n`).join('');
    await this.#mark(keys, `the last ${letters.length} were sent, and will be again`);
  }

  async #mark(keys: string, sent: string): Promise<void> {
    await this.#marks.append(keys).catch((cause: unknown) => {
      throw new VigieError(
        'DEAD_LETTERS_UNMARKED',
        `which letters were sent cannot be kept in ${this.#marks.path}: ${messageOf(cause)}; ${sent}`,
        {
          remedy:
            'Let this user write there and see that the disk has room, or copy the letters to such a folder.',
          cause,
        },
      );
    });
  }
}

/** Throws DEAD_LETTERS_UNREADABLE for a malformed line; a torn last line is skipped. */
async function* lines<T>(path: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  let torn: string | undefined;
  for await (const { number, text } of textLines(path)) {
    if (torn !== undefined) throw unreadable(torn, 'it is cut off');
    const value = parsed(text);
    if (value === undefined && text.startsWith('{')) {
      // Only the last line may be torn: a service was killed, or is writing it right now.
      torn = `${path}:${number}`;
      continue;
    }
    const { success, data } = schema.safeParse(value);
    if (!success) throw unreadable(`${path}:${number}`, 'it is no dead letter');
    yield data;
  }
}

/** Skips blank lines. Line numbers count from 1. */
async function* textLines(path: string): AsyncGenerator<{ readonly number: number; readonly text: string }> {
  const found: { number: number; text: string }[] = [];
  const visit: LineVisitor = (data, start, end, line) => {
    found.push({ number: line + 1, text: Buffer.from(data.subarray(start, end)).toString() });
  };
  // Unlimited: base64 makes a letter longer than its event.
  const splitter = new LineSplitter(Infinity);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    splitter.push(chunk, visit);
    yield* found.splice(0);
  }
  splitter.finish(visit);
  yield* found;
}

/** Throws DEAD_LETTERS_UNREADABLE if the file is, or may be, there but cannot be read: not the same as none. */
function isThere(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw unreadable(path, messageOf(cause));
  }
  try {
    if (fstatSync(file).isDirectory()) throw unreadable(path, 'it is a folder');
    return true;
  } finally {
    closeSync(file);
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

function unreadable(place: string, fault: string): VigieError {
  return new VigieError('DEAD_LETTERS_UNREADABLE', `${place}: ${fault}`, {
    remedy:
      'Name a file of dead letters as Vigie writes them, as a user who may read it; take out the line if somebody changed it.',
  });
}
