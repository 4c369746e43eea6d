/**
 * Alerts that are stored already, where a log of several partitions is read again.
 *
 * An alert's id follows from its crossing as it stood at the opening, and that from the order in which partitions were
 * read. Read again, they come in another order, so an episode may open at another event and under another id. Once
 * all is read again it covers the same time as before; so whoever finds an alert of its rule and group stored for
 * that time goes on under that one's id.
 *
 * Guarantee: each stored alert is taken by one episode at most, first by the one that has its id.
 */

import type { Episode } from '../alert/episode.ts';
import type { StoredAlert } from '../sink/sink.ts';

/** Gives episodes the ids under which they are stored. `episodes`: all that are told of or open. */
export function takeStoredIds(episodes: ReadonlySet<Episode>, stored: readonly StoredAlert[]): void {
  const byGroup = new Map<string, StoredAlert[]>();
  for (const alert of stored) {
    const key = groupKey(alert.rule, alert.group);
    const alike = byGroup.get(key);
    if (alike === undefined) byGroup.set(key, [alert]);
    else alike.push(alert);
  }
  const taken = new Set<string>();
  const searching: (readonly [Episode, readonly StoredAlert[]])[] = [];
  for (const episode of episodes) {
    const alike = byGroup.get(groupKey(episode.of.rule.key, episode.group.fields));
    if (alike === undefined || episode.status === 'merged') continue;
    if (alike.some(({ alertId }) => alertId === episode.alertId)) taken.add(episode.alertId);
    else searching.push([episode, alike]);
  }
  const renamed = new Map<string, string>();
  for (const [episode, alike] of searching.toSorted(([a], [b]) => a.crossedAt - b.crossedAt)) {
    const free = alike.filter((alert) => !taken.has(alert.alertId) && overlaps(episode, alert));
    const found = free.find(({ crossedAt }) => crossedAt === episode.crossedAt) ?? free[0];
    if (found === undefined) continue;
    taken.add(found.alertId);
    renamed.set(episode.alertId, found.alertId);
    episode.goOnAs(found.alertId);
  }
  if (renamed.size === 0) return;
  for (const episode of episodes) {
    episode.inhibitedBy = renamed.get(episode.inhibitedBy) ?? episode.inhibitedBy;
    episode.mergedInto = renamed.get(episode.mergedInto) ?? episode.mergedInto;
  }
}

/** Whether both would be one episode. */
function overlaps({ crossedAt, lastTrueAt, of }: Episode, alert: StoredAlert): boolean {
  const { resolveTimeoutMs } = of.rule;
  return (
    crossedAt <= alert.lastEventAt + resolveTimeoutMs && alert.crossedAt <= lastTrueAt + resolveTimeoutMs
  );
}

function groupKey(rule: string, group: Readonly<Record<string, string | null>>): string {
  return JSON.stringify([rule, Object.entries(group).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
