/**
 * What a person may set of a scenario: typed, with ranges and defaults, written as on a command line.
 *
 * Guarantee: what `parseOptions` returns is complete, in range and frozen; anything else is a VigieError that
 * names the option, the value and the remedy.
 */

import { z } from 'zod';

import { VigieError } from '../src/errors.ts';
import { parseTimeText } from '../src/event/time.ts';
import { parseDuration } from '../src/sigma/duration.ts';
import { nearest } from '../src/sigma/nearest.ts';
import { DAY_MS, SECOND_MS } from './calendar.ts';
import { MAX_ACCOUNTS, MAX_JOBSEEKERS } from './cast.ts';
import { CONFOUNDER_NAMES } from './confounders.ts';

/** A whole number from `low` to `high`. */
export function integer(low: number, high: number) {
  return number(low, high).refine(Number.isInteger, 'not a whole number');
}

/** A number from `low` to `high`. */
export function number(low: number, high: number) {
  return z.preprocess(
    (value) =>
      typeof value === 'string' && /^\s*-?\d[\d_]*(\.\d+)?\s*$/.test(value) ? toNumber(value) : value,
    z.number('not a number').min(low, `smaller than ${low}`).max(high, `larger than ${high}`),
  );
}

/** A duration from `low` to `high`, ms; written `90s`, `2h`, `7d`. */
export function duration(low: number, high: number) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? parseDuration(value.trim()) : value),
    z
      .number('not a duration such as 90s, 30m, 2h or 7d')
      .min(low, `shorter than ${low} ms`)
      .max(high, `longer than ${high / DAY_MS} days`)
      .transform(Math.round),
  );
}

/** An instant, ms since the epoch; written in ISO 8601. */
function instant() {
  return z.preprocess(
    (value) => (typeof value === 'string' ? parseTimeText(value) : value),
    z
      .number('not a date-time such as 2025-07-07T00:00:00+02:00')
      .min(Date.UTC(2000, 0, 1), 'before the year 2000')
      .max(Date.UTC(2100, 0, 1), 'after the year 2100'),
  );
}

/** Names of confounders, each once; written `all`, `none`, or with commas between. */
function confounderNames() {
  return z.preprocess(
    (value) => {
      if (value === 'all') return CONFOUNDER_NAMES;
      if (value === 'none') return [];
      if (typeof value !== 'string') return value;
      return value.split(',').map((name) => name.trim());
    },
    z
      .array(
        z.enum(CONFOUNDER_NAMES, {
          error: ({ input }) => `not all known: there is no ${JSON.stringify(input)}`,
        }),
        {
          error: 'neither all, none nor names',
        },
      )
      .transform((names) => [...new Set(names)]),
  );
}

/** A clock's error, ms, of either sign; written like a duration, with a minus for a clock that is late. */
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

/** Written `47` or `47/s`, `5/h`, `200/d`; or `0.5x`, of the incident's own pace. */
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

function flag() {
  return z.preprocess(
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean('neither true nor false'),
  );
}

function toNumber(text: string): number {
  return Number(text.replaceAll('_', ''));
}

