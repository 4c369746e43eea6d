/**
 * What was taken when: the malicious reads of one incident as running sums, to be asked "how much by then?".
 *
 * Records are exact at every instant. Persons and accounts are exact up to the bound of `PersonCounter` on
 * persons; beyond it persons are estimated, and both are sampled whenever the records have grown by half a
 * percent, so what they say of an instant is at most that much too low.
 */

import { PersonCounter } from '../alert/person-counter.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { FieldValue } from '../event/record.ts';

/** Sums up to and with an instant. */
export interface Taken {
  /** ms since the epoch. */
  readonly at: number;
  readonly records: number;
  readonly persons: number;
  /** Accounts whose sessions have read something. */
  readonly accounts: number;
}

export interface Theft {
  /** ms since the epoch; undefined while there was none. */
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

export class TheftLog {
  #times = new Float64Array(1024);
  #records = new Float64Array(1024);
  #reads = 0;
  #total = 0;
  readonly #samples: Taken[] = [];
  #nextSampleAt = 0;
  readonly #persons = new PersonCounter();
  readonly #accounts = new Set<string>();
  #events = 0;
  #firstEventAt: number | undefined;
  #lastEventAt: number | undefined;

  /** A malicious event; `records` 0 when it read nothing. In order of time. */
  note(time: number, records: number, persons: FieldValue | undefined, account: string): void {
    this.#events += 1;
    this.#firstEventAt ??= time;
    this.#lastEventAt = time;
    if (records <= 0) return;
    if (this.#reads === this.#times.length) {
      this.#times = grown(this.#times);
      this.#records = grown(this.#records);
    }
    this.#total += records;
    this.#times[this.#reads] = time;
    this.#records[this.#reads] = this.#total;
    this.#reads += 1;
    if (persons instanceof Pseudonyms) {
      for (let i = 0; i < persons.length; i += 1) {
        this.#persons.add(persons.words[2 * i]!, persons.words[2 * i + 1]!);
      }
    }
    this.#accounts.add(account);
    const last = this.#samples.at(-1);
    const grew = this.#persons.estimated
      ? this.#total >= this.#nextSampleAt
      : last?.persons !== this.#persons.count() || last.accounts !== this.#accounts.size;
    if (!grew) return;
    this.#sample(time);
    this.#nextSampleAt = this.#total * GROWTH;
  }

  theft(): Theft {
    return {
      firstEventAt: this.#firstEventAt,
      lastEventAt: this.#lastEventAt,
      firstReadAt: this.#reads === 0 ? undefined : this.#times[0],
      lastReadAt: this.#reads === 0 ? undefined : this.#times[this.#reads - 1],
      events: this.#events,
      reads: this.#reads,
      records: this.#total,
      persons: this.#persons.count(),
      personsEstimated: this.#persons.estimated,
      accounts: this.#accounts.size,
    };
  }

  /** What was gone at an instant, reads of that instant included. */
  by(at: number): Taken {
    const reads = upTo(this.#reads, (i) => this.#times[i]!, at);
    const samples = upTo(this.#samples.length, (i) => this.#samples[i]!.at, at);
    const { persons, accounts } = this.#samples[samples - 1] ?? { persons: 0, accounts: 0 };
    return { at, records: reads === 0 ? 0 : this.#records[reads - 1]!, persons, accounts };
  }

  /** The course of the theft in at most about `points` instants: evenly over time, and densely at its start. */
  course(points: number): Taken[] {
    if (this.#reads === 0) return [];
    const first = this.#times[0]!;
    const last = this.#times[this.#reads - 1]!;
    const half = Math.ceil(points / 2);
    const instants = new Set<number>([first, last]);
    for (let i = 1; i < half; i += 1) {
      instants.add(Math.round(first + ((last - first) * i) / half));
      instants.add(Math.round(first + (last - first) ** (i / half)));
    }
    return [...instants].sort((a, b) => a - b).map((at) => this.by(at));
  }

  #sample(at: number): void {
    const sample = {
      at,
      records: this.#total,
      persons: this.#persons.count(),
      accounts: this.#accounts.size,
    };
    // Equal times: the later one says all.
    if (this.#samples.at(-1)?.at === at) this.#samples.pop();
    this.#samples.push(sample);
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(2 * values.length);
  longer.set(values);
  return longer;
}

/** How many of the sorted times are ≤ `at`. */
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
