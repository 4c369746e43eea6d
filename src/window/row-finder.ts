/**
 * Where values lie among many rows, for as long as none of them is moved: tables that are made for one purpose and
 * given back. Each goes by a key, a time for example.
 */

import { LatestTable } from './latest-table.ts';
import { Run } from './run-store.ts';

export class RowFinder {
  /** In place of a time there is a row. */
  readonly #rows = new LatestTable();
  readonly #tables = new Map<number, Run>();

  /** Bytes reserved. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  has(key: number): boolean {
    return this.#tables.has(key);
  }

  /** Begins the table of a key, with room for so many values. */
  begin(key: number, count: number): void {
    const table = new Run();
    this.#rows.makeRoom(table, count, -Infinity);
    this.#tables.set(key, table);
  }

  /** Of the rows of a value, the one that is put last is found. */
  put(key: number, hi: number, lo: number, row: number): void {
    this.#rows.exchange(this.#tables.get(key)!, hi, lo, row);
  }

  /** The value's row; −1 when there is none. */
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
