/**
 * Writes alerts and archived events to ClickHouse, at least once, as idempotent rows. A call resolves when ClickHouse
 * has taken everything. A failure that may pass is retried until the signal aborts, so nothing is dropped and the
 * waiting caller is the backpressure; any other failure rejects with a VigieError that says what to repair.
 */

import type { Alert } from '../alert/alert.ts';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import { ALERT_SELECT_LIST, alertFromRow, alertToRow } from './alert-row.ts';
import { clickHouseFailure } from './classify.ts';
import type { ClickHouse } from './client.ts';
import { ddlOf } from './ddl.ts';
import { eventInserts, eventToRow } from './event-row.ts';
import { insertRows, selectRows } from './json-rows.ts';
import { migrate } from './migrate.ts';
import { systemSleep, withRetries } from './retry.ts';
import type { Sleep } from './retry.ts';
import type { AlertSink, ArchivedEvent, StoredAlerts } from './sink.ts';

export interface SinkHooks {
  /** A failure that is retried after `delayMs`; attempts count from 1. */
  readonly onRetry?: (error: VigieError, attempt: number, delayMs: number) => void;
  /** A retry succeeded, of a write or a query: ClickHouse is back. */
  readonly onRecovered?: () => void;
  /** One insert was acknowledged after `seconds`, retries included. */
  readonly onBatch?: (rows: number, seconds: number, table: SinkTable) => void;
  /** Tables, views and columns (`table.column`) that somebody dropped; they were created again, empty. */
  readonly onGone?: (tables: readonly string[]) => void;
  /** The retention of events already stored changes to `days`; 0 is for ever. */
  readonly onArchiveDays?: (former: number, days: number) => void;
  /** A failure that is not retried. */
  readonly onError?: (error: VigieError) => void;
}

export type SinkTable = 'alerts' | 'access_events';

export interface ClickHouseSinkOptions {
  /** Retention of an event in days, from the later of its event time and archiving; 0 keeps it. Default: unchanged. */
  readonly archiveDays?: number | undefined;
  readonly hooks?: SinkHooks;
  readonly clock?: Clock;
  readonly sleep?: Sleep;
}

const MAX_ALERT_ROWS = 10_000;
const MAX_EVENT_ROWS = 50_000;
/** Half of ClickHouse's default limit on partitions (days) per insert. */
const MAX_EVENT_DAYS = 50;
/** Ids go into the query's URL: some 4 KB of the 8 KiB that proxies by default allow for a request line. */
const MAX_IDS_PER_QUERY = 100;

export class ClickHouseSink implements AlertSink {
  readonly #clickHouse: ClickHouse;
  readonly #archiveDays: number | undefined;
  readonly #hooks: SinkHooks;
  readonly #clock: Clock;
  readonly #sleep: Sleep;

  constructor(clickHouse: ClickHouse, options: ClickHouseSinkOptions = {}) {
    this.#clickHouse = clickHouse;
    this.#archiveDays = options.archiveDays;
    this.#hooks = options.hooks ?? {};
    this.#clock = options.clock ?? systemClock;
    this.#sleep = options.sleep ?? systemSleep;
  }

  /** Waits until the signal aborts for a server that is not up yet. */
  async open(signal?: AbortSignal): Promise<void> {
    const prepare = async (): Promise<void> => {
      const { gone } = await migrate(this.#clickHouse, this.#clock);
      if (gone.length > 0) this.#hooks.onGone?.(gone);
      await this.#setArchiveTtl();
    };
    // A request to a server cannot be cancelled, and the next start completes what is left half done.
    const leaves = this.#clickHouse.kind === 'server';
    await this.#retrying(`preparing database ${this.#clickHouse.database}`, signal, prepare, leaves);
  }

  async stored(alertIds: readonly string[], signal?: AbortSignal): Promise<StoredAlerts> {
    const found = new Map<string, { detectedAt: number; version: number }>();
    for (let start = 0; start < alertIds.length; start += MAX_IDS_PER_QUERY) {
      const ids = alertIds.slice(start, start + MAX_IDS_PER_QUERY);
      const rows = await this.#rows<{ id: string; at: number | string; newest: number | string }>(
        `SELECT alert_id AS id, toUnixTimestamp64Milli(min(detected_at)) AS at, max(version) AS newest
FROM ${this.#clickHouse.database}.alerts WHERE alert_id IN {ids:Array(String)} GROUP BY alert_id`,
        { ids },
        signal,
      );
      for (const { id, at, newest } of rows) {
        found.set(id, { detectedAt: Number(at), version: Number(newest) });
      }
    }
    return found;
  }

