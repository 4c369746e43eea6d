/**
 * One day of the benign background as columns: what happens when, before any text is made.
 *
 * Filled in any order, sorted once, read in time order. Events past the end of the day (overseas evenings)
 * stay for the next day, so memory is one day's events, about 25 bytes each.
 */

export const KIND = {
  login: 0,
  loginFailure: 1,
  logout: 2,
  search: 3,
  view: 4,
  download: 5,
  list: 6,
  reset: 7,
  create: 8,
  grant: 9,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** Sorting keys hold the ms of the day above this many bits of index: 2^27 × 2^25 < 2^53. */
const INDEX_RANGE = 2 ** 25;

export class DayPlan {
  #capacity = 1 << 16;
  #count = 0;
  #times = new Float64Array(this.#capacity);
  #kinds = new Uint8Array(this.#capacity);
  #actors = new Uint32Array(this.#capacity);
  #objects = new Uint32Array(this.#capacity);
  #scopes = new Uint8Array(this.#capacity);
  /** Pages of persons that list events refer to by index. */
  readonly pages: (readonly number[])[] = [];
  #order = new Float64Array(0);
  #i = 0;
  /** Events of #order that belong to the day. */
  #end = 0;

  // The event at the cursor.
  time = Infinity;
  kind: Kind = KIND.login;
  /** Position of the acting account in the cast. */
  actor = 0;
  /** Person, page, or number of the account acted upon, by kind. */
  object = 0;
  /** 0: in the account's caseload; k > 0: accompanied by the k-th structure. */
  scope = 0;

  add(time: number, kind: Kind, actor: number, object = 0, scope = 0): void {
    if (this.#count === this.#capacity) this.#grow();
    const i = this.#count++;
    this.#times[i] = Math.floor(time);
    this.#kinds[i] = kind;
    this.#actors[i] = actor;
    this.#objects[i] = object;
    this.#scopes[i] = scope;
  }

  addPage(time: number, actor: number, persons: readonly number[]): void {
    this.add(time, KIND.list, actor, this.pages.length);
    this.pages.push(persons);
  }

  /** Sorts what was added and puts the cursor before the first event in [from, dayEnd). */
  sort(from: number, dayEnd: number): void {
    const order = new Float64Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      order[i] = Math.max(0, this.#times[i]! - (dayEnd - DAY_SPAN_MS)) * INDEX_RANGE + i;
    }
    order.sort();
    this.#order = order;
    this.#i = 0;
    this.#end = order.length;
    while (this.#end > 0 && this.#times[this.#indexAt(this.#end - 1)]! >= dayEnd) this.#end--;
    while (this.#i < this.#end && this.#times[this.#indexAt(this.#i)]! < from) this.#i++;
    this.#load();
  }

  /** Moves to the next event of the day; `time` is Infinity when there is none. */
  advance(): void {
    this.#i++;
    this.#load();
  }

  /** Drops the day and keeps what lies after its end. Pages of kept lists are renumbered. */
  nextDay(): void {
    const late = Array.from(this.#order.subarray(this.#end), (key) => key % INDEX_RANGE).sort(
      (a, b) => a - b,
    );
    const kept = late.map((i) => ({
      time: this.#times[i]!,
      kind: this.#kinds[i]! as Kind,
      actor: this.#actors[i]!,
      object: this.#objects[i]!,
      scope: this.#scopes[i]!,
      page: this.pages[this.#objects[i]!],
    }));
    this.#count = 0;
    this.pages.length = 0;
    for (const event of kept) {
      if (event.kind === KIND.list) this.addPage(event.time, event.actor, event.page!);
      else this.add(event.time, event.kind, event.actor, event.object, event.scope);
    }
    this.#order = new Float64Array(0);
    this.#i = 0;
    this.#end = 0;
    this.#load();
  }

  #indexAt(i: number): number {
    return this.#order[i]! % INDEX_RANGE;
  }

  #load(): void {
    if (this.#i >= this.#end) {
      this.time = Infinity;
      return;
    }
    const i = this.#indexAt(this.#i);
    this.time = this.#times[i]!;
    this.kind = this.#kinds[i]! as Kind;
    this.actor = this.#actors[i]!;
    this.object = this.#objects[i]!;
    this.scope = this.#scopes[i]!;
  }

  #grow(): void {
    this.#capacity *= 2;
    if (this.#capacity > INDEX_RANGE)
      throw new RangeError('more than 33 million events in one simulated day');
    this.#times = grown(new Float64Array(this.#capacity), this.#times);
    this.#kinds = grown(new Uint8Array(this.#capacity), this.#kinds);
    this.#actors = grown(new Uint32Array(this.#capacity), this.#actors);
    this.#objects = grown(new Uint32Array(this.#capacity), this.#objects);
    this.#scopes = grown(new Uint8Array(this.#capacity), this.#scopes);
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(next: T, old: T): T {
  next.set(old);
  return next;
}

/** Longer than any day with its overseas evenings; sorting keys count from this long before the day's end. */
const DAY_SPAN_MS = 30 * 3_600_000;
