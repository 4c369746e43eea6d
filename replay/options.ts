/**
 * The options of a scenario: typed, with ranges and defaults, written as on a command line.
 *
 * Guarantee: what `parseOptions` returns is complete, in range and frozen. Anything else is a VigieError that names the
 * option, the value and the remedy.
 */

import { z } from 'zod';

import { VigieError } from '../src/errors.ts';
import { parseTimeOrDay } from '../src/event/time.ts';
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

/** An instant, ms since the epoch; written in ISO 8601. A day alone means its beginning in UTC. */
export function instant() {
  return z.preprocess(
    (value) => (typeof value === 'string' ? parseTimeOrDay(value) : value),
    z
      .number('not a day or a date-time such as 2025-07-07T00:00:00+02:00')
      .min(Date.UTC(2000, 0, 1), 'before the year 2000')
      .max(Date.UTC(2100, 0, 1), 'after the year 2100'),
  );
}

/** Names of confounders, each once; written `all`, `none`, or as a comma-separated list. */
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

function flag() {
  return z.preprocess(
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean('neither true nor false'),
  );
}

export function toNumber(text: string): number {
  return Number(text.replaceAll('_', ''));
}

export const DEFAULT_SEED = 'vigie';

/** The options of every scenario; defaults differ. */
export function commonOptions(defaults: { readonly start: string; readonly accounts: number }) {
  return {
    seed: z
      .preprocess(
        (value) => (typeof value === 'number' ? String(value) : value),
        z.string('not text').min(1, 'empty'),
      )
      .prefault(DEFAULT_SEED)
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

export type CommonOptions = z.output<z.ZodObject<ReturnType<typeof commonOptions>>>;

/** One option as help shows it. */
export interface OptionHelp {
  readonly name: string;
  readonly description: string;
  /** As one would type it; undefined if the description covers the default. */
  readonly defaultText: string | undefined;
}

/** The option as typed on a command line. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function describeOptions(schema: z.ZodObject): readonly OptionHelp[] {
  return Object.entries(schema.shape as Readonly<Record<string, z.ZodType>>).map(([name, option]) => ({
    name,
    description: option.description ?? '',
    defaultText: defaultOf(option),
  }));
}

/** The default that help shows for an option whose default depends on related options. */
export function usual(description: string, value: string) {
  return { description, usual: value };
}

function defaultOf(option: z.ZodType): string | undefined {
  const usually = option.meta()?.['usual'];
  if (typeof usually === 'string') return usually;
  if (!(option instanceof z.ZodPrefault)) return undefined;
  const value: unknown = option.def.defaultValue;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Throws OPTION_UNKNOWN, or OPTION_INVALID with all faults of the options in one message. */
export function parseOptions<T extends z.ZodObject>(
  scenario: string,
  schema: T,
  given: Readonly<Record<string, unknown>>,
): Readonly<z.output<T>> {
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const meant = nearest(unknown[0]!, known);
    throw new VigieError('OPTION_UNKNOWN', `${scenario} has no option ${unknown.map(flagOf).join(', ')}`, {
      remedy: `${meant === undefined ? '' : `Did you mean ${flagOf(meant)}? `}Options: ${known.map(flagOf).join(', ')}.`,
    });
  }
  const result = schema.safeParse(given);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      return `${flagOf(name)} of ${scenario}: ${JSON.stringify(given[name])} is ${issue.message}`;
    });
    const names = [...new Set(result.error.issues.map((issue) => String(issue.path[0])))];
    const help = describeOptions(schema).filter((option) => names.includes(option.name));
    throw new VigieError('OPTION_INVALID', faults.join('; '), {
      remedy: help.map((option) => `${flagOf(option.name)}: ${option.description}`).join(' '),
    });
  }
  return Object.freeze(result.data);
}

/** A contradiction between options that are in range individually. */
export function optionsClash(scenario: string, message: string, remedy: string): VigieError {
  return new VigieError('OPTION_INVALID', `${scenario}: ${message}`, { remedy });
}
