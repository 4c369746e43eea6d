/** Where results go. A promise that resolves means acknowledged: durable there, or on this machine's disk. */

import type { Alert } from '../alert/alert.ts';
import type { DeadLetterCode } from '../event/decoder.ts';

/** One row of the optional archive; person ids are pseudonyms (16 hex digits). */
export interface ArchivedEvent {
  readonly eventId: string;
  readonly time: number;
  /**
   * The archived fields by dotted path, values as text or lists of text: an empty list where the event has the field
   * and no text in it (null); absent fields left out.
   */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
}

export type StoredAlerts = ReadonlyMap<string, Pick<Alert, 'detectedAt' | 'version'>>;

export interface AlertSink {
  /** Connects and applies the migrations that are missing; may wait for a server until the signal aborts. */
  open(signal?: AbortSignal): Promise<void>;
  /**
   * Of those alerts that are already stored, by id, so that a replay keeps the first detection and ends what it ends;
   * undefined when that cannot be said now.
   */
  stored(alertIds: readonly string[], signal?: AbortSignal): Promise<StoredAlerts | undefined>;
  /**
   * Alerts that went on at this time or later, by the keys of their rules, but for merged ones and those that ended
   * with their rules; undefined when that cannot be said now.
   */
  alertsSince?(
    sinceMs: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<readonly Alert[] | undefined>;
  /** Idempotent by (alertId, version). Retries what is retryable until the signal aborts. */
  writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void>;
  writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly code: DeadLetterCode;
  readonly message: string;
  /** Topic or file. */
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** The original bytes, untouched. Owned by the dead letter. */
  readonly bytes: Uint8Array;
}

export interface DeadLetterSink {
  /** Acknowledged once durable; the caller commits offsets only after that. What is tried again is so until the signal aborts. */
  write(letters: readonly DeadLetter[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