/** The options of every scenario; defaults differ. */
export function commonOptions(defaults: { readonly start: string; readonly accounts: number }) {
  return {
    seed: z
      .preprocess(
        (value) => (typeof value === 'number' ? String(value) : value),
        z.string('not text').min(1, 'empty'),
      )
      .prefault('vigie')
      .describe('What the randomness starts from; the same seed and options give the same bytes.'),
    start: instant().prefault(defaults.start).describe('First instant of the traffic.'),
    duration: duration(SECOND_MS, 400 * DAY_MS)
      .optional()
      .describe('Length of the benign background. Default: seven days, longer if the theft takes longer.'),
    accounts: integer(0, MAX_ACCOUNTS)
      .prefault(defaults.accounts)
      .describe('Accounts of the benign background; 0 leaves it out.'),
    jobseekers: integer(0, MAX_JOBSEEKERS)
      .optional()
      .describe('Accounts of jobseekers, one in ten of whom log in on a day. Default: as many as accounts.'),
    confounders: confounderNames()
      .prefault('all')
      .describe(
        `What looks like a theft in ordinary traffic: all, none, or names with commas between: ${CONFOUNDER_NAMES.join(', ')}.`,
      ),
    confounderFactor: number(0, 1000)
      .prefault(1)
      .describe('Multiplies how often confounders occur, those that the calendar does not decide.'),
    disorder: number(0, 1).prefault(0).describe('Share of the events that arrive late.'),
    maxDelay: duration(1, DAY_MS)
      .prefault('30s')
      .describe('Longest delay of a late event or copy, in event time.'),
    duplicates: number(0, 1).prefault(0).describe('Share of the events that are written twice.'),
    ingested: flag()
      .prefault(false)
      .describe('Add event.ingested, the time at which the log received the event.'),
  };
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

/** How much a theft takes and when. Two of records, pace and window fix the third. */
export function volumeOptions(defaults: {
  readonly records: number;
  readonly window: string;
  readonly hours?: Hours;
}) {
  return {
    records: integer(1, 40_000_000)
      .optional()
      .describe(`Distinct persons read. Default ${defaults.records}, or pace × window.`),
    pace: pace()
      .optional()
      .describe(
        'Persons read per second (47), hour (80_000/h) or day while the theft reads; or 0.5x, half as fast as the incident was. Default: records / window.',
      ),
    window: duration(SECOND_MS, 60 * DAY_MS)
      .optional()
      .describe(
        `From the first read to the last. Default ${defaults.window}, or longer where pace or hours ask for it.`,
      ),
    hours: z
      .enum(['any', 'working', 'offhours'], 'none of any, working, offhours')
      .prefault(defaults.hours ?? 'any')
      .describe(
        'When the theft reads: working is Monday to Friday 07:00–19:00 in Paris without public holidays, offhours the rest.',
      ),
  };
}

/** The options of a theft in bulk through accounts that read other people's records. */
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
    recordsPerEvent: integer(1, 1000)
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

export type CommonOptions = z.output<z.ZodObject<ReturnType<typeof commonOptions>>>;
export type IncidentOptions = z.output<z.ZodObject<ReturnType<typeof incidentOptions>>>;
export type TheftOptions = z.output<z.ZodObject<ReturnType<typeof theftOptions>>>;

/** One option as help shows it. */
export interface OptionHelp {
  readonly name: string;
  readonly description: string;
  /** As one would type it; undefined when the description says what happens without it. */
  readonly defaultText: string | undefined;
}

export function describeOptions(schema: z.ZodObject): readonly OptionHelp[] {
  return Object.entries(schema.shape as Readonly<Record<string, z.ZodType>>).map(([name, option]) => ({
    name,
    description: option.description ?? '',
    defaultText: defaultOf(option),
  }));
}

function defaultOf(option: z.ZodType): string | undefined {
  if (!(option instanceof z.ZodPrefault)) return undefined;
  const value: unknown = option.def.defaultValue;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Throws OPTION_UNKNOWN or OPTION_INVALID with all faults of the options in one message. */
export function parseOptions<T extends z.ZodObject>(
  scenario: string,
  schema: T,
  given: Readonly<Record<string, unknown>>,
): Readonly<z.output<T>> {
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const meant = nearest(unknown[0]!, known);
    throw new VigieError('OPTION_UNKNOWN', `${scenario} has no option ${unknown.join(', ')}`, {
      remedy: `${meant === undefined ? '' : `Did you mean ${meant}? `}Options: ${known.join(', ')}.`,
    });
  }
  const result = schema.safeParse(given);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      return `option ${name} of ${scenario}: ${JSON.stringify(given[name])} is ${issue.message}`;
    });
    const names = [...new Set(result.error.issues.map((issue) => String(issue.path[0])))];
    const help = describeOptions(schema).filter((option) => names.includes(option.name));
    throw new VigieError('OPTION_INVALID', faults.join('; '), {
      remedy: help.map((option) => `${option.name}: ${option.description}`).join(' '),
    });
  }
  return Object.freeze(result.data);
}

/** A contradiction between options that are each in range. */
export function optionsClash(scenario: string, message: string, remedy: string): VigieError {
  return new VigieError('OPTION_INVALID', `${scenario}: ${message}`, { remedy });
}
