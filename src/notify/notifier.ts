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
import { notificationOf, TOLD, type Told } from './notification.ts';
import type { Deliver } from './webhook.ts';

export interface NotifierOptions {
  readonly connect: () => Promise<AlertStore>;
  readonly deliver: Deliver;
  /** Name under which it is on record. */
  readonly actor: string;
  readonly levels: readonly Level[];
  /** Alerts that were detected longer ago are not told of any more, ms. */
  readonly maxAgeMs: number;
  readonly told: (type: Told, alertId: string) => void;
  readonly failed: (error: VigieError, alertId: string | undefined) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

const AT_ONCE = 100;
/** Between two tries of a notification that its receiver does not take. */
const REFUSED = { baseMs: 10_000, maxMs: 10 * 60_000 };

export class Notifier {
  readonly #options: NotifierOptions;
  /** Of refused notifications, by their id. */
  readonly #refused = new Map<string, { attempts: number; dueAt: number }>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** Tells of all that waits. True when all of it was told; what was not is tried again at the next call. */
  async round(stop: AbortSignal): Promise<boolean> {
    try {
      const store = await this.#options.connect();
      try {
        let all = true;
        for (const type of TOLD) all = (await this.#tell(type, store, stop)) && all;
        return all;
      } finally {
        await store.close();
      }
    } catch (error) {
      if (stop.aborted) return false;
      if (!(error instanceof VigieError)) throw error;
      this.#options.failed(error, undefined);
      return false;
    }
  }

  /** Throws what stops all: the receiver or the database is away. */
  async #tell(type: Told, store: AlertStore, stop: AbortSignal): Promise<boolean> {
    const { levels, maxAgeMs, clock, actor, told, failed, deliver } = this.#options;
    const since = clock.now() - maxAgeMs;
    let after: string | undefined;
    let all = true;
    for (;;) {
      const waiting = await store.untold({ type, levels: [...levels], since, after, limit: AT_ONCE });
      for (const alert of waiting.toSorted((a, b) => a.detectedAt - b.detectedAt)) {
        stop.throwIfAborted();
        const notification = notificationOf(alert, type);
        if (!this.#isDue(notification.id)) {
          all = false;
          continue;
        }
        try {
          await deliver(notification, stop);
        } catch (error) {
          if (!(error instanceof VigieError) || error.code !== 'WEBHOOK_REFUSED') throw error;
          this.#setBack(notification.id);
          failed(error, alert.alertId);
          all = false;
          continue;
        }
        this.#refused.delete(notification.id);
        await store.act({ alertId: alert.alertId, action: 'notify', actor, reason: type });
        told(type, alert.alertId);
      }
      if (waiting.length < AT_ONCE) return all;
      after = waiting.at(-1)!.alertId;
    }
  }

  #isDue(id: string): boolean {
    return this.#options.clock.elapsed() >= (this.#refused.get(id)?.dueAt ?? 0);
  }

  #setBack(id: string): void {
    const { clock, random } = this.#options;
    const attempts = (this.#refused.get(id)?.attempts ?? 0) + 1;
    this.#refused.set(id, { attempts, dueAt: clock.elapsed() + backoffMs(attempts, { random, ...REFUSED }) });
  }
}