  async alertsSince(sinceMs: ReadonlyMap<string, number>, signal?: AbortSignal): Promise<readonly Alert[]> {
    const found: Alert[] = [];
    const asked = [...sinceMs];
    for (let start = 0; start < asked.length; start += MAX_IDS_PER_QUERY) {
      const some = asked.slice(start, start + MAX_IDS_PER_QUERY);
      const rows = await this.#rows<Record<string, unknown>>(
        `SELECT ${ALERT_SELECT_LIST}
FROM ${this.#clickHouse.database}.alerts FINAL
WHERE status != 'merged' AND resolution = '' AND rule IN {rules:Array(String)}
  AND toUnixTimestamp64Milli(last_event_at) >= transform(rule, {rules:Array(String)}, {since:Array(Int64)}, toInt64(0))
ORDER BY crossed_at, alert_id`,
        {
          rules: some.map(([rule]) => rule),
          since: some.map(([, timeMs]) => Math.max(0, Math.floor(timeMs))),
        },
        signal,
      );
      for (const row of rows) found.push(alertFromRow(row));
    }
    return found;
  }

  async writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void> {
    for (let start = 0; start < alerts.length; start += MAX_ALERT_ROWS) {
      const rows = alerts.slice(start, start + MAX_ALERT_ROWS).map(alertToRow);
      await this.#insert('alerts', rows, signal);
    }
  }

  async writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void> {
    for (const batch of eventInserts(events, MAX_EVENT_ROWS, MAX_EVENT_DAYS)) {
      await this.#insert('access_events', batch.map(eventToRow), signal);
    }
  }

  close(): Promise<void> {
    return this.#clickHouse.close();
  }

  async #insert(
    table: SinkTable,
    rows: readonly Record<string, unknown>[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const startedAt = this.#clock.elapsed();
    await this.#retrying(`writing ${rows.length} rows to ${table}`, signal, () =>
      insertRows(this.#clickHouse, table, rows, signal),
    );
    this.#hooks.onBatch?.(rows.length, (this.#clock.elapsed() - startedAt) / 1000, table);
  }

  #rows<Row>(query: string, params: Record<string, unknown>, signal?: AbortSignal): Promise<Row[]> {
    return this.#retrying('reading alerts', signal, () =>
      selectRows<Row>(this.#clickHouse, query, params, signal),
    );
  }

  async #retrying<T>(
    what: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    leaves = false,
  ): Promise<T> {
    const doing = `${what} at ${this.#clickHouse.place}`;
    try {
      return await withRetries(work, {
        doing,
        leaves,
        describe: (thrown) => clickHouseFailure(thrown, doing),
        onRetry: (error, attempt, delayMs) => this.#hooks.onRetry?.(error, attempt, delayMs),
        onRecovered: () => this.#hooks.onRecovered?.(),
        signal,
        sleep: this.#sleep,
        random: Math.random,
      });
    } catch (error) {
      if (error instanceof VigieError && error.code !== 'SINK_ABORTED') this.#hooks.onError?.(error);
      throw error;
    }
  }

  /** The TTL is configuration, not schema: it is changed only if it differs. */
  async #setArchiveTtl(): Promise<void> {
    const archiveDays = this.#archiveDays;
    // A process without an archive leaves others' retention alone.
    if (archiveDays === undefined) return;
    const { client, database } = this.#clickHouse;
    const [table] = await selectRows<{ days: string; rows: number | string | null }>(
      this.#clickHouse,
      `SELECT extract(create_table_query, 'TTL .*toIntervalDay\\\\((\\\\d+)\\\\)') AS days, total_rows AS rows
FROM system.tables WHERE database = {database:String} AND name = 'access_events'`,
      { database },
    );
    const wanted = archiveDays === 0 ? '' : String(archiveDays);
    if (table === undefined || table.days === wanted) return;
    await client.command({
      query: ddlOf(
        wanted === ''
          ? 'ALTER TABLE {database}.access_events REMOVE TTL'
          : `ALTER TABLE {database}.access_events MODIFY TTL greatest(toDateTime(time), archived_at) + toIntervalDay(${wanted})`,
        this.#clickHouse,
      ),
    });
    if (Number(table.rows) > 0) this.#hooks.onArchiveDays?.(Number(table.days), archiveDays);
  }
}
