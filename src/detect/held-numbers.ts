/** Which numbers of the evidence's dictionaries and table are still held; collected when one of these is full. */

import type { Totals } from '../alert/totals.ts';
import {
  type Dimensions,
  type DimensionTable,
  type DimensionTotals,
  LIMITS,
} from '../window/dimension-table.ts';

export class HeldNumbers implements DimensionTotals {
  readonly applications = new Uint8Array(LIMITS.application);
  readonly organisations = new Uint8Array(LIMITS.organisation);
  readonly networks = new Uint8Array(LIMITS.network);
  readonly categories = new Uint8Array(LIMITS.category);
  readonly accounts = new Uint8Array(LIMITS.account);
  readonly rows: Uint8Array;
  readonly #table: DimensionTable;

  constructor(table: DimensionTable) {
    this.#table = table;
    this.rows = new Uint8Array(table.length);
  }

  /** Marks a row of the table, and the numbers in it. */
  addRow(number: number): void {
    if (this.rows[number] === 1) return;
    this.rows[number] = 1;
    this.#table.addTo(this, number);
  }

  addDimensions({ application, organisation, network, category, account }: Dimensions): void {
    this.applications[application] = 1;
    this.organisations[organisation] = 1;
    this.networks[network] = 1;
    this.categories[category] = 1;
    this.accounts[account] = 1;
  }

  addTotals({ applications, organisations, networks, categories, accounts }: Totals): void {
    for (const number of applications) this.applications[number] = 1;
    for (const number of organisations) this.organisations[number] = 1;
    for (const number of networks) this.networks[number] = 1;
    for (const number of categories) this.categories[number] = 1;
    for (const number of accounts) this.accounts[number] = 1;
  }
}
