/**
 * What somebody would write for these rules in an afternoon: `JSON.parse`, Maps of arrays, one object per entry. Exact
 * only if events arrive in order and once: no deduplication, no lateness, no episodes.
 */

import type { Workload } from './workload.ts';

interface NaiveRule {
  readonly actions: readonly string[];
  readonly groupBy: 'user' | 'organization';
  readonly timespanMs: number;
  readonly gte: number;
  readonly persons: boolean;
}

const READS = ['record-view', 'record-list'];

/** rules/three.yml. */
const THREE: readonly NaiveRule[] = [
  { actions: READS, groupBy: 'user', timespanMs: 7_200_000, gte: 5_000, persons: false },
  { actions: READS, groupBy: 'user', timespanMs: 3_600_000, gte: 150, persons: true },
  { actions: ['account-create'], groupBy: 'user', timespanMs: 86_400_000, gte: 10, persons: false },
];

/** By the name of the rules loaded. */
export const NAIVE: Readonly<Record<string, readonly NaiveRule[]>> = {
  three: THREE,
  organisations: [
    ...THREE,
    { actions: READS, groupBy: 'organization', timespanMs: 3_600_000, gte: 5_000, persons: true },
  ],
  days: [...THREE, { actions: READS, groupBy: 'user', timespanMs: 86_400_000, gte: 1_000, persons: true }],
};

class Window {
  readonly #entries: { readonly time: number; readonly person: string }[] = [];
  readonly #seen = new Map<string, number>();
  #first = 0;
  fired = false;

  /** Returns the value of the window that ends at the event. */
  add(rule: NaiveRule, time: number, persons: readonly string[]): number {
    for (const person of rule.persons ? persons : ['']) {
      this.#entries.push({ time, person });
      if (rule.persons) this.#seen.set(person, (this.#seen.get(person) ?? 0) + 1);
    }
    for (; this.#entries[this.#first]!.time <= time - rule.timespanMs; this.#first += 1) {
      if (!rule.persons) continue;
      const { person } = this.#entries[this.#first]!;
      const left = this.#seen.get(person)! - 1;
      if (left === 0) this.#seen.delete(person);
      else this.#seen.set(person, left);
    }
    if (this.#first > 1000 && this.#first > this.#entries.length / 2) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
    return rule.persons ? this.#seen.size : this.#entries.length - this.#first;
  }
}

interface Event {
  readonly '@timestamp': string;
  readonly event: { readonly action: string };
  readonly user?: { readonly id: string };
  readonly organization: { readonly id: string };
  readonly portal: { readonly records?: { readonly ids: readonly string[] } };
}

/** Number of groups, over all rules, that ever reached their threshold. */
export function naivePass({ bytes, starts, events }: Workload, rules: readonly NaiveRule[]): number {
  const windows = rules.map(() => new Map<string, Window>());
  let fired = 0;
  for (let i = 0; i < events; i += 1) {
    let event: Event;
    try {
      event = JSON.parse(bytes.toString('utf8', starts[i], starts[i + 1]! - 1)) as Event;
    } catch {
      continue;
    }
    const time = Date.parse(event['@timestamp']);
    const persons = event.portal.records?.ids ?? [];
    for (let r = 0; r < rules.length; r += 1) {
      const rule = rules[r]!;
      if (!rule.actions.includes(event.event.action) || (rule.persons && persons.length === 0)) continue;
      const key = event[rule.groupBy]?.id;
      if (key === undefined) continue;
      let window = windows[r]!.get(key);
      if (window === undefined) windows[r]!.set(key, (window = new Window()));
      if (window.add(rule, time, persons) < rule.gte || window.fired) continue;
      window.fired = true;
      fired += 1;
    }
  }
  return fired;
}
