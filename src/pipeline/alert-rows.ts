/**
 * Alerts as rows: rendered as they stand, and dated by their first detection, whichever process made it.
 *
 * Guarantee: the detection time of an alert never changes once one of its rows is acknowledged; if the sink cannot tell
 * it, it is asked again with the alert's next row.
 */

import type { Alert } from '../alert/alert.ts';
import { type Episode, following, partOf, renderAlert } from '../alert/episode.ts';
import type { Evidence } from '../detect/evidence.ts';
import type { AlertSink, StoredAlerts } from '../sink/sink.ts';
import type { Part } from './known-alerts.ts';

/** A row to be written. */
export interface AlertRow {
  /** The episode shown; absent if the alert was stored before and is no longer an episode of its own. */
  readonly episode?: Episode;
  /** No row of this alert was acknowledged before. */
  readonly opened: boolean;
  readonly alert: Alert;
}

/** Whether an alert of this group is about a canary alone; `crossedAt` in ms since the epoch. */
export type IsCanary = (group: Alert['group'], crossedAt: number) => boolean;

export class AlertRows {
  /** Of episodes with an acknowledged row: first detection, and the version stored before this process. */
  readonly #stored = new WeakMap<Episode, Pick<Alert, 'detectedAt' | 'version'>>();
  #ruleHashes: ReadonlyMap<string, string>;
  readonly #isCanary: IsCanary;
  /** Episodes for which the sink could not tell whether they had been detected before. */
  readonly #undated = new WeakSet<Episode>();

  /** `ruleHashes`: of the rules in force, by key. `isCanary`: default, no alert is. */
  constructor(ruleHashes: ReadonlyMap<string, string>, isCanary: IsCanary = () => false) {
    this.#ruleHashes = ruleHashes;
    this.#isCanary = isCanary;
  }

  /** Other rules are now in force. */
  inForce(ruleHashes: ReadonlyMap<string, string>): void {
    this.#ruleHashes = ruleHashes;
  }

  isNew(episode: Episode): boolean {
    return !this.#stored.has(episode);
  }

  /** `is` stands for the same alert as `was`, in another engine. */
  handOver(was: Episode, is: Episode): void {
    const stored = this.#stored.get(was);
    if (stored !== undefined) this.#stored.set(is, stored);
    if (this.#undated.has(was)) this.#undated.add(is);
  }

  /** Rows of the episodes as they stand; `now`: when the new ones are detected, ms since the epoch. */
  render(episodes: readonly Episode[], now: number, evidence: Evidence): AlertRow[] {
    return episodes.map((episode) => ({
      episode,
      opened: this.isNew(episode),
      alert: renderAlert(
        episode,
        this.#stored.get(episode)?.detectedAt ?? now,
        evidence,
        this.#ruleHashes.get(episode.of.rule.key),
        this.#isCanary(episode.group.fields, episode.crossedAt),
      ),
    }));
  }

  /** Rows of stored alerts that turned out to be parts of an episode. */
  join(parts: readonly Part[]): AlertRow[] {
    return parts.map(([alert, episode]) => ({ opened: false, alert: partOf(alert, episode) }));
  }

  /** Writes the rows and returns what was acknowledged. Rejects as the sink does. */
  async write(rows: readonly AlertRow[], sink: AlertSink, signal: AbortSignal): Promise<AlertRow[]> {
    const asked = rows.flatMap(({ episode, opened }) =>
      episode && (opened || this.#undated.has(episode)) ? episode : [],
    );
    const ids = asked.map(({ alertId }) => alertId);
    const known = ids.length === 0 ? NONE : await sink.stored(ids, signal);
    for (const episode of asked) this.#undated[known === undefined ? 'add' : 'delete'](episode);
    const written = rows.map(({ alert, ...row }) => ({
      ...row,
      alert: following(alert, known?.get(alert.alertId) ?? (row.episode && this.#stored.get(row.episode))),
    }));
    await sink.writeAlerts(
      written.map(({ alert }) => alert),
      signal,
    );
    for (const { episode, alert } of written) {
      if (episode === undefined) continue;
      const { version = 0 } = known?.get(alert.alertId) ?? this.#stored.get(episode) ?? {};
      this.#stored.set(episode, { detectedAt: alert.detectedAt, version });
    }
    return written;
  }
}

const NONE: StoredAlerts = new Map();
