/**
 * Tells of alerts what was not told yet. The database is the outbox: alerts are read from it, and that one was told of is
 * an action of it, so no kill, no failing receiver and no failing database loses one.
 *
 * Guarantee: at least once. Killed between delivery and its record, it delivers again, with the same id.
 */

import { backoffMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import type { Level } from '../sigma/rule.ts';
import type { AlertStore } from '../sink/alert-store.ts';
import { type Notification, notificationOf, TOLD, type Told } from './notification.ts';
import type { Deliver } from './webhook.ts';

export interface NotifierOptions {
  readonly connect: () => Promise<AlertStore>;
  readonly deliver: Deliver;
  /** Name under which it is on record. */
  readonly actor: string;
  readonly levels: readonly Level[];
  /** Alerts that were detected longer ago are not told of any more, ms. */
  readonly maxAgeMs: number;
  /** An alert that nobody acknowledges is told of once more after this time, ms; Infinity: never. */
  readonly remindAfterMs: number;
  readonly told: (type: Told, alertId: string) => void;
  readonly failed: (error: VigieError, alertId: string | undefined) => void;
  /** It became too old while its opening could not be told. */
  readonly leftOut: (alertId: string) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

const AT_ONCE = 100;
/** A receiver that asks for more is tried again all the same: whoever reads the alerts cannot wait for a day. */
const LONGEST_PAUSE_MS = 10 * 60_000;
/** Between two tries of a notification that its receiver does not take. */
const REFUSED = { baseMs: 10_000, maxMs: 10 * 60_000 };

interface Tries {
  readonly attempts: number;
  /** By the clock's elapsed time, ms. */
  readonly dueAt: number;
}

export class Notifier {
  readonly #options: NotifierOptions;
  /** Until then the receiver asked to be left alone, by the clock's elapsed time, ms. */
  #pausedUntil = -Infinity;
  /** Of notifications that failed, by their id. */
  readonly #tries = new Map<string, Tries>();
  /** Ids of notifications that were delivered, and of which there is no record yet. */
  readonly #unrecorded = new Set<string>();
  /** What was detected at or after this was looked for, ms since the epoch; moves on when all of it was gone through. */
  #since = Infinity;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** Tells of all that waits. True when all of it was told; what was not is tried again at the next call. */
  async round(stop: AbortSignal): Promise<boolean> {
    let all = true;
    const attempt = async (work: () => Promise<boolean>): Promise<void> => {
      try {
        all = (await work()) && all;
      } catch (error) {
        all = false;
        if (stop.aborted) return;
        if (!(error instanceof VigieError)) throw error;
        this.#options.failed(error, undefined);
      }
    };
    await attempt(async () => {
      const store = await this.#options.connect();
      try {
        // Each for itself: what opened and cannot be told must not keep back what ended.
        for (const type of TOLD) {
          if (type !== 'unacknowledged' || this.#options.remindAfterMs < Infinity)
            await attempt(() => this.#tell(type, store, stop));
        }
      } finally {
        await store.close();
      }
      return true;
    });
    return all;
  }

  /** Throws what stops all of this type: the receiver or the database is away. */
  async #tell(type: Told, store: AlertStore, stop: AbortSignal): Promise<boolean> {
    const { levels, maxAgeMs, remindAfterMs, clock, actor, leftOut } = this.#options;
    const oldest = clock.now() - maxAgeMs;
    this.#since = Math.min(this.#since, oldest);
    const since = type === 'opened' ? this.#since : oldest;
    const before = type === 'unacknowledged' ? clock.now() - remindAfterMs : undefined;
    let after: string | undefined;
    let all = true;
    let notRecorded: unknown;
    const tooOld: string[] = [];
    for (;;) {
      const question = { type, levels: [...levels], since, before, after, limit: AT_ONCE };
      const waiting = await store.untold(question);
      const notifications = waiting.map((alert) => ({ alert, ...notificationOf(alert, type) }));
      // The receiver may fail on one of them alone: what failed least comes first.
      for (const { alert, ...notification } of notifications.toSorted(
        (a, b) => this.#attempts(a.id) - this.#attempts(b.id) || a.alert.detectedAt - b.alert.detectedAt,
      )) {
        stop.throwIfAborted();
        if (type === 'opened' && alert.detectedAt < oldest && !this.#unrecorded.has(notification.id)) {
          tooOld.push(alert.alertId);
          this.#tries.delete(notification.id);
          continue;
        }
        if (!(await this.#deliver(notification, type, alert.alertId, stop))) {
          all = false;
          continue;
        }
        // Who can be told is told, also by a database that takes no record of it.
        if (notRecorded !== undefined) continue;
        await store.act({ alertId: alert.alertId, action: 'notify', actor, reason: type }).then(
          () => this.#unrecorded.delete(notification.id),
          (error: unknown) => {
            notRecorded = error;
          },
        );
      }
      if (waiting.length < AT_ONCE) break;
      after = waiting.at(-1)!.alertId;
    }
    if (notRecorded !== undefined) throw notRecorded;
    for (const alertId of tooOld) leftOut(alertId);
    if (type === 'opened') this.#since = oldest;
    return all;
  }

  /** False when the receiver does not take it, or it is too early to try again. Throws when the receiver is away. */
  async #deliver(
    notification: Notification,
    type: Told,
    alertId: string,
    stop: AbortSignal,
  ): Promise<boolean> {
    const { clock, random, told, failed, deliver } = this.#options;
    const { id } = notification;
    if (this.#unrecorded.has(id)) return true;
    if (clock.elapsed() < Math.max(this.#pausedUntil, this.#tries.get(id)?.dueAt ?? 0)) return false;
    try {
      await deliver(notification, stop);
    } catch (error) {
      const attempts = this.#attempts(id) + 1;
      const isRefused = error instanceof VigieError && error.code === 'WEBHOOK_REFUSED';
      const waitMs = isRefused ? backoffMs(attempts, { random, ...REFUSED }) : 0;
      this.#tries.set(id, { attempts, dueAt: clock.elapsed() + waitMs });
      if (error instanceof VigieError && error.retryAfterMs !== undefined)
        this.#pausedUntil = clock.elapsed() + Math.min(error.retryAfterMs, LONGEST_PAUSE_MS);
      if (!isRefused) throw error;
      failed(error, alertId);
      return false;
    }
    this.#tries.delete(id);
    this.#unrecorded.add(id);
    told(type, alertId);
    return true;
  }

  #attempts(id: string): number {
    return this.#tries.get(id)?.attempts ?? 0;
  }
}
