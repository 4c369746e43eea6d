/**
 * ficoba-2026: the slow theft of January–February 2026 from FICOBA, the register of bank accounts.
 *
 * Other public sources: the login of one civil servant entitled to consult the register was usurped; 1.2 million
 * accounts' records in three weeks.
 * Arithmetic: 2,400 records an hour if continuous.
 *
 * Assumed: from Tuesday 27 January, 09:00, day and night for 21 days; one record per page, each of a different person
 * (`persons` are holders, one record each); no wrong password; eight searches before; sessions last eight hours, always
 * from the same rented server; no second factor. The civil servant works as usual.
 *
 * Slower still: `pace=5/h window=28d` reads 3,360 records in four weeks, below every hourly and daily threshold.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../calendar.ts';
import { commonOptions } from '../options.ts';
import { theftOptions } from './theft-options.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stampedStart } from './incident.ts';
import { buildTheft } from './theft.ts';

const NAME = 'ficoba-2026';
const PERSONS = 1_200_000;

const schema = z.strictObject({
  ...commonOptions({ start: '2026-01-26T00:00:00+01:00', accounts: 12_000 }),
  ...theftOptions({ records: PERSONS, window: '21d' }),
});

export const FICOBA_2026: Incident<typeof schema> = {
  name: NAME,
  title: '1.2 million bank account records through one civil servant’s account in three weeks',
  summary: 'One usurped account reads 2,400 records an hour, day and night, for three weeks: low and slow.',
  schema,

  build(world, options) {
    const profile = {
      scenario: NAME,
      defaults: { records: PERSONS, windowMs: 21 * DAY_MS, hours: 'any' },
      role: 'agent_ficoba',
      department: '75',
      failures: 0,
      searches: 8,
      loginToReadMs: 30 * MINUTE_MS,
      sessionMs: 8 * HOUR_MS,
    } as const;
    const usual = firstWeekday(options.start, 1, 9 * HOUR_MS);
    return buildTheft(world, options, profile, stampedStart(options, usual));
  },
};
