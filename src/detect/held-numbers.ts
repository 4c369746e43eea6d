/** Which numbers of the evidence's dictionaries somebody holds: found when one of these is full. */

import type { Totals } from '../alert/totals.ts';
import { type EventTotals, LIMITS } from '../window/event-log.ts';

export class HeldNumbers implements EventTotals {
  readonly applications = new Uint8Array(LIMITS.application);
  readonly organisations = new Uint8Array(LIMITS.organisation);
  readonly networks = new Uint8Array(LIMITS.network);
  readonly categories = new Uint8Array(LIMITS.category);
  readonly accounts = new Uint8Array(LIMITS.account);

  addEvents(): void {
    // Only what they name is asked for.
  }

  addDimensions(
    application: number,
    organisation: number,
    network: number,
    category: number,
    account: number,
  ): void {
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
