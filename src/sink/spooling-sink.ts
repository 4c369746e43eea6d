/**
 * A sink that keeps taking rows while ClickHouse is away: they wait in a spool on the disk and are sent once it is
 * back, alerts first. While nothing waits, rows go straight to ClickHouse and the disk is not touched.
 *
 * Guarantee: a write resolves when its rows are in ClickHouse or on the disk. Rows of one table reach ClickHouse in the
 * order of their writes; none is lost, and some may be sent twice. If the spool is full, the caller waits for room.
 */

import type { Alert } from '../alert/alert.ts';
import { following } from '../alert/episode.ts';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import type { SinkTable } from './clickhouse-sink.ts';
import { ownFailure, systemSleep, withRetries } from './retry.ts';
import type { RetryOptions, Sleep } from './retry.ts';
import type { AlertSink, ArchivedEvent, StoredAlerts } from './sink.ts';
import type { DiskSpool } from './spool/disk-spool.ts';
import { recordTexts } from './spool/record.ts';
import type { Spool } from './spool/spool.ts';

/** `direct`: nothing waits. `away`: rows go to the disk. `sending`: they still do, while waiting rows are sent. */
export type SpoolState = 'direct' | 'away' | 'sending';

type OnRetry = RetryOptions['onRetry'];

export interface SpoolingSinkHooks {
  readonly onState?: (state: SpoolState) => void;
  /** Rows were written to the disk. */
  readonly onSpooled?: (rows: number, table: SinkTable) => void;
  /** The size of the spool, or the age of its oldest rows, changed. */
  readonly onSize?: () => void;
  /** The spool cannot take rows now; the caller waits. */
  readonly onSpoolRetry?: OnRetry;
  readonly onSpoolRecovered?: () => void;
  /** ClickHouse is away, or refuses waiting rows until somebody repairs the cause; either is retried. */
  readonly onRefused?: OnRetry;
}

export interface SpoolingSinkOptions {
  readonly sink: AlertSink;
  /** Closed with the sink. */
  readonly spool: DiskSpool;
  readonly clock: Clock;
  readonly hooks?: SpoolingSinkHooks;
  /** How long ClickHouse may take, retries included, before rows go to the disk instead, ms. Default 5000. */
  readonly patienceMs?: number;
  readonly sleep?: Sleep;
}

const describe = (thrown: unknown): VigieError => ownFailure('SPOOL_FAILED', 'the spool failed', thrown);
/** Longest delay between two attempts to write to a full disk, ms. */
const MAX_DISK_DELAY_MS = 5000;

export class SpoolingSink implements AlertSink {
  readonly #sink: AlertSink;
  readonly #spool: DiskSpool;
  readonly #clock: Clock;
  readonly #hooks: SpoolingSinkHooks;
  readonly #patienceMs: number;
  readonly #sleep: Sleep;
  readonly #closing = new AbortController();
  /** Writes in progress, wherever their rows go. */
  readonly #writing = new Set<Promise<void>>();
  #state: SpoolState = 'away';
  /** Whether the schema is known to exist. */
  #opened = false;
  /** Writes to the disk in progress: until they end, no row may overtake them. */
  #writers = 0;
  #sending: Promise<void> | undefined;

  constructor({
    sink,
    spool,
    clock,
    hooks = {},
    patienceMs = 5000,
    sleep = systemSleep,
  }: SpoolingSinkOptions) {
    this.#sink = sink;
    this.#spool = spool;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#patienceMs = patienceMs;
    this.#sleep = sleep;
  }

