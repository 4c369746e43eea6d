/**
 * `vigie.inhibits`: while an alert of one rule is open, open alerts of the rules that it names, in the same group, are
 * below it. They remain alerts and are marked with the one above, for good: it explains them.
 */

import { type CorrelationRule, raisesAlerts } from '../sigma/rule.ts';
import type { Episode } from './episode.ts';

export class Inhibition {
  /** Rule key → keys of the rules it inhibits. */
  readonly #below: ReadonlyMap<string, ReadonlySet<string>>;
  /** Keys of all rules that inhibit or are inhibited: other rules cost nothing. */
  readonly #concerned: ReadonlySet<string>;
  /** Open episodes of these rules, by group. */
  readonly #open = new Map<string, Set<Episode>>();

  constructor(rules: readonly CorrelationRule[]) {
    // A rule that raises no alerts would hide others behind something that nobody can see.
    const inhibiting = rules.filter((rule) => rule.inhibits.length > 0 && raisesAlerts(rule));
    this.#below = new Map(inhibiting.map(({ key, inhibits }) => [key, new Set(inhibits)]));
    this.#concerned = new Set(inhibiting.flatMap(({ key, inhibits }) => [key, ...inhibits]));
  }

  /** An episode opened. Returns the episodes inhibited from now on, perhaps including itself. */
  opened(episode: Episode): Episode[] {
    const { key } = episode.of.rule;
    if (!this.#concerned.has(key)) return [];
    const group = groupOf(episode);
    const beside = this.#open.get(group) ?? new Set();
    this.#open.set(group, beside.add(episode));
    const inhibited: Episode[] = [];
    for (const other of beside) {
      const [above, below] = this.#inhibits(key, other.of.rule.key) ? [episode, other] : [other, episode];
      if (!this.#inhibits(above.of.rule.key, below.of.rule.key) || below.inhibitedBy !== '') continue;
      below.group.aboutToChange();
      below.inhibitedBy = above.alertId;
      inhibited.push(below);
    }
    return inhibited;
  }

  closed(episode: Episode): void {
    if (!this.#concerned.has(episode.of.rule.key)) return;
    const group = groupOf(episode);
    const beside = this.#open.get(group);
    if (beside?.delete(episode) === true && beside.size === 0) this.#open.delete(group);
  }

  #inhibits(above: string, below: string): boolean {
    return this.#below.get(above)?.has(below) === true;
  }
}

function groupOf(episode: Episode): string {
  return JSON.stringify(episode.group.fields);
}
