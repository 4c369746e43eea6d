/**
 * The sink as the service uses it: ClickHouse, behind a spool if one is configured. Reports on both to operators:
 * reasons for not being ready, metrics, log lines.
 */

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/settings.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { Part, Troubles } from '../metrics/troubles.ts';
import { ClickHouseSink } from './clickhouse-sink.ts';
import type { SinkTable } from './clickhouse-sink.ts';
import { ApartSink, type OnSetAside } from './apart-sink.ts';
import type { ClickHouse } from './client.ts';
import { RefusedRows } from './refused-rows.ts';
import type { RetryOptions } from './retry.ts';
import type { AlertSink } from './sink.ts';
import { DiskSpool } from './spool/disk-spool.ts';
import { SpoolingSink } from './spooling-sink.ts';
import type { SpoolState } from './spooling-sink.ts';

export interface OpenSinkOptions {
  readonly config: Config;
  /** Closed with the sink, and if opening it fails. */
  readonly clickHouse: ClickHouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Learns why the sink or the spool cannot store now. */
  readonly troubles: Troubles;
}

export interface OpenedSink {
  readonly sink: AlertSink;
  /** True if no row waits in a spool. */
  isClear(): boolean;
  /** Resolves when ClickHouse has everything, or the signal aborts. */
  drained(signal: AbortSignal): Promise<void>;
  /** Rows that wait stay in the spool. */
  close(): Promise<void>;
}

const TABLES: readonly SinkTable[] = ['alerts', 'access_events'];

/** Waits for ClickHouse until the signal aborts, unless there is a spool. Throws failures that somebody must repair. */
export async function openSink(options: OpenSinkOptions, stop: AbortSignal): Promise<OpenedSink> {
  const { data_dir: dataDir, spool: folder = dataDir } = options.config;
  const refused = new RefusedRows(join(folder, 'refused'));
  const direct = new ApartSink(clickHouseSink(options), refused, onSetAside(options));
  let behind: AlertSink = direct;
  for (const table of TABLES) options.metrics.rowsRefused.inc({ table }, 0);
  try {
    if (options.config.spool === undefined) {
      await direct.open(stop);
      return { sink: direct, isClear: () => true, drained: async () => {}, close: () => direct.close() };
    }
    const spool = await openSpool(options, options.config.spool);
    const sink = spoolingSink(options, direct, spool);
    behind = sink;
    await sink.open(stop);
    const close = async (): Promise<void> => {
      await sink.close();
      if (spool.isEmpty) return;
      options.logger.warn(
        { code: 'SPOOL_LEFT', spool: spool.folder, bytes: spool.bytes },
        'rows wait in the spool: the next start on this folder sends them',
      );
    };
    return { sink, isClear: () => spool.isEmpty, drained: (signal) => sink.drained(signal), close };
  } catch (error) {
    await behind.close();
    throw error;
  }
}

function clickHouseSink(options: OpenSinkOptions): ClickHouseSink {
  const { config, clickHouse, metrics, logger, clock, troubles } = options;
  return new ClickHouseSink(clickHouse, {
    archiveDays: config.archive ? config.archive_days : undefined,
    clock,
    hooks: {
      onRetry: tryingAgain(options, 'ClickHouse', 'sink'),
      onRecovered: () => troubles.set('sink', undefined),
      onBatch: (rows, seconds, table) => {
        metrics.sinkBatches.inc({ table });
        metrics.sinkRows.inc({ table }, rows);
        metrics.sinkSeconds.observe({ table }, seconds);
      },
      onGone: (tables) =>
        logger.error(
          { code: 'TABLE_GONE', tables, remedy: 'Restore what was in them from a backup.' },
          'tables, views or columns were dropped since the last start: they were made again, empty',
        ),
      onArchiveDays: (former, days) =>
        logger.warn(
          { code: 'ARCHIVE_DAYS_CHANGED', former, days },
          'events that are archived already are kept for other days than before (VIGIE_ARCHIVE_DAYS; 0: for ever)',
        ),
      onError: (error) => {
        troubles.set('sink', error);
        metrics.sinkErrors.inc({ code: error.code });
      },
    },
  });
}

async function openSpool({ config, metrics, logger }: OpenSinkOptions, folder: string): Promise<DiskSpool> {
  const spool = await DiskSpool.open({
    folder,
    maxBytes: config.spool_max,
    onTorn: (path, bytes) =>
      logger.warn(
        { code: 'SPOOL_TORN', path, bytes },
        'the end of the spool was cut off: a process was killed while it wrote that, and reads it from the source again',
      ),
  });
  metrics.spoolCapacity.set(spool.maxBytes);
  for (const table of TABLES) {
    metrics.spoolRows.inc({ table }, 0);
  }
  return spool;
}

function spoolingSink(options: OpenSinkOptions, direct: AlertSink, spool: DiskSpool): SpoolingSink {
  const { metrics, logger, clock, troubles } = options;
  return new SpoolingSink({
    sink: direct,
    spool,
    clock,
    hooks: {
      onState: (state) => {
        // Until an attempt says more.
        troubles.set('sink', state === 'away' ? 'CLICKHOUSE_AWAY: rows wait in the spool' : undefined);
        logger[state === 'away' ? 'warn' : 'info'](
          { spool: spool.folder, bytes: spool.bytes, maxBytes: spool.maxBytes },
          STATE_TEXTS[state],
        );
      },
      onSize: () => {
        metrics.spoolBytes.set(spool.bytes);
        metrics.spoolOldest.set((spool.oldestAt ?? 0) / 1000);
      },
      onSpooled: (rows, table) => metrics.spoolRows.inc({ table }, rows),
      onSpoolRetry: tryingAgain(options, 'spool', 'spool'),
      onSpoolRecovered: () => troubles.set('spool', undefined),
      onRefused: tryingAgain(options, 'what waits in the spool', 'sink'),
    },
  });
}

function onSetAside({ metrics, logger, troubles }: OpenSinkOptions): OnSetAside {
  return (error, table, path) => {
    // The other rows went through.
    troubles.set('sink', undefined);
    metrics.rowsRefused.inc({ table });
    logger.error(
      { code: error.code, remedy: error.remedy, table, path },
      `a row was refused and set aside: ${error.message}`,
    );
  };
}

/** Returns a hook that reports a retried failure. `what`: for people. */
export function tryingAgain(
  { metrics, logger, troubles }: Pick<OpenSinkOptions, 'metrics' | 'logger' | 'troubles'>,
  what: string,
  part: Part,
): RetryOptions['onRetry'] {
  return (error, attempt, delayMs) => {
    troubles.set(part, error);
    metrics.sinkRetries.inc({ code: error.code });
    logger.warn(
      { code: error.code, remedy: error.remedy, attempt, delayMs: Math.round(delayMs) },
      `${what}: ${error.message}; trying again`,
    );
  };
}

const STATE_TEXTS: Readonly<Record<SpoolState, string>> = {
  away: 'ClickHouse is away: rows wait in the spool',
  sending: 'ClickHouse is back: sending what waits in the spool',
  direct: 'nothing waits in the spool: rows go straight to ClickHouse',
};
