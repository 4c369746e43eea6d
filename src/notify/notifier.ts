/**
 * Sends notifications that are still due. The database is the outbox: alerts are read from it, and each delivery is
 * recorded there as an action, so a kill, a failing receiver or a failing database loses nothing.
 *
 * Guarantee: at least once. A process killed between a delivery and its record delivers again, with the same id.
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
  /** Name under which deliveries are recorded. */
  readonly actor: string;
  readonly levels: readonly Level[];
  /** Alerts detected longer ago than this are no longer notified, ms. */
  readonly maxAgeMs: number;
  /** An alert that nobody acknowledges is notified once more after this time, ms; Infinity: never. */
  readonly remindAfterMs: number;
  readonly told: (type: Told, alertId: string) => void;
  readonly failed: (error: VigieError, alertId: string | undefined) => void;
  /** An alert grew too old before its opening could be delivered. */
  readonly leftOut: (alertId: string) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

const AT_ONCE = 100;
/** Upper bound on the pause a receiver may ask for: whoever reads the alerts cannot wait for a day. */
const LONGEST_PAUSE_MS = 10 * 60_000;
/** Backoff between attempts at a notification that the receiver refuses. */
const REFUSED = { baseMs: 10_000, maxMs: 10 * 60_000 };

interface Tries {
  readonly type: Told;
  readonly attempts: number;
  /** On the clock's elapsed time, ms. */
  readonly dueAt: number;
}

export class Notifier {
  readonly #options: NotifierOptions;
  /** The receiver asked for no deliveries until then, on the clock's elapsed time, ms. */
  #pausedUntil = -Infinity;
  #wasHeldBack = false;
  /** Failed notifications that are still due, by id. */
  readonly #tries = new Map<string, Tries>();
  /** Ids of notifications that were delivered but not recorded yet. */
  readonly #unrecorded = new Set<string>();
  /**
   * Detection time from which alerts have been looked up, ms since the epoch. Advances once a round has gone through
   * all of them.
   */
  #since = Infinity;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** True if the last round held something back because the receiver had asked to be left alone. */
  get wasHeldBack(): boolean {
    return this.#wasHeldBack;
  }

  /** Sends everything that is due. Returns true if all of it was delivered; the next call retries the rest. */
  async round(stop: AbortSignal): Promise<boolean> {
    let all = true;
    this.#wasHeldBack = false;
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
        // One type at a time: an opening that cannot be delivered must not hold back the end of another alert.
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

  /** Throws on a failure that stops this whole type: the receiver or the database is unreachable. */
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
    const due = new Set<string>();
    for (;;) {
      const question = { type, levels: [...levels], since, before, after, limit: AT_ONCE };
      const waiting = await store.untold(question);
      const notifications = waiting.map((alert) => ({ alert, ...notificationOf(alert, type) }));
      // The receiver may fail on one notification only, so those with the fewest failures go first.
      for (const { alert, ...notification } of notifications.toSorted(
        (a, b) => this.#attempts(a.id) - this.#attempts(b.id) || a.alert.detectedAt - b.alert.detectedAt,
      )) {
        stop.throwIfAborted();
        if (type === 'opened' && alert.detectedAt < oldest && !this.#unrecorded.has(notification.id)) {
          tooOld.push(alert.alertId);
          continue;
        }
        due.add(notification.id);
        if (!(await this.#deliver(notification, type, alert.alertId, stop))) {
          all = false;
          continue;
        }
        // Delivering goes on even if the database does not take the records.
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
    for (const [id, tries] of this.#tries) if (tries.type === type && !due.has(id)) this.#tries.delete(id);
    if (notRecorded !== undefined) throw notRecorded;
    for (const alertId of tooOld) leftOut(alertId);
    if (type === 'opened') this.#since = oldest;
    return all;
  }

  /**
   * Returns false if the receiver refuses the notification, or if it is too early to retry. Throws if the receiver is
   * unreachable.
   */
  async #deliver(
    notification: Notification,
    type: Told,
    alertId: string,
    stop: AbortSignal,
  ): Promise<boolean> {
    const { clock, random, told, failed, deliver } = this.#options;
    const { id } = notification;
    if (this.#unrecorded.has(id)) return true;
    if (clock.elapsed() < this.#pausedUntil) {
      this.#wasHeldBack = true;
      return false;
    }
    if (clock.elapsed() < (this.#tries.get(id)?.dueAt ?? 0)) return false;
    try {
      await deliver(notification, stop);
    } catch (error) {
      const attempts = this.#attempts(id) + 1;
      const isRefused = error instanceof VigieError && error.code === 'WEBHOOK_REFUSED';
      const waitMs = isRefused ? backoffMs(attempts, { random, ...REFUSED }) : 0;
      this.#tries.set(id, { type, attempts, dueAt: clock.elapsed() + waitMs });
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
