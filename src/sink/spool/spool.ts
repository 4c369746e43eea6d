/**
 * Rows of one table that wait on the disk, in the order in which they were spooled.
 *
 * Guarantee: `append` resolves when the rows are on the disk. They leave it only by `drop`; a process that is killed
 * between sending and dropping sends some of them again.
 *
 * Memory holds the list of files and the rows that are being written or read, about `RECORD_TEXT_BYTES` of text each,
 * however many wait.
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VigieError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { encodeRecord, RECORD_TEXT_BYTES, SEGMENT_HEADER_BYTES } from './record.ts';
import { Segment, spoolFailure, writeAt } from './segment.ts';
import type { WriteAt } from './segment.ts';

/** The size limit that all parts of a spool share, bytes. */
export class SpoolRoom {
  readonly maxBytes: number;
  usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Throws VigieError SPOOL_FULL, retryable. */
  take(bytes: number): void {
    if (this.usedBytes + bytes > this.maxBytes) {
      throw new VigieError(
        'SPOOL_FULL',
        `the spool holds ${this.usedBytes} of at most ${this.maxBytes} bytes, and another ${bytes} are to be stored`,
        {
          remedy:
            'Bring ClickHouse back: writing goes on by itself, and meanwhile the input waits. VIGIE_SPOOL_MAX gives more room.',
          retryable: true,
        },
      );
    }
    this.usedBytes += bytes;
  }
}

export interface SpoolOptions {
  readonly room: SpoolRoom;
  /** Called with what was cut off because a process was killed while writing it. */
  readonly onTorn: (path: string, bytes: number) => void;
  /** A file of this size, bytes, gets no further records. */
  readonly segmentBytes: number;
  readonly write?: WriteAt | undefined;
}

/** Rows from the beginning of a spool. */
export interface Waiting {
  readonly rows: readonly unknown[];
  readonly segment: Segment;
  /** Where reading continues in the segment. */
  readonly end: number;
}

const NAME = /^\d{16}\.spool$/;
/** Limits a read of many small records: no record is added once this many rows are read. */
const MAX_ROWS = 10_000;

export class Spool {
  readonly #folder: string;
  readonly #options: SpoolOptions;
  /** In order; records are appended to the last one if it is `#open`. */
  readonly #segments: Segment[] = [];
  #open: Segment | undefined;
  #nextNumber: number;
  /** Read position in the first segment. */
  #position = SEGMENT_HEADER_BYTES;
  #oldestAt: number | undefined;
  /** Serialises changes. */
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, options: SpoolOptions, nextNumber: number) {
    this.#folder = folder;
    this.#options = options;
    this.#nextNumber = nextNumber;
  }

  /** Throws VigieError: SPOOL_FORMAT, SPOOL_DAMAGED, SPOOL_FAILED. No other process may use the folder. */
  static async open(folder: string, options: SpoolOptions): Promise<Spool> {
    let names: string[];
    try {
      makeFolder(folder);
      names = (await readdir(folder)).filter((name) => NAME.test(name)).toSorted();
    } catch (error) {
      throw spoolFailure(folder, error);
    }
    const spool = new Spool(folder, options, names.length === 0 ? 1 : Number.parseInt(names.at(-1)!, 10) + 1);
    try {
      for (const name of names) {
        const path = join(folder, name);
        const segment = await Segment.openLeft(path, name === names.at(-1), (bytes) =>
          options.onTorn(path, bytes),
        );
        if (segment === undefined) continue;
        spool.#segments.push(segment);
        // Counted even if the limit was lowered since: the bytes are there.
        options.room.usedBytes += segment.length;
      }
      await spool.#look();
    } catch (error) {
      await spool.close();
      throw error;
    }
    return spool;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /** When the oldest waiting rows were spooled, ms since the epoch; undefined if there are none. */
  get oldestAt(): number | undefined {
    return this.#oldestAt;
  }

  /**
   * Appends one record of rows, given as the text of a JSON list.
   *
   * Throws VigieError: SPOOL_FULL and SPOOL_DISK_FULL, retryable; SPOOL_FAILED.
   */
  async append(text: string, writtenAt: number): Promise<void> {
    const record = await encodeRecord(text, writtenAt);
    await this.#inTurn(async () => {
      const { room, segmentBytes } = this.#options;
      let segment = this.#open;
      if (segment === undefined || segment.length >= segmentBytes) segment = await this.#newSegment();
      room.take(record.length);
      try {
        await segment.append(record);
      } catch (error) {
        room.usedBytes -= record.length;
        throw error;
      }
      this.#oldestAt ??= writtenAt;
    });
  }

  /** The oldest rows; undefined if none wait. Throws VigieError: SPOOL_DAMAGED, SPOOL_FAILED. */
  async first(): Promise<Waiting | undefined> {
    const [segment] = this.#segments;
    if (segment === undefined) return undefined;
    const rows: unknown[] = [];
    let end = this.#position;
    for (let textBytes = 0; textBytes < RECORD_TEXT_BYTES && rows.length < MAX_ROWS;) {
      const read = await segment.read(end);
      if (read === undefined) break;
      for (const row of read.rows) rows.push(row);
      textBytes += read.textBytes;
      ({ end } = read);
    }
    return { rows, segment, end };
  }

  /** Drops rows that `first` returned, and their file if it holds no others. */
  drop({ segment, end }: Waiting): Promise<void> {
    return this.#inTurn(async () => {
      this.#position = end;
      if (end >= segment.length) {
        const { length } = segment;
        this.#segments.shift();
        if (this.#open === segment) this.#open = undefined;
        this.#position = SEGMENT_HEADER_BYTES;
        await segment.remove();
        this.#options.room.usedBytes -= length;
      }
      await this.#look();
    });
  }

  async close(): Promise<void> {
    await this.#tail;
    for (const segment of this.#segments) await segment.close();
  }

  async #newSegment(): Promise<Segment> {
    const { room, write = writeAt } = this.#options;
    const full = this.#open;
    this.#open = undefined;
    if (full !== this.#segments[0]) await full?.close();
    room.take(SEGMENT_HEADER_BYTES);
    try {
      const name = `${String(this.#nextNumber).padStart(16, '0')}.spool`;
      const segment = await Segment.create(join(this.#folder, name), write);
      this.#nextNumber += 1;
      this.#segments.push(segment);
      this.#open = segment;
      return segment;
    } catch (error) {
      room.usedBytes -= SEGMENT_HEADER_BYTES;
      throw error;
    }
  }

  async #look(): Promise<void> {
    this.#oldestAt = await this.#segments[0]?.writtenAt(this.#position);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {});
    return done;
  }
}