  /** Does not wait for a server that is away. Throws failures that somebody must repair before the start. */
  async open(signal?: AbortSignal): Promise<void> {
    try {
      await this.#patiently(signal, (patience) => this.#sink.open(patience));
      this.#opened = true;
    } catch (error) {
      const late = error instanceof VigieError && error.code === 'SINK_ABORTED';
      if (!late || signal?.aborted === true) throw error;
    }
    this.#hooks.onSize?.();
    if (this.#opened && this.#spool.isEmpty) {
      this.#become('direct');
      return;
    }
    if (!this.#opened) this.#hooks.onState?.('away');
    this.#wake();
  }

  async stored(alertIds: readonly string[], signal?: AbortSignal): Promise<StoredAlerts | undefined> {
    if (this.#state !== 'direct') return undefined;
    return this.#directly(signal, (patience) => this.#sink.stored(alertIds, patience));
  }

  async alertsSince(
    sinceMs: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<readonly Alert[] | undefined> {
    if (this.#state !== 'direct') return undefined;
    return this.#directly(signal, async (patience) => this.#sink.alertsSince?.(sinceMs, patience));
  }

  writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void> {
    const directly = (patience: AbortSignal): Promise<void> => this.#sink.writeAlerts(alerts, patience);
    return this.#awaited(this.#write(this.#spool.alerts, 'alerts', alerts, signal, directly));
  }

  writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void> {
    const directly = (patience: AbortSignal): Promise<void> => this.#sink.writeEvents(events, patience);
    return this.#awaited(this.#write(this.#spool.events, 'access_events', events, signal, directly));
  }

  /** Resolves when no rows wait any more, or the signal aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    const stopped = new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    while (!signal.aborted && this.#sending !== undefined) await Promise.race([this.#sending, stopped]);
  }

  /** Waits until writes in progress are on the disk or fail. Rows that wait there stay for the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#writing);
    await this.#sending;
    await this.#sink.close().finally(() => this.#spool.close());
  }

  /** Lets closing wait for the write. */
  #awaited(write: Promise<void>): Promise<void> {
    const writing = write.finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
    return writing;
  }

  async #write(
    part: Spool,
    table: SinkTable,
    rows: readonly unknown[],
    signal: AbortSignal | undefined,
    directly: (patience: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (rows.length === 0) return;
    if (this.#state === 'direct') {
      const done = await this.#directly(signal, async (patience) => {
        await directly(patience);
        return true;
      });
      if (done === true) return;
    }
    this.#writers += 1;
    try {
      for (const text of recordTexts(rows)) {
        await withRetries(() => part.append(text, this.#clock.now()), {
          doing: 'writing to the spool',
          describe,
          onRetry: (...failure) => this.#hooks.onSpoolRetry?.(...failure),
          onRecovered: () => this.#hooks.onSpoolRecovered?.(),
          signal,
          // Closing ends the wait for room, but leaves each row its first attempt.
          sleep: (ms) => this.#sleep(ms, this.#orClosing(signal)),
          random: Math.random,
          maxMs: MAX_DISK_DELAY_MS,
        });
        this.#hooks.onSize?.();
      }
      this.#hooks.onSpooled?.(rows.length, table);
    } finally {
      this.#writers -= 1;
      this.#wake();
    }
  }

  /** Returns ClickHouse's answer; undefined if it refused or did not answer in time, after which rows are spooled. */
  async #directly<T>(
    signal: AbortSignal | undefined,
    work: (patience: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await this.#patiently(signal, work);
    } catch (error) {
      if (signal?.aborted === true || !(error instanceof VigieError)) throw error;
      this.#opened = false;
      this.#become('away');
      this.#wake();
      return undefined;
    }
  }

  /** Rejects with SINK_ABORTED if the work takes too long. */
  async #patiently<T>(
    signal: AbortSignal | undefined,
    work: (patience: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), this.#patienceMs);
    try {
      return await work(this.#orClosing(patience.signal, signal));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Aborts with any of these, and when the sink is closed. */
  #orClosing(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
    return AbortSignal.any([this.#closing.signal, ...signals.filter((signal) => signal !== undefined)]);
  }

  /** Makes sure that waiting rows are being sent, or that ClickHouse's return will be noticed. */
  #wake(): void {
    if (this.#sending !== undefined || this.#state === 'direct' || this.#closing.signal.aborted) return;
    this.#sending = this.#send()
      .catch(() => {})
      .finally(() => {
        this.#sending = undefined;
        // Writes still in progress wake it when they end.
        if (this.#writers === 0) this.#wake();
      });
  }

  /** Rejects only on close: all other failures are retried, since the rows are safe on the disk. */
  async #send(): Promise<void> {
    const { signal } = this.#closing;
    do {
      await withRetries(() => this.#sendSome(signal), {
        describe,
        always: true,
        onRetry: (...failure) => {
          this.#opened = false;
          this.#become('away');
          this.#hooks.onRefused?.(...failure);
        },
        signal,
        sleep: this.#sleep,
        random: Math.random,
      });
      this.#become('sending');
    } while (!this.#spool.isEmpty);
    if (this.#writers === 0) this.#become('direct');
  }

  async #sendSome(signal: AbortSignal): Promise<void> {
    if (!this.#opened) await this.#sink.open(signal);
    this.#opened = true;
    const { alerts, events } = this.#spool;
    const waiting = await alerts.first();
    if (waiting !== undefined) {
      await this.#sendAlerts(waiting.rows as readonly Alert[], signal);
      await alerts.drop(waiting);
    } else {
      const archived = await events.first();
      if (archived === undefined) return;
      await this.#sink.writeEvents(archived.rows as readonly ArchivedEvent[], signal);
      await events.drop(archived);
    }
    this.#hooks.onSize?.();
  }

  /** What is stored could not be looked up when the alerts were spooled. */
  async #sendAlerts(rows: readonly Alert[], signal: AbortSignal): Promise<void> {
    const alerts = newestStates(rows);
    const stored = await this.#sink.stored([...alerts.keys()], signal);
    const states = [...alerts.values()].map((alert) => following(alert, stored?.get(alert.alertId)));
    await this.#sink.writeAlerts(states, signal);
  }

  #become(state: SpoolState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#hooks.onState?.(state);
  }
}

/** The last state of each alert, with its earliest detection. */
function newestStates(rows: readonly Alert[]): Map<string, Alert> {
  const newest = new Map<string, Alert>();
  for (const row of rows) {
    const other = newest.get(row.alertId) ?? row;
    const last = other.version > row.version ? other : row;
    newest.set(row.alertId, { ...last, detectedAt: Math.min(row.detectedAt, other.detectedAt) });
  }
  return newest;
}
