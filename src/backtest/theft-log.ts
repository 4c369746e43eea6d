/**
 * What was taken when: the malicious reads of one incident, to answer "how much by then?".
 *
 * Guarantee: the answers do not depend on the order of arrival. Records and accounts are exact at every instant,
 * persons up to the bound of `PersonCounter`. Beyond it, persons are estimated and sampled whenever the records have
 * grown by half a percent, so the figure for an instant is too low by at most that much (plus what arrived out of
 * order).
 */

import { PersonCounter } from '../alert/person-counter.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { FieldValue } from '../event/record.ts';

/** Sums up to and including an instant. */
export interface Taken {
  /** ms since the epoch. */
  readonly at: number;
  readonly records: number;
  readonly persons: number;
  /** Accounts with malicious reads. */
  readonly accounts: number;
}

export interface Theft {
  /** ms since the epoch; undefined if there was none. */
  readonly firstEventAt: number | undefined;
  readonly lastEventAt: number | undefined;
  readonly firstReadAt: number | undefined;
  readonly lastReadAt: number | undefined;
  readonly events: number;
  readonly reads: number;
  readonly records: number;
  readonly persons: number;
  readonly personsEstimated: boolean;
  readonly accounts: number;
}

const GROWTH = 1.005;

/** Sorted and ready for queries. */
interface Sums {
  readonly times: Float64Array;
  /** Up to and including the read of the same index. */
  readonly records: Float64Array;
  /** First sighting of each person counted exactly, and of each account. */
  readonly persons: Float64Array;
  readonly accounts: Float64Array;
}

export class TheftLog {
  #times = new Float64Array(1024);
  #records = new Float64Array(1024);
  #reads = 0;
  #total = 0;
  /** First time of each person while the count is exact. */
  readonly #personsAt = new Map<string, number>();
  readonly #accountsAt = new Map<string, number>();
  readonly #persons = new PersonCounter();
  /** Estimates beyond that, each at the newest time so far. */
  readonly #samples: { readonly at: number; readonly persons: number }[] = [];
  #nextSampleAt = 0;
  #events = 0;
  #firstEventAt: number | undefined;
  #lastEventAt: number | undefined;
  #sums: Sums | undefined;

  /** Takes a malicious event; `records` is 0 if it read nothing. */
  note(time: number, records: number, persons: FieldValue | undefined, account: string): void {
    this.#events += 1;
    this.#firstEventAt = Math.min(time, this.#firstEventAt ?? time);
    this.#lastEventAt = Math.max(time, this.#lastEventAt ?? time);
    if (records <= 0) return;
    this.#sums = undefined;
    if (this.#reads === this.#times.length) {
      this.#times = grown(this.#times);
      this.#records = grown(this.#records);
    }
    this.#times[this.#reads] = time;
    this.#records[this.#reads] = records;
    this.#reads += 1;
    this.#total += records;
    if (account !== '') noteFirst(this.#accountsAt, account, time);
    if (persons instanceof Pseudonyms) {
      for (let i = 0; i < persons.length; i += 1) {
        const high = persons.words[2 * i]!;
        const low = persons.words[2 * i + 1]!;
        this.#persons.add(high, low);
        if (!this.#persons.estimated) noteFirst(this.#personsAt, `${high} ${low}`, time);
      }
    }
    if (!this.#persons.estimated || this.#total < this.#nextSampleAt) return;
    const at = Math.max(time, this.#samples.at(-1)?.at ?? time);
    this.#samples.push({ at, persons: this.#persons.count() });
    this.#nextSampleAt = this.#total * GROWTH;
  }

  theft(): Theft {
    const { times } = this.#settled();
    return {
      firstEventAt: this.#firstEventAt,
      lastEventAt: this.#lastEventAt,
      firstReadAt: times[0],
      lastReadAt: times.at(-1),
      events: this.#events,
      reads: this.#reads,
      records: this.#total,
      persons: this.#persons.count(),
      personsEstimated: this.#persons.estimated,
      accounts: this.#accountsAt.size,
    };
  }

  /** What was gone at an instant, including reads of that instant. */
  by(at: number): Taken {
    const { times, records, persons, accounts } = this.#settled();
    const samples = upTo(this.#samples.length, (i) => this.#samples[i]!.at, at);
    return {
      at,
      records: records[upTo(times.length, (i) => times[i]!, at) - 1] ?? 0,
      persons: Math.max(
        upTo(persons.length, (i) => persons[i]!, at),
        this.#samples[samples - 1]?.persons ?? 0,
      ),
      accounts: upTo(accounts.length, (i) => accounts[i]!, at),
    };
  }

  /** The course of the theft in at most about `points` instants: evenly spaced, and denser near its start. */
  course(points: number): Taken[] {
    const { times } = this.#settled();
    const first = times[0];
    if (first === undefined) return [];
    const last = times.at(-1)!;
    const half = Math.ceil(points / 2);
    const instants = new Set<number>([first, last]);
    for (let i = 1; i < half; i += 1) {
      instants.add(Math.round(first + ((last - first) * i) / half));
      instants.add(Math.round(first + (last - first) ** (i / half)));
    }
    return [...instants].sort((a, b) => a - b).map((at) => this.by(at));
  }

  #settled(): Sums {
    if (this.#sums !== undefined) return this.#sums;
    const times = this.#times.slice(0, this.#reads);
    const records = this.#records.slice(0, this.#reads);
    if (times.some((time, i) => time < times[i - 1]!)) {
      const order = Uint32Array.from(times, (_, i) => i).sort((a, b) => times[a]! - times[b]!);
      order.forEach((from, to) => (records[to] = this.#records[from]!));
      times.sort();
    }
    for (let i = 1; i < records.length; i += 1) records[i]! += records[i - 1]!;
    const persons = Float64Array.from(this.#personsAt.values()).sort();
    const accounts = Float64Array.from(this.#accountsAt.values()).sort();
    return (this.#sums = { times, records, persons, accounts });
  }
}

function noteFirst(into: Map<string, number>, key: string, time: number): void {
  const known = into.get(key);
  if (known === undefined || time < known) into.set(key, time);
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(2 * values.length);
  longer.set(values);
  return longer;
}

/** Number of sorted times that are ≤ `at`. */
function upTo(length: number, timeAt: (i: number) => number, at: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeAt(middle) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
