/**
 * Where values lie among many rows, as long as no row is moved: tables made for one purpose and then freed. Each table
 * has a key, for example a time.
 */

import { LatestTable } from './latest-table.ts';
import { Run } from './run-store.ts';

export class RowFinder {
  /** Stores a row in place of a time. */
  readonly #rows = new LatestTable();
  readonly #tables = new Map<number, Run>();

  /** Bytes reserved. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  has(key: number): boolean {
    return this.#tables.has(key);
  }

  /** Begins the table of a key, with room for `count` values. */
  begin(key: number, count: number): void {
    const table = new Run();
    this.#rows.makeRoom(table, count, -Infinity);
    this.#tables.set(key, table);
  }

  /** If a value is put several times, the last row is found. */
  put(key: number, hi: number, lo: number, row: number): void {
    this.#rows.exchange(this.#tables.get(key)!, hi, lo, row);
  }

  /** The value's row; −1 if there is none. */
  find(key: number, hi: number, lo: number): number {
    const row = this.#rows.get(this.#tables.get(key)!, hi, lo);
    return Number.isNaN(row) ? -1 : row;
  }

  clear(): void {
    if (this.#tables.size === 0) return;
    for (const table of this.#tables.values()) this.#rows.release(table);
    this.#tables.clear();
  }
}
