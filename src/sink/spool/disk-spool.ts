/**
 * The folder in which rows wait while ClickHouse is away: `alerts` and `access_events`, each in order, within a common
 * size limit, for one process. Rows hold pseudonyms, as in ClickHouse; only the owner can read the files.
 */

import { join, resolve } from 'node:path';
import { lockSpool } from './lock.ts';
import { makeFolder } from '../../make-folder.ts';
import { syncFolder } from '../../sync-folder.ts';
import { spoolFailure } from './segment.ts';
import type { WriteAt } from './segment.ts';
import { Spool, SpoolRoom } from './spool.ts';

export interface DiskSpoolOptions {
  readonly folder: string;
  /** Limit of all its files together, bytes; at least `MIN_SPOOL_BYTES`. */
  readonly maxBytes: number;
  /** Called with the size of a record that a killed process had not finished, and so never acknowledged. */
  readonly onTorn?: ((path: string, bytes: number) => void) | undefined;
  /** For tests with a full disk. */
  readonly write?: WriteAt | undefined;
}

/** Room for several records of the largest size. */
export const MIN_SPOOL_BYTES = 16 * 1024 * 1024;
/** Room is freed a file at a time, and after a crash at most one file per table is sent again. */
const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;

export class DiskSpool {
  readonly folder: string;
  readonly alerts: Spool;
  readonly events: Spool;
  readonly #room: SpoolRoom;
  readonly #unlock: () => void;

  private constructor(folder: string, alerts: Spool, events: Spool, room: SpoolRoom, unlock: () => void) {
    this.folder = folder;
    this.alerts = alerts;
    this.events = events;
    this.#room = room;
    this.#unlock = unlock;
  }

  /**
   * Locks the folder and takes over what an earlier process left in it.
   *
   * Throws VigieError: SPOOL_BUSY, SPOOL_UNUSABLE, SPOOL_FORMAT, SPOOL_DAMAGED, SPOOL_FAILED.
   */
  static async open(options: DiskSpoolOptions): Promise<DiskSpool> {
    const folder = resolve(options.folder);
    try {
      makeFolder(folder);
    } catch (error) {
      throw spoolFailure(folder, error);
    }
    const unlock = lockSpool(folder);
    const room = new SpoolRoom(options.maxBytes);
    const part = {
      room,
      segmentBytes: Math.min(MAX_SEGMENT_BYTES, options.maxBytes / 8),
      onTorn: options.onTorn ?? (() => {}),
      write: options.write,
    };
    let alerts: Spool | undefined;
    try {
      alerts = await Spool.open(join(folder, 'alerts'), part);
      const events = await Spool.open(join(folder, 'access_events'), part);
      await syncFolder(folder);
      return new DiskSpool(folder, alerts, events, room, unlock);
    } catch (error) {
      await alerts?.close();
      unlock();
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.alerts.isEmpty && this.events.isEmpty;
  }

  get bytes(): number {
    return this.#room.usedBytes;
  }

  get maxBytes(): number {
    return this.#room.maxBytes;
  }

  /** When the oldest waiting rows were spooled, ms since the epoch; undefined if there are none. */
  get oldestAt(): number | undefined {
    const { oldestAt: alerts = Infinity } = this.alerts;
    const { oldestAt: events = Infinity } = this.events;
    const oldest = Math.min(alerts, events);
    return oldest === Infinity ? undefined : oldest;
  }

  async close(): Promise<void> {
    try {
      await this.alerts.close();
      await this.events.close();
    } finally {
      this.#unlock();
    }
  }
}
