/** Where results go. A resolved promise means acknowledged: durable in the sink, or on this machine's disk. */

import type { Alert } from '../alert/alert.ts';
import type { DeadLetterCode } from '../event/decoder.ts';

/** One row of the optional archive. Person ids are pseudonyms (16 hex digits). */
export interface ArchivedEvent {
  readonly eventId: string;
  readonly time: number;
  /**
   * The archived fields by dotted path, with values as text or lists of text. An empty list: the event has the field
   * without any text (null). Absent fields are left out.
   */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
}

export type StoredAlerts = ReadonlyMap<string, Pick<Alert, 'detectedAt' | 'version'>>;

export interface AlertSink {
  /** Connects and applies missing migrations; may wait for a server until the signal aborts. */
  open(signal?: AbortSignal): Promise<void>;
  /**
   * Those of the given alerts that are stored, by id, so that a replay keeps the first detection and its final states
   * supersede stored ones; undefined if that cannot be told now.
   */
  stored(alertIds: readonly string[], signal?: AbortSignal): Promise<StoredAlerts | undefined>;
  /**
   * Alerts with a last event at or after the time given for their rule's key, except merged alerts and those that ended
   * with their rules; undefined if that cannot be told now.
   */
  alertsSince?(
    sinceMs: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<readonly Alert[] | undefined>;
  /** Idempotent by (alertId, version). Retries retryable failures until the signal aborts. */
  writeAlerts(alerts: readonly Alert[], signal?: AbortSignal): Promise<void>;
  writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** The original bytes, untouched. Owned by the dead letter. */
  readonly bytes: Uint8Array;
}

export interface DeadLetterSink {
  /**
   * Resolves once the letters are durable; the caller commits offsets only after that. Retries, if any, go on until the
   * signal aborts.
   */
  write(letters: readonly DeadLetter[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
