/**
 * The theft itself: N distinct persons read at a steady pace by one or several sessions.
 *
 * Event i happens at a random place within the i-th of equal slices of the schedule: the pace is exact and the gaps
 * vary, as with a script's requests. A permutation of the register makes persons distinct, so nothing has to be
 * remembered, whatever the volume.
 */

import { structuresOf } from '../cast.ts';
import type { EventStream } from '../event-stream.ts';
import type { EventWriter, Register } from '../event-writer.ts';
import {
  ACTIONS,
  scopeFragment,
  writePerson,
  writePersons,
  writeRecordCount,
  writeScope,
} from '../event-writer.ts';
import type { LabelRecorder } from '../labels.ts';
import type { Permutation, Random } from '../random.ts';
import type { Session } from '../session.ts';
import type { Schedule } from './schedule.ts';

export interface ReadsOptions {
  readonly schedule: Schedule;
  /** Distinct persons. At most the size of the register. */
  readonly records: number;
  /** 1: record-view, ≈ 18 kB each. More: pages of record-list. */
  readonly recordsPerEvent: number;
  /** Average bytes of a row of a page. */
  readonly rowBytes: number;
  readonly order: 'shuffled' | 'sequential';
  readonly register: Register;
  readonly structurePrefix: string;
  readonly sensitivity: readonly string[];
  /** Where the theft starts in the order of persons. Default: drawn. */
  readonly firstPerson?: number;
}

/** Who reads. The session changes when the reader logs in again. */
export interface Reader {
  session: Session;
}

export class BulkReads implements EventStream {
  readonly #options: ReadsOptions;
  readonly #readers: readonly Reader[];
  readonly #persons: Permutation;
  readonly #label: LabelRecorder;
  readonly #times: Random;
  readonly #ids: Random;
  readonly #details: Random;
  readonly #firstPerson: number;
  readonly #scopes: readonly Uint8Array[];
  /** Scopes of list pages, whose persons belong to several structures. */
  readonly #pageScopes: readonly Uint8Array[];
  readonly #events: number;
  readonly #sliceMs: number;
  /** Persons of the event being written. */
  readonly #page: Int32Array;
  #i = 0;
  time: number;

  constructor(
    random: Random,
    options: ReadsOptions,
    persons: Permutation,
    readers: readonly Reader[],
    label: LabelRecorder,
  ) {
    this.#options = options;
    this.#readers = readers;
    this.#persons = persons;
    this.#label = label;
    this.#times = random.split('times');
    this.#ids = random.split('event-ids');
    this.#details = random.split('details');
    this.#firstPerson = options.firstPerson ?? firstPersonOf(random, persons, options.records);
    const structures = structuresOf(options.structurePrefix);
    this.#scopes = structures.map((structure) => scopeFragment([structure], options.sensitivity));
    const pages = random.split('pages');
    this.#pageScopes = Array.from({ length: 64 }, () => {
      const several = new Set(Array.from({ length: 8 }, () => pages.pick(structures)));
      return scopeFragment([...several], options.sensitivity);
    });
    this.#events = eventsOf(options);
    this.#page = new Int32Array(options.recordsPerEvent);
    this.#sliceMs = options.schedule.activeMs / this.#events;
    this.time = this.#timeOf(0);
  }

  next(out: EventWriter): void {
    const { records, recordsPerEvent, rowBytes } = this.#options;
    const first = this.#i * recordsPerEvent;
    const count = Math.min(recordsPerEvent, records - first);
    const { session } = this.#readers[this.#i % this.#readers.length]!;
    const isPage = recordsPerEvent > 1;
    out.begin(this.time, this.#ids, isPage ? ACTIONS.recordList : ACTIONS.recordView, session.userId);
    out.fragment(session.fragment);
    writeRecordCount(out, count);
    this.#writePersons(out, this.#firstPerson + first, count);
    const scope = this.#details.pick(isPage ? this.#pageScopes : this.#scopes);
    const bytes = isPage
      ? Math.round(rowBytes * (count - 0.5)) + this.#details.below(rowBytes)
      : 12_000 + this.#details.below(12_000);
    writeScope(out, count, scope, bytes);
    out.end();
    this.#label.noteRead(out, this.time, count, count);
    this.#i++;
    this.time = this.#i === this.#events ? Infinity : this.#timeOf(this.#i);
  }

  /** Writes `count` persons, starting at the n-th in the theft's order. */
  #writePersons(out: EventWriter, n: number, count: number): void {
    const { order, register } = this.#options;
    const shuffled = order === 'shuffled';
    if (count === 1) {
      writePerson(out, register, shuffled ? this.#persons.of(n) : n);
      return;
    }
    const page = this.#page;
    if (shuffled) this.#persons.fill(page, n, count);
    else for (let k = 0; k < count; k++) page[k] = n + k;
    writePersons(out, register, page, count);
  }

  #timeOf(i: number): number {
    return Math.floor(this.#options.schedule.at((i + this.#times.float()) * this.#sliceMs));
  }
}

/** A random start, in the order of persons, for a theft of that many. */
export function firstPersonOf(random: Random, persons: Permutation, records: number): number {
  return random.split('first person').below(persons.size - records + 1);
}

/** Number of events of a theft. */
export function eventsOf(options: Pick<ReadsOptions, 'records' | 'recordsPerEvent'>): number {
  return Math.ceil(options.records / options.recordsPerEvent);
}
