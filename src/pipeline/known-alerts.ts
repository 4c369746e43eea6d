/**
 * Alerts that are stored already, where a log of several partitions is read again.
 *
 * An alert's id follows from its crossing as it stood at the opening, and that from the order in which partitions were
 * read. Read again, they come in another order, so an episode may open at another event and under another id. Once
 * all is read again it covers the same time as before; so whoever finds an alert of its rule and group stored for
 * that time goes on under that one's id. Whoever finds several is all of them: the others are parts of it. (What was
 * read before by a rule that began empty, or with a partition behind, may have come apart.)
 *
 * Guarantee: each stored alert is taken by one episode at most, first by the one that has its id.
 */

import type { Alert } from '../alert/alert.ts';
import type { Episode } from '../alert/episode.ts';

/** What an engine holds of episodes. */
export interface Told {
  readonly open: ReadonlySet<Episode>;
  readonly changed: Set<Episode>;
}

/** A stored alert, and the episode that it is part of. */
export type Part = readonly [alert: Alert, of: Episode];

/** Gives episodes the ids under which they are stored, and returns what is stored besides of the same ones. */
export function takeStoredIds({ open, changed }: Told, stored: readonly Alert[]): Part[] {
  const byGroup = new Map<string, Alert[]>();
  for (const alert of stored) {
    const key = groupKey(alert.rule, alert.group);
    const alike = byGroup.get(key);
    if (alike === undefined) byGroup.set(key, [alert]);
    else alike.push(alert);
  }
  const episodes = new Set([...open, ...changed]);
  const taken = new Set<string>();
  const known: (readonly [Episode, readonly Alert[]])[] = [];
  for (const episode of episodes) {
    const alike = byGroup.get(groupKey(episode.of.rule.key, episode.group.fields));
    if (alike === undefined || episode.status === 'merged') continue;
    known.push([episode, alike]);
    if (alike.some(({ alertId }) => alertId === episode.alertId)) taken.add(episode.alertId);
  }
  known.sort(([a], [b]) => a.crossedAt - b.crossedAt);
  const renamed = new Map<string, string>();
  for (const [episode, alike] of known) {
    if (taken.has(episode.alertId)) continue;
    const free = alike.filter((alert) => !taken.has(alert.alertId) && overlaps(episode, alert));
    const found = free.find(({ crossedAt }) => crossedAt === episode.crossedAt) ?? free[0];
    if (found === undefined) continue;
    taken.add(found.alertId);
    renamed.set(episode.alertId, found.alertId);
    episode.goOnAs(found.alertId);
  }
  for (const episode of episodes) {
    episode.inhibitedBy = renamed.get(episode.inhibitedBy) ?? episode.inhibitedBy;
    episode.mergedInto = renamed.get(episode.mergedInto) ?? episode.mergedInto;
    // It opened once more, and joined the one that is known by its id.
    if (episode.status === 'merged' && taken.has(episode.alertId)) changed.delete(episode);
  }
  const parts: Part[] = [];
  for (const [episode, alike] of known) {
    for (const alert of alike) {
      if (taken.has(alert.alertId) || !overlaps(episode, alert)) continue;
      taken.add(alert.alertId);
      parts.push([alert, episode]);
    }
  }
  return parts;
}

/** Whether both would be one episode. */
function overlaps({ crossedAt, lastTrueAt, of }: Episode, alert: Alert): boolean {
  const { resolveTimeoutMs } = of.rule;
  return (
    crossedAt <= alert.lastEventAt + resolveTimeoutMs && alert.crossedAt <= lastTrueAt + resolveTimeoutMs
  );
}

function groupKey(rule: string, group: Readonly<Record<string, string | null>>): string {
  return JSON.stringify([rule, Object.entries(group).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
