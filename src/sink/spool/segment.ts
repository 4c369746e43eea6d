/**
 * One file of a spool: records are appended at its end and read from its beginning.
 *
 * Guarantee: `append` resolves when the record is on the disk; a failed one leaves the file as it was. A torn record is
 * never read as one: at the end of a file that a killed process left it is cut off (it was never acknowledged),
 * anywhere else it is an error.
 */

import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, VigieError } from '../../errors.ts';
import { syncFolder } from '../../sync-folder.ts';
import {
  FORMAT,
  formatOf,
  isWhole,
  readBody,
  readHeader,
  RECORD_HEADER_BYTES,
  recordLength,
  SEGMENT_HEADER_BYTES,
  segmentHeader,
} from './record.ts';

/** Writes all bytes at a position of a file: `FileHandle.write`, unless a test simulates a full disk. */
export type WriteAt = (file: FileHandle, bytes: Buffer, position: number) => Promise<unknown>;

export const writeAt: WriteAt = async (file, bytes, position) => {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
};

interface Read {
  readonly rows: readonly unknown[];
  /** Length of the rows' text. */
  readonly textBytes: number;
  /** Position of the next record. */
  readonly end: number;
}

export class Segment {
  readonly #path: string;
  readonly #write: WriteAt;
  /** Open while the segment is written to or read from. */
  #file: FileHandle | undefined;
  /** Number of bytes that hold whole records; anything after them is overwritten. */
  #length: number;
  #leftovers = false;

  private constructor(path: string, file: FileHandle | undefined, length: number, write: WriteAt) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
    this.#write = write;
  }

  get length(): number {
    return this.#length;
  }

  /** Creates a file and syncs it with its name. Throws VigieError: SPOOL_DISK_FULL, SPOOL_FAILED. */
  static async create(path: string, write: WriteAt): Promise<Segment> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'wx+', 0o600);
      await write(file, segmentHeader(), 0);
      await file.datasync();
      await syncFolder(dirname(path));
      return new Segment(path, file, SEGMENT_HEADER_BYTES, write);
    } catch (error) {
      await file?.close();
      await rm(path, { force: true });
      throw spoolFailure(path, error);
    }
  }

  /**
   * Opens a file that another process left. `newest`: it may end within a record. Returns undefined if the file held
   * nothing and was removed.
   *
   * Throws VigieError: SPOOL_FORMAT, SPOOL_DAMAGED, SPOOL_FAILED.
   */
  static async openLeft(
    path: string,
    newest: boolean,
    onTorn: (bytes: number) => void,
  ): Promise<Segment | undefined> {
    const file = await open(path, 'r+').catch((error: unknown) => {
      throw spoolFailure(path, error);
    });
    try {
      const { size } = await file.stat();
      const header = await readAt(file, 0, SEGMENT_HEADER_BYTES);
      if (newest && size < SEGMENT_HEADER_BYTES) {
        // The process was killed while creating the file.
        onTorn(size);
        await rm(path);
        return undefined;
      }
      const format = formatOf(header);
      if (format !== FORMAT) throw foreignFormat(path, format);
      const length = newest ? await wholeLength(path, file, size) : size;
      if (length < size) {
        onTorn(size - length);
        await file.truncate(length);
        await file.datasync();
      }
      if (length > SEGMENT_HEADER_BYTES) return new Segment(path, undefined, length, writeAt);
      await rm(path);
      return undefined;
    } catch (error) {
      throw error instanceof VigieError ? error : spoolFailure(path, error);
    } finally {
      await file.close();
    }
  }

  async append(record: Buffer): Promise<void> {
    try {
      const file = await this.#opened();
      if (this.#leftovers) await file.truncate(this.#length);
      this.#leftovers = true;
      await this.#write(file, record, this.#length);
      await file.datasync();
      this.#leftovers = false;
      this.#length += record.length;
    } catch (error) {
      // Best effort: leftovers lie behind the whole records, and are truncated before the next write.
      await this.#file?.truncate(this.#length).catch(() => {});
      throw spoolFailure(this.#path, error);
    }
  }

  /** When the record at `position` was written, ms since the epoch; undefined at the end of the segment. */
  async writtenAt(position: number): Promise<number | undefined> {
    if (position >= this.#length) return undefined;
    return readHeader(await readAt(await this.#opened(), position, RECORD_HEADER_BYTES))?.writtenAt;
  }

  /** The record at `position`; undefined at the end of the segment. Throws VigieError: SPOOL_DAMAGED, SPOOL_FAILED. */
  async read(position: number): Promise<Read | undefined> {
    if (position >= this.#length) return undefined;
    try {
      const file = await this.#opened();
      const header = readHeader(await readAt(file, position, RECORD_HEADER_BYTES));
      if (header === undefined) throw damaged(this.#path, position, 'its checksum is wrong');
      const body = await readAt(file, position + RECORD_HEADER_BYTES, header.bodyBytes);
      if (!isWhole(header, body)) throw damaged(this.#path, position, 'the checksum of its rows is wrong');
      const record = await readBody(body).catch((error: unknown) => {
        throw damaged(this.#path, position, messageOf(error));
      });
      return { ...record, end: position + RECORD_HEADER_BYTES + header.bodyBytes };
    } catch (error) {
      throw error instanceof VigieError ? error : spoolFailure(this.#path, error);
    }
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
  }

  /** Closes the file until the next use. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #opened(): Promise<FileHandle> {
    return (this.#file ??= await open(this.#path, 'r+'));
  }
}

/**
 * Length of the whole records in the newest file of a killed process. The bytes after them may be the one record that
 * it was writing; if another whole record follows, the file is damaged, and cutting there would lose rows.
 */
async function wholeLength(path: string, file: FileHandle, size: number): Promise<number> {
  const bytes = await readAt(file, 0, size);
  let end = SEGMENT_HEADER_BYTES;
  for (;;) {
    const length = recordLength(bytes.subarray(end));
    if (length === undefined) break;
    end += length;
  }
  for (let from = end + 1; from + RECORD_HEADER_BYTES < size; from++) {
    if (recordLength(bytes.subarray(from)) !== undefined) {
      throw damaged(path, end, `it is not whole, and another follows at byte ${from}`);
    }
  }
  return end;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function spoolFailure(path: string, error: unknown): VigieError {
  const full = error instanceof Error && 'code' in error && FULL.has(error.code);
  return new VigieError(
    full ? 'SPOOL_DISK_FULL' : 'SPOOL_FAILED',
    `the spool cannot use ${path}: ${messageOf(error)}`,
    {
      remedy: full
        ? 'Free space on that disk, or bring ClickHouse back: writing goes on by itself, and meanwhile the input waits.'
        : 'See that the disk is sound and the folder of VIGIE_SPOOL writable for this user.',
      retryable: full,
      cause: error,
    },
  );
}

function damaged(path: string, position: number, why: string): VigieError {
  return new VigieError('SPOOL_DAMAGED', `the record at byte ${position} of ${path} is damaged: ${why}`, {
    remedy:
      'Check the disk. Moving the file out of the spool lets the others be sent; the rows in it are then in no table.',
  });
}

function foreignFormat(path: string, format: number | undefined): VigieError {
  const what =
    format === undefined ? 'is no part of a spool' : `has format ${format}, this release ${FORMAT}`;
  return new VigieError('SPOOL_FORMAT', `${path} ${what}`, {
    remedy:
      'Let the release that wrote it send it ("vigie run" with the same VIGIE_SPOOL, until the spool is empty), or give VIGIE_SPOOL another folder.',
  });
}
