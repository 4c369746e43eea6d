/**
 * gael-2026: the theft of 9–12 January 2026 through external accounts of the application GAEL.
 *
 * Other public sources: two or three external accounts without a second factor; 5 to 5.8 million persons over a weekend
 * (9 January is a Friday, the 12th a Monday).
 * Arithmetic: 80,000 to 94,000 persons an hour if it took the 62 hours from Friday 18:00 to Monday 08:00.
 *
 * Assumed: those 62 hours; the higher number of persons (`records=5_000_000` is the lower) and of accounts
 * (`accomplices=1` makes it two); all of one partner organisation, each used from its own rented server; two wrong
 * passwords each, then the right one; pages of 50 rows of 0.7 kB (sizes were not published); sessions last eight hours.
 * The owners work on weekdays.
 */

import { z } from 'zod';

import { HOUR_MS, MINUTE_MS } from '../calendar.ts';
import { commonOptions } from '../options.ts';
import { theftOptions } from './theft-options.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stampedStart } from './incident.ts';
import { buildTheft } from './theft.ts';

const NAME = 'gael-2026';
const PERSONS = 5_800_000;

const schema = z.strictObject({
  ...commonOptions({ start: '2026-01-05T00:00:00+01:00', accounts: 12_000 }),
  ...theftOptions({ records: PERSONS, window: '62h', recordsPerEvent: 50, accomplices: 2 }),
});

export const GAEL_2026: Incident<typeof schema> = {
  name: NAME,
  title: '5.8 million persons through three external accounts in one weekend',
  summary: 'External accounts without a second factor read lists from Friday evening to Monday morning.',
  schema,

  build(world, options) {
    const profile = {
      scenario: NAME,
      defaults: { records: PERSONS, windowMs: 62 * HOUR_MS, hours: 'any' },
      role: 'partenaire_gael',
      department: '69',
      failures: 2,
      searches: 6,
      loginToReadMs: 35 * MINUTE_MS,
      sessionMs: 8 * HOUR_MS,
    } as const;
    const usual = firstWeekday(options.start, 4, 18 * HOUR_MS);
    return buildTheft(world, options, profile, stampedStart(options, usual));
  },
};
