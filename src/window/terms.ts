/**
 * Which events of a group show something new (`vigie.new_terms`), decided in event-time order.
 *
 * A term is one combination of the values of the watched fields. An event at t is new if one of its terms was not seen
 * in (t − history, t), and counts if the group has been known for at least a history by then. Events of one instant do
 * not precede each other: each is judged by what was seen before the instant. A group that was silent for a whole
 * history starts over: it is known from its next event on.
 *
 * Late events (later ones were judged already) count nowhere; their terms are known from then on.
 *
 * So what is judged at t follows from the events of the last two histories: an older past changes nothing, and
 * forgetting it loses nothing.
 *
 * Kept: per term the time it was last seen, at most `maxTerms` terms; beyond that those not seen for the longest time
 * leave early, and would be new again.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

/** Why an event counts or does not. */
export type Novelty =
  | 'new'
  | 'known'
  /** Its group has not been known for long enough. */
  | 'learning'
  /** It lacks one of the fields. */
  | 'without-term';

export class Terms {
  readonly #historyMs: number;
  readonly #maxTerms: number;
  /** Term → when it was last seen. */
  readonly #seen = new Map<string, number>();
  /** First event since the group was last silent for a whole history; NaN before any event. */
  #since = NaN;
  #newest = -Infinity;
  /** Number of terms at which expired ones are next looked for. */
  #expireAt = 16;
  #coalesced = 0;

  constructor(historyMs: number, maxTerms: number) {
    this.#historyMs = historyMs;
    this.#maxTerms = maxTerms;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Event time from which on nothing held here affects an event. */
  get outOfReachFrom(): number {
    return this.#newest + this.#historyMs;
  }

  /** How many terms left early since the last call. */
  takeCoalesced(): number {
    const coalesced = this.#coalesced;
    this.#coalesced = 0;
    return coalesced;
  }

  /** Judges all events of one instant, each given by its terms; times increase from call to call. */
  judge(time: number, events: readonly (readonly string[])[]): Novelty[] {
    if (!(time - this.#newest < this.#historyMs)) this.#since = time;
    this.#newest = time;
    const learning = time - this.#since < this.#historyMs;
    const unseen = (term: string): boolean => !(this.#seen.get(term)! > time - this.#historyMs);
    const verdicts = events.map((terms): Novelty => {
      if (terms.length === 0) return 'without-term';
      if (learning) return 'learning';
      return terms.some(unseen) ? 'new' : 'known';
    });
    for (const term of events.flat()) this.#seen.set(term, time);
    this.#bound(time);
    return verdicts;
  }

  /** Notes the terms of an event that is older than what was judged. */
  late(time: number, terms: readonly string[]): void {
    for (const term of terms) {
      const known = this.#seen.get(term) ?? -Infinity;
      if (time > known) this.#seen.set(term, time);
    }
    this.#bound(this.#newest);
  }

  save(to: SectionWriter): void {
    to.list(this.#seen, ([term, time]) => {
      to.text(term);
      to.f64(time);
    });
    to.f64(this.#since);
    to.f64(this.#newest);
    to.u32(this.#expireAt);
    to.u32(this.#coalesced);
  }

  load(from: SectionReader): void {
    from.each(() => this.#seen.set(from.text(), from.f64()));
    this.#since = from.f64();
    this.#newest = from.f64();
    this.#expireAt = from.u32();
    this.#coalesced = from.u32();
  }

  #bound(time: number): void {
    const seen = this.#seen;
    if (seen.size < this.#expireAt && seen.size <= this.#maxTerms) return;
    for (const [term, last] of seen) if (last <= time - this.#historyMs) seen.delete(term);
    if (seen.size > this.#maxTerms) {
      const excess = seen.size - this.#maxTerms + (this.#maxTerms >>> 3);
      const oldest = [...seen].sort(([x, a], [y, b]) => a - b || (x < y ? -1 : 1)).slice(0, excess);
      for (const [term] of oldest) seen.delete(term);
      this.#coalesced += oldest.length;
    }
    this.#expireAt = Math.max(16, 2 * seen.size);
  }
}
