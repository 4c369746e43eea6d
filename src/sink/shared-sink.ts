/**
 * One sink for several pipelines. It makes one call at a time, as a sink expects, and combines waiting calls of a kind,
 * so ClickHouse gets few large inserts however many pipelines there are.
 */

import type { Alert } from '../alert/alert.ts';
import type { AlertSink, ArchivedEvent, StoredAlerts } from './sink.ts';

export class SharedSink implements AlertSink {
  readonly #sink: AlertSink;
  readonly #turns = new Turns();
  readonly #ids: Gathered<string, StoredAlerts | undefined>;
  readonly #alerts: Gathered<Alert, void>;
  readonly #events: Gathered<ArchivedEvent, void>;

  constructor(sink: AlertSink) {
    this.#sink = sink;
    this.#ids = new Gathered(this.#turns, (ids, signal) => sink.stored(ids, signal));
    this.#alerts = new Gathered(this.#turns, (alerts, signal) => sink.writeAlerts(alerts, signal));
    this.#events = new Gathered(this.#turns, (events, signal) => sink.writeEvents(events, signal));
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

  alertsSince(
    sinceMs: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<readonly Alert[] | undefined> {
    return this.#turns.take(async () => this.#sink.alertsSince?.(sinceMs, signal));
  }

  writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void> {
    return this.#alerts.call(alerts, signal);
  }

  writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void> {
    return this.#events.call(events, signal);
  }
}

/** Runs one call after another. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(call);
    this.#last = answer.catch(() => undefined);
    return answer;
  }
}

/** Calls of one kind: those that wait for their turn are combined into one. */
class Gathered<Item, Answer> {
  readonly #turns: Turns;
  readonly #work: (items: readonly Item[], signal: AbortSignal | undefined) => Promise<Answer>;
  #waiting: Item[] = [];
  #signal: AbortSignal | undefined;
  #answer: Promise<Answer> | undefined;

  constructor(
    turns: Turns,
    work: (items: readonly Item[], signal: AbortSignal | undefined) => Promise<Answer>,
  ) {
    this.#turns = turns;
    this.#work = work;
  }

  call(items: readonly Item[], signal: AbortSignal | undefined): Promise<Answer> {
    this.#waiting.push(...items);
    // All pipelines stop together.
    this.#signal = signal;
    this.#answer ??= this.#turns.take(() => {
      const together = this.#waiting;
      this.#waiting = [];
      this.#answer = undefined;
      return this.#work(together, this.#signal);
    });
    return this.#answer;
  }
}
