/**
 * Alerts that are already stored when the log is read again.
 *
 * An alert's id follows from its crossing at the opening, which depends on the order in which partitions were read and
 * on how much its rule had seen. When the log is read again, partitions come in another order, and a changed rule sees
 * earlier events, so an episode may open at another event and under another id. Once everything is read again, the
 * episode covers the same time as before; so if an alert of its rule and group is stored for that time, the episode
 * goes on under that id. If several are stored, the others are parts of it. (A rule that began empty, or with a
 * partition behind, may have split them.)
 *
 * Guarantee: each stored alert is taken by at most one episode, preferably the one with its id.
 */

import type { Alert } from '../alert/alert.ts';
import type { Episode } from '../alert/episode.ts';
import type { EpisodeTracker } from '../alert/episode-tracker.ts';
import type { Clock } from '../clock.ts';
import { raisesAlerts, type CorrelationRule, type RuleSet } from '../sigma/rule.ts';
import type { AlertSink } from '../sink/sink.ts';
import type { AssignedPartition, Source } from '../source/source.ts';

type Tracked = Pick<EpisodeTracker, 'open' | 'changed'>;

/** A stored alert, and the episode that it is part of. */
export type Part = readonly [alert: Alert, of: Episode];

/** An episode, and the stored alerts of its rule and group. */
type Known = readonly [of: Episode, alike: readonly Alert[]];

export interface KnownAlertsOptions {
  readonly sink: Pick<AlertSink, 'alertsSince'>;
  readonly source: Pick<Source, 'caughtUp'>;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
}

/** How far this process has read. */
export interface Reading {
  /** First offset of a partition that is not processed yet. */
  readonly nextOffset: (partition: number) => number | undefined;
  /** Whether this process has written nothing of an episode. */
  readonly isNew: (episode: Episode) => boolean;
}

/**
 * The stored alerts, from the query until everything that may be part of them was read again: all that was in the log
 * when the partitions were assigned, because alerts are stored before their events are committed.
 */
export class KnownAlerts {
  readonly #options: KnownAlertsOptions;
  #stored: readonly Alert[] | undefined;
  #partitions: readonly AssignedPartition[] = [];

  constructor(options: KnownAlertsOptions) {
    this.#options = options;
  }

  /** `sinceOf`: from when on stored alerts of a rule may continue in what is read. */
  async ask(
    partitions: readonly AssignedPartition[],
    { correlations }: RuleSet,
    sinceOf: (rule: CorrelationRule) => number,
    signal: AbortSignal,
  ): Promise<void> {
    this.#partitions = partitions;
    const since = new Map(correlations.filter(raisesAlerts).map((rule) => [rule.key, sinceOf(rule)]));
    this.#stored = await this.#options.sink.alertsSince?.(since, signal);
  }

  forget(): void {
    this.#stored = undefined;
  }

  get areThere(): boolean {
    return this.#stored !== undefined;
  }

  /**
   * Whether alerts wait for the rest of their events, among those committed before. These may no longer exist: then
   * there is nothing to wait for. `assignedAt`: by the clock's `elapsed`.
   */
  areAwaited(partitions: readonly AssignedPartition[], assignedAt: number): boolean {
    if (this.#stored === undefined) return false;
    const { source, clock, idleTimeoutMs } = this.#options;
    const isOver = partitions.every(({ partition }) => source.caughtUp?.(partition) ?? true);
    return !isOver || clock.elapsed() - assignedAt < idleTimeoutMs;
  }

  /** Like `takeStoredIds`, but takes each stored alert once. */
  take(tracker: Tracked, { nextOffset, isNew }: Reading): Part[] {
    const stored = this.#stored ?? [];
    const taken = new Set<string>();
    const parts = stored.length === 0 ? [] : takeStoredIds(tracker, stored, isNew, taken);
    const left = stored.filter(({ alertId }) => !taken.has(alertId));
    this.#stored = left.length === 0 || this.#isAllRead(nextOffset) ? undefined : left;
    return parts;
  }

  #isAllRead(nextOffset: Reading['nextOffset']): boolean {
    const { source } = this.#options;
    return this.#partitions.every(
      ({ partition, endOffset = 0 }) =>
        (nextOffset(partition) ?? 0) >= endOffset || source.caughtUp?.(partition) === true,
    );
  }
}

/**
 * Gives episodes the ids under which they are stored, and returns the other stored alerts that belong to them. An
 * episode already written keeps its id. Adds the ids of both kinds to `taken`.
 */
export function takeStoredIds(
  { open, changed }: Tracked,
  stored: readonly Alert[],
  isNew: (episode: Episode) => boolean = () => true,
  taken: Set<string> = new Set(),
): Part[] {
  const episodes = new Set([...open, ...changed]);
  const known = knownOf(episodes, stored);
  for (const episode of episodes) if (!isNew(episode)) taken.add(episode.alertId);
  const renamed = renameKnown(known, taken);
  for (const episode of episodes) {
    episode.inhibitedBy = renamed.get(episode.inhibitedBy) ?? episode.inhibitedBy;
    episode.mergedInto = renamed.get(episode.mergedInto) ?? episode.mergedInto;
    // It opened once more and joined the episode that now has this id.
    if (episode.status === 'merged' && isNew(episode) && taken.has(episode.alertId)) changed.delete(episode);
  }
  return partsOf(known, taken);
}

/** In the order of their crossings. */
function knownOf(episodes: ReadonlySet<Episode>, stored: readonly Alert[]): readonly Known[] {
  const byGroup = Map.groupBy(stored, ({ rule, group }) => groupKey(rule, group));
  const known: Known[] = [];
  for (const episode of episodes) {
    const alike = byGroup.get(groupKey(episode.of.rule.key, episode.group.fields));
    if (alike !== undefined && episode.status !== 'merged') known.push([episode, alike]);
  }
  return known.sort(([a], [b]) => a.crossedAt - b.crossedAt);
}

/** Episodes stored under another id go on under that one; returns id → id. Adds to `taken`. */
function renameKnown(known: readonly Known[], taken: Set<string>): ReadonlyMap<string, string> {
  for (const [{ alertId }, alike] of known) {
    if (alike.some((alert) => alert.alertId === alertId)) taken.add(alertId);
  }
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
  return renamed;
}

/** Alerts not yet taken go to the first episode that overlaps with them. Adds to `taken`. */
function partsOf(known: readonly Known[], taken: Set<string>): Part[] {
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
