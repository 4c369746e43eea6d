/**
 * One day of the benign background as columns: what happens when, before any text is made.
 *
 * Filled in any order, sorted once, read in time order. Events past the end of the day (overseas evenings) are kept for
 * the next day, so memory is one day's events, about 25 bytes each.
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
  export: 10,
  /** A login on a second device, and a view there. */
  phoneLogin: 11,
  phoneView: 12,
  /** Not an event: the open session continues at the office. */
  move: 13,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/**
 * A sort key is the ms since the day's origin, times this, plus the event's index: 2^27 × 2^25 < 2^53. The origin lies
 * before anything in the day, including the farthest overseas morning.
 */
const INDEX_RANGE = 2 ** 25;
const ORIGIN_BEFORE_END_MS = 30 * 3_600_000;

/** Words per event, side by side: reading in time order jumps about, and should touch one cache line per event. */
const WORDS = 4;
const ACTOR = 0;
const OBJECT = 1;
/** Kind in the low byte, scope above it. */
const KIND_AND_SCOPE = 2;

export class DayPlan {
  #capacity = 1 << 16;
  #count = 0;
  #times = new Float64Array(this.#capacity);
  #words = new Uint32Array(WORDS * this.#capacity);
  /** Pages of persons, referred to by list events by index. */
  readonly pages: (readonly number[])[] = [];
  /** Sorted keys, and the positions of the cursor and the end of the day in them. */
  #keys = new Float64Array(0);
  #cursor = 0;
  #end = 0;
  #origin = 0;

  // The event at the cursor.
  time = Infinity;
  kind: Kind = KIND.login;
  /** Position of the acting account in the cast. */
  actor = 0;
  /** Depends on the kind: person, page, place of a login, or position of the account acted on. */
  object = 0;
  /**
   * For a view or download, 0: in the account's caseload; k > 0: accompanied by the k-th structure. For anything else,
   * the confounders it counts as (`TAG`). Below 2^24.
   */
  scope = 0;

  add(time: number, kind: Kind, actor: number, object = 0, scope = 0): void {
    if (this.#count === this.#capacity) this.#grow();
    const i = this.#count++;
    this.#times[i] = Math.floor(time);
    this.#words[WORDS * i + ACTOR] = actor;
    this.#words[WORDS * i + OBJECT] = object;
    this.#words[WORDS * i + KIND_AND_SCOPE] = kind | (scope << 8);
  }

  addPage(
    time: number,
    kind: typeof KIND.list | typeof KIND.export,
    actor: number,
    persons: readonly number[],
    tags = 0,
  ): void {
    this.add(time, kind, actor, this.pages.length, tags);
    this.pages.push(persons);
  }

  /** Sorts the added events and puts the cursor before the first one in [from, dayEnd). */
  sort(from: number, dayEnd: number): void {
    this.#origin = dayEnd - ORIGIN_BEFORE_END_MS;
    const keys = new Float64Array(this.#count);
    for (let i = 0; i < keys.length; i++) {
      keys[i] = Math.max(0, this.#times[i]! - this.#origin) * INDEX_RANGE + i;
    }
    this.#keys = keys.sort();
    this.#end = lowerBound(keys, (dayEnd - this.#origin) * INDEX_RANGE);
    this.#cursor = lowerBound(keys, Math.max(0, from - this.#origin) * INDEX_RANGE);
    this.#load();
  }

  /** Advances to the next event of the day; `time` is Infinity if there is none. */
  advance(): void {
    this.#cursor++;
    this.#load();
  }

  /** Drops the day's events and keeps those after its end. Pages of kept lists are renumbered. */
  nextDay(): void {
    const kept = Array.from(this.#keys.subarray(this.#end), (_, i) => {
      this.#cursor = this.#end + i;
      this.#read();
      const { time, kind, actor, object, scope } = this;
      return { time, kind, actor, object, scope, page: this.pages[object] };
    });
    this.#count = 0;
    this.pages.length = 0;
    for (const { time, kind, actor, object, scope, page } of kept) {
      if (kind === KIND.list || kind === KIND.export) this.addPage(time, kind, actor, page!, scope);
      else this.add(time, kind, actor, object, scope);
    }
    this.#keys = new Float64Array(0);
    this.#cursor = 0;
    this.#end = 0;
    this.#load();
  }

  #load(): void {
    if (this.#cursor < this.#end) this.#read();
    else this.time = Infinity;
  }

  #read(): void {
    const key = this.#keys[this.#cursor]!;
    const ms = Math.floor(key / INDEX_RANGE);
    const at = WORDS * (key - ms * INDEX_RANGE);
    const kindAndScope = this.#words[at + KIND_AND_SCOPE]!;
    this.time = this.#origin + ms;
    this.actor = this.#words[at + ACTOR]!;
    this.object = this.#words[at + OBJECT]!;
    this.kind = (kindAndScope & 255) as Kind;
    this.scope = kindAndScope >>> 8;
  }

  #grow(): void {
    this.#capacity *= 2;
    if (this.#capacity > INDEX_RANGE) {
      throw new RangeError('more than 33 million events in one simulated day');
    }
    const times = new Float64Array(this.#capacity);
    times.set(this.#times);
    this.#times = times;
    const words = new Uint32Array(WORDS * this.#capacity);
    words.set(this.#words);
    this.#words = words;
  }
}

/** Index of the first sorted value that is at least `least`. */
function lowerBound(sorted: Float64Array, least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
