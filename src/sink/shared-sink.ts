/**
 * One sink for several pipelines. Its calls come one after the other, as a sink expects; what waits meanwhile of one
 * kind becomes one call, so ClickHouse gets few large inserts however many pipelines there are.
 */

import type { Alert } from '../alert/alert.ts';
import type { AlertSink, ArchivedEvent, StoredAlerts } from './sink.ts';

export class SharedSink implements AlertSink {
  readonly #sink: AlertSink;
  readonly #ids: Gathered<string, StoredAlerts | undefined>;
  readonly #since: Gathered<ReadonlyMap<string, number>, readonly Alert[] | undefined>;
  readonly #alerts: Gathered<Alert, void>;
  readonly #events: Gathered<ArchivedEvent, void>;

  constructor(sink: AlertSink) {
    this.#sink = sink;
    const turns = { last: Promise.resolve() };
    this.#ids = new Gathered(turns, (ids, signal) => sink.stored(ids, signal));
    this.#since = new Gathered(turns, async (asked, signal) => sink.alertsSince?.(earliest(asked), signal));
    this.#alerts = new Gathered(turns, (alerts, signal) => sink.writeAlerts(alerts, signal));
    this.#events = new Gathered(turns, (events, signal) => sink.writeEvents(events, signal));
  }

  open(signal?: AbortSignal): Promise<void> {
    return this.#sink.open(signal);
  }

  close(): Promise<void> {
    return this.#sink.close();
  }

  stored(ids: readonly string[], signal?: AbortSignal): Promise<StoredAlerts | undefined> {
    return this.#ids.call(ids, signal);
  }

  async alertsSince(
    sinceMs: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<readonly Alert[] | undefined> {
    const alerts = await this.#since.call([sinceMs], signal);
    return alerts?.filter(({ rule, lastEventAt }) => lastEventAt >= (sinceMs.get(rule) ?? Infinity));
  }

  writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void> {
    return this.#alerts.call(alerts, signal);
  }

  writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void> {
    return this.#events.call(events, signal);
  }
}

/** Of each rule the earliest time that anybody asks for. */
function earliest(asked: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const [rule, ms] of asked.flatMap((each) => [...each])) {
    times.set(rule, Math.min(ms, times.get(rule) ?? Infinity));
  }
  return times;
}

/** Calls of one kind: those that wait for their turn are made together. */
class Gathered<Item, Answer> {
  readonly #turns: { last: Promise<void> };
  readonly #work: (items: readonly Item[], signal: AbortSignal | undefined) => Promise<Answer>;
  #waiting: Item[] = [];
  #signal: AbortSignal | undefined;
  #answer: Promise<Answer> | undefined;

  constructor(
    turns: { last: Promise<void> },
    work: (items: readonly Item[], signal: AbortSignal | undefined) => Promise<Answer>,
  ) {
    this.#turns = turns;
    this.#work = work;
  }

  call(items: readonly Item[], signal: AbortSignal | undefined): Promise<Answer> {
    this.#waiting.push(...items);
    // All of a process stop together.
    this.#signal = signal;
    if (this.#answer === undefined) {
      const answer = this.#turns.last.then(() => {
        const together = this.#waiting;
        this.#waiting = [];
        this.#answer = undefined;
        return this.#work(together, this.#signal);
      });
      this.#answer = answer;
      this.#turns.last = answer.then(
        () => undefined,
        () => undefined,
      );
    }
    return this.#answer;
  }
}
