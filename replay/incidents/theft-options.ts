/**
 * The options of an incident beyond those of every scenario: how much is taken, how fast, when, by how many, and the
 * variants with which a theft evades rules.
 */

import { z } from 'zod';

import { parseDuration } from '../../src/sigma/duration.ts';
import { DAY_MS, SECOND_MS } from '../calendar.ts';
import { MAX_PAGE } from '../event-writer.ts';
import { duration, instant, integer, toNumber, usual } from '../options.ts';

/** A clock's error, ms, of either sign; written like a duration, with a minus for a clock that is behind. */
function clockError(most: number) {
  return z.preprocess(
    (value) => {
      if (typeof value !== 'string') return value;
      const parts = /^([-+]?)(.*)$/.exec(value.trim())!;
      const ms = parseDuration(parts[2]!);
      return ms === undefined ? value : parts[1] === '-' ? -ms : ms;
    },
    z
      .number('not a duration with or without a sign, such as 90s or -2m')
      .min(-most, `less than -${most / SECOND_MS} s`)
      .max(most, `more than ${most / SECOND_MS} s`)
      .transform(Math.round),
  );
}

/** Persons per second, or a multiple of the incident's own pace. */
export type Pace = number | { readonly times: number };

const PER: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Written `47` or `47/s`, `5/h`, `200/d`, or `0.5x` for a multiple of the incident's own pace. */
function pace() {
  return z.preprocess(
    (value) => {
      if (typeof value !== 'string') return value;
      const parts = /^\s*(\d[\d_]*(?:\.\d+)?)(?:(x)|\/([smhd]))?\s*$/.exec(value);
      if (parts === null) return value;
      const amount = toNumber(parts[1]!);
      return parts[2] === 'x' ? { times: amount } : amount / PER[parts[3] ?? 's']!;
    },
    z.custom<Pace>(
      (value) =>
        typeof value === 'number'
          ? value >= 1e-5 && value <= 100_000
          : isMultiple(value) && value.times >= 0.001 && value.times <= 1000,
      'not a pace such as 47 (a second), 80_000/h or 0.5x (half as fast as the incident was), within 1/d and 100000/s, 0.001x and 1000x',
    ),
  );
}

function isMultiple(value: unknown): value is { readonly times: number } {
  return typeof value === 'object' && value !== null && 'times' in value && typeof value.times === 'number';
}

/** When a theft reads: at any time, within working hours, or outside them. */
export type Hours = 'any' | 'working' | 'offhours';

/** The options of every incident. */
export function incidentOptions() {
  return {
    theftStart: instant()
      .optional()
      .describe(
        'First malicious read (of a flood: its first request). Default: the time of the real incident, moved along with start.',
      ),
    history: duration(SECOND_MS, 400 * DAY_MS)
      .optional()
      .describe(
        'The background begins so long before the first malicious event. Default: it begins with start.',
      ),
    clockSkew: clockError(DAY_MS)
      .prefault('0s')
      .describe('How far ahead the clock is that stamps the incident’s events; with a minus, behind.'),
  };
}

/** How much a theft takes, and when. Any two of records, pace and window determine the third. */
export function volumeOptions(defaults: {
  readonly records: number;
  readonly window: string;
  readonly hours?: Hours;
}) {
  return {
    records: integer(1, 40_000_000)
      .optional()
      .meta(usual('Distinct persons read; or pace × window.', `${defaults.records}`)),
    pace: pace()
      .optional()
      .describe(
        'Persons read per second (47), hour (80_000/h) or day while the theft reads; or 0.5x, half as fast as the incident was. Default: records / window.',
      ),
    window: duration(SECOND_MS, 60 * DAY_MS)
      .optional()
      .meta(
        usual('From the first read to the last; longer where pace or hours ask for it.', defaults.window),
      ),
    hours: z
      .enum(['any', 'working', 'offhours'], 'none of any, working, offhours')
      .prefault(defaults.hours ?? 'any')
      .describe(
        'When the theft reads: working is Monday to Friday 07:00–19:00 in Paris without public holidays, offhours the rest.',
      ),
  };
}

/** The options of a bulk theft through accounts that read other people's records. */
export function theftOptions(defaults: {
  readonly records: number;
  readonly window: string;
  readonly hours?: Hours;
  readonly recordsPerEvent?: number;
  readonly accomplices?: number;
}) {
  return {
    ...incidentOptions(),
    ...volumeOptions(defaults),
    recordsPerEvent: integer(1, MAX_PAGE)
      .prefault(defaults.recordsPerEvent ?? 1)
      .describe('1: one view per person. More: list pages of that many persons.'),
    order: z
      .enum(['shuffled', 'sequential'], 'neither shuffled nor sequential')
      .prefault('shuffled')
      .describe('Order of the persons by id.'),
    accomplices: integer(0, 1000)
      .prefault(defaults.accomplices ?? 0)
      .describe('Further accounts of the same organisation that share the reads.'),
    stepWait: duration(SECOND_MS, 60 * DAY_MS)
      .optional()
      .describe(
        'Wait between the steps of the story (reset or creation, login, first read). Default: as the incident’s own.',
      ),
  };
}

export type IncidentOptions = z.output<z.ZodObject<ReturnType<typeof incidentOptions>>>;
export type TheftOptions = z.output<z.ZodObject<ReturnType<typeof theftOptions>>>;
