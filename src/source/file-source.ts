/**
 * An NDJSON file, or standard input (`-`): one partition, read once from start to end.
 *
 * Holds two chunks of 1 MiB (the one processed and the one read ahead) and an unfinished line. Pipes and other special
 * files work like standard input.
 */

import { access, constants, open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { messageOf, VigieError } from '../errors.ts';
import { takeStandardInput } from './standard-input.ts';
import type { StandardInput } from './standard-input.ts';
import { readNdjson } from './ndjson.ts';
import { requireText } from './not-text.ts';
import type { Assignment, EventBatch, Idle, Source } from './source.ts';

const CHUNK_BYTES = 1024 * 1024;
const REMEDY: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path; `-` reads standard input.',
  EISDIR: 'Name one file of NDJSON, or pipe several in: cat FOLDER/*.ndjson | … --input -',
  EACCES: 'Give this user the right to read it.',
  EPERM: 'Give this user the right to read it.',
};

export class FileSource implements Source {
  readonly name: string;
  readonly type = 'file';
  readonly #path: string;
  readonly #stdin: StandardInput | undefined;
  #bytesRead = 0;
  #totalBytes: number | undefined;
  #ended = false;

  /** `path`: a file, or `-` for `stdin`, by default that of the process, which is taken over at once. */
  constructor(path: string, stdin?: AsyncIterable<Uint8Array>) {
    this.#path = path;
    if (path === '-') {
      this.#stdin = stdin === undefined ? takeStandardInput() : { chunks: stdin, close: () => undefined };
    }
    this.name = path === '-' ? 'stdin' : path;
  }

  /** Bytes read so far, for progress. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Size of the file when it was opened; undefined before that, and for a stream. */
  get totalBytes(): number | undefined {
    return this.#totalBytes;
  }

  /** True if a file was not read to its end; always false for standard input, whose end is unknown. */
  get unfinished(): boolean {
    return !this.#ended && this.#stdin === undefined;
  }

  /**
   * Throws `INPUT_UNREADABLE` for input that cannot be opened or read, such as a missing file or a folder, and
   * `INPUT_NOT_TEXT` before the first line of input that is, for example, compressed.
   */
  async *read(signal: AbortSignal): AsyncGenerator<EventBatch | Assignment | Idle, void, undefined> {
    const chunks = this.#stdin === undefined ? this.#chunks() : this.#counted(this.#stdin.chunks);
    yield* readNdjson(textOf(this.#path, chunks), signal);
    this.#ended = !signal.aborted;
  }

  /** Returns false: reading starts at the beginning anyway. */
  async rewind(): Promise<boolean> {
    return false;
  }

  async commit(): Promise<void> {}

  async close(): Promise<void> {
    this.#stdin?.close();
  }

  async *#counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of chunks) {
        this.#bytesRead += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw unreadable(this.name, error);
    }
  }

  /** Lines that a log rotation cut off during reading would otherwise be missing unnoticed. */
  async #requireWhole(file: FileHandle): Promise<void> {
    const before = this.#totalBytes ?? 0;
    if (this.#bytesRead >= before) return;
    const { size } = await file.stat();
    throw new Error(
      `it had ${before} bytes and was cut to ${size} while it was read, at byte ${this.#bytesRead}`,
    );
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.#path, 'r');
      const stat = await file.stat();
      if (stat.isFile()) this.#totalBytes = stat.size;
      // One is processed while the other is filled.
      const buffers = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)];
      for (let i = 0; ; i++) {
        const buffer = buffers[i % buffers.length]!;
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
        if (bytesRead === 0) return await this.#requireWhole(file);
        this.#bytesRead += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      throw unreadable(this.#path, error);
    } finally {
      await file?.close();
    }
  }
}

async function* textOf(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isFirst = true;
  for await (const chunk of chunks) {
    if (isFirst) requireText(path, chunk);
    isFirst = false;
    yield chunk;
  }
}

/** Throws INPUT_UNREADABLE for problems that show without reading: for callers that create something before reading. */
export async function lookAtInput(path: string): Promise<void> {
  if (path === '-') return;
  try {
    // Not opened: a pipe can be opened only once.
    await access(path, constants.R_OK);
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): VigieError {
  if (error instanceof VigieError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const what = code === 'EISDIR' ? 'it is a folder' : messageOf(error);
  return new VigieError('INPUT_UNREADABLE', `Cannot read ${path}: ${what}`, {
    remedy: REMEDY[code] ?? 'Check the file, who else writes to it, and the disk it lies on.',
    cause: error,
  });
}
