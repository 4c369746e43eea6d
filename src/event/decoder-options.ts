/** Options of all decoders, and their defaults. */

import type { Mapping } from './mapping/mapping.ts';
import type { FieldTable } from './record.ts';

export interface DecoderOptions {
  /** The wanted fields; frozen by the decoder. */
  readonly fields: FieldTable;
  /** Dotted path of the event time. Default `@timestamp`. */
  readonly timestampField?: string | undefined;
  /** Refuse events without a time (`NO_TIME`); otherwise their time is NaN. */
  readonly timeRequired: boolean;
  /** Larger events are refused unread (`TOO_LARGE`). Default 1 MiB. */
  readonly maxEventBytes?: number | undefined;
  /** Dotted paths of the fields that hold persons' ids. Default `portal.records.ids`. */
  readonly personFields?: readonly string[] | undefined;
  /** 16 secret bytes: the key under which persons' ids are hashed. */
  readonly pseudonymKey: Uint8Array;
  /** How lines of another log become events. Without a mapping, lines are events. */
  readonly mapping?: Mapping | undefined;
}

/** How the lines of a log become events, where nothing is stored: without a key, ids are hashed under a fixed one. */
export type LineOptions = { readonly [K in keyof Lines]?: Lines[K] | undefined };

type Lines = Omit<DecoderOptions, 'fields' | 'timeRequired'>;

export const DEFAULT_TIMESTAMP_FIELD = '@timestamp';
export const DEFAULT_PERSON_FIELDS: readonly string[] = Object.freeze(['portal.records.ids']);
export const DEFAULT_MAX_EVENT_BYTES = 1024 * 1024;

/** Events with more brackets open at once are refused (`TOO_DEEP`), so that all recursion stays bounded. */
export const MAX_DEPTH = 512;
