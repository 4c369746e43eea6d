/**
 * A sink that sets aside single rows which ClickHouse refuses for what they hold, so that they keep no other row from
 * its table and are not met again after a restart. When many are refused, the table was changed: that is thrown.
 */

import type { Alert } from '../alert/alert.ts';
import type { OnSetAside, RefusedRows } from './refused-rows.ts';
import type { AlertSink, ArchivedEvent } from './sink.ts';

export class ApartSink implements AlertSink {
  readonly #sink: AlertSink;
  readonly #refused: RefusedRows;
  readonly #onSetAside: OnSetAside;

  /** Both are closed with it. */
  constructor(sink: AlertSink, refused: RefusedRows, onSetAside: OnSetAside) {
    this.#sink = sink;
    this.#refused = refused;
    this.#onSetAside = onSetAside;
  }

  open(signal?: AbortSignal): Promise<void> {
    return this.#sink.open(signal);
  }

  detectedAt(
    alertIds: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, number> | undefined> {
    return this.#sink.detectedAt(alertIds, signal);
  }

  async alertsSince(timeMs: number, signal?: AbortSignal): Promise<readonly Alert[] | undefined> {
    return this.#sink.alertsSince?.(timeMs, signal);
  }

  writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void> {
    const send = (rows: readonly Alert[]) => this.#sink.writeAlerts(rows, signal);
    return this.#refused.sendOthers('alerts', alerts, send, this.#onSetAside);
  }

  writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void> {
    const send = (rows: readonly ArchivedEvent[]) => this.#sink.writeEvents(rows, signal);
    return this.#refused.sendOthers('access_events', events, send, this.#onSetAside);
  }

  async close(): Promise<void> {
    await this.#sink.close().finally(() => this.#refused.close());
  }
}
