/**
 * What an alert adds up over the events of its episode. Ranges of the event log are added and, where two ranges
 * overlap, subtracted; lists are unions, for which an overlap does not matter.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { Dimensions } from '../window/dimension-table.ts';
import { PersonCounter } from './person-counter.ts';

/** Distinct values listed on an alert; a busier dimension shows this many. */
const LISTED = 100;

export class Totals {
  events = 0;
  records = 0;
  bytes = 0;
  /** Part of a range had been coalesced or dropped when it was added. */
  estimated = false;
  readonly persons = new PersonCounter();
  /** The newest event of the group whose persons a range brought along, by the group's own numbering. */
  personsOf = 0;
  /** Distinct numbers, few: mostly one. */
  readonly applications: number[] = [];
  readonly organisations: number[] = [];
  readonly networks: number[] = [];
  readonly categories: number[] = [];
  readonly accounts: number[] = [];

  /** `sign` −1 subtracts a range that was added twice; the lists and persons keep it. */
  addEvents(sign: 1 | -1, events: number, records: number, bytes: number): void {
    this.events += sign * events;
    this.records += sign * records;
    this.bytes += sign * bytes;
  }

  addDimensions({ application, organisation, network, category, account }: Dimensions): void {
    addBounded(this.applications, application);
    addBounded(this.organisations, organisation);
    addBounded(this.networks, network);
    addBounded(this.categories, category);
    addBounded(this.accounts, account);
  }

  merge(other: Totals): void {
    this.addEvents(1, other.events, other.records, other.bytes);
    this.estimated ||= other.estimated;
    this.persons.merge(other.persons);
    this.#lists.forEach((list, l) => {
      for (const number of other.#lists[l]!) addBounded(list, number);
    });
  }

  save(to: SectionWriter): void {
    to.f64(this.events);
    to.f64(this.records);
    to.f64(this.bytes);
    to.flag(this.estimated);
    this.persons.save(to);
    for (const list of this.#lists) to.list(list, (number) => to.u32(number));
  }

  load(from: SectionReader): void {
    this.addEvents(1, from.f64(), from.f64(), from.f64());
    this.estimated = from.flag();
    this.persons.load(from);
    for (const list of this.#lists) from.each(() => list.push(from.u32()));
  }

  get #lists(): readonly number[][] {
    return [this.applications, this.organisations, this.networks, this.categories, this.accounts];
  }
}

function addBounded(list: number[], number: number): void {
  if (number !== 0 && list.length < LISTED && !list.includes(number)) list.push(number);
}
