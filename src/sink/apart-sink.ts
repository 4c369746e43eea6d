/**
 * A sink that sets aside single rows that ClickHouse refuses for their content, so that they neither block other rows
 * nor come back after a restart. If many rows are refused, the table was changed, and the error is thrown.
 */

import type { Alert } from '../alert/alert.ts';
import type { VigieError } from '../errors.ts';
import type { SinkTable } from './clickhouse-sink.ts';
import type { RefusedRows } from './refused-rows.ts';
import { sendApart } from './send-apart.ts';
import type { AlertSink, ArchivedEvent, StoredAlerts } from './sink.ts';

/** Called when a row was refused with this error and now lies in this file. */
export type OnSetAside = (error: VigieError, table: SinkTable, path: string) => void;

export class ApartSink implements AlertSink {
  readonly #sink: AlertSink;
  readonly #refused: RefusedRows;
  readonly #onSetAside: OnSetAside;

  /** Closing this sink closes both. */
  constructor(sink: AlertSink, refused: RefusedRows, onSetAside: OnSetAside) {
    this.#sink = sink;
    this.#refused = refused;
    this.#onSetAside = onSetAside;
  }

  open(signal?: AbortSignal): Promise<void> {
    return this.#sink.open(signal);
  }

  stored(alertIds: readonly string[], signal?: AbortSignal): Promise<StoredAlerts | undefined> {
    return this.#sink.stored(alertIds, signal);
  }

  async alertsSince(
    sinceMs: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<readonly Alert[] | undefined> {
    return this.#sink.alertsSince?.(sinceMs, signal);
  }

  writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void> {
    return this.#write('alerts', alerts, (some) => this.#sink.writeAlerts(some, signal));
  }

  writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void> {
    return this.#write('access_events', events, (some) => this.#sink.writeEvents(some, signal));
  }

  async close(): Promise<void> {
    await this.#sink.close().finally(() => this.#refused.close());
  }

  async #write<Row extends Alert | ArchivedEvent>(
    table: SinkTable,
    rows: readonly Row[],
    send: (some: readonly Row[]) => Promise<void>,
  ): Promise<void> {
    for (const { row, error } of await sendApart(rows, send)) {
      this.#onSetAside(error, table, await this.#refused.setAside(table, row));
    }
  }
}
