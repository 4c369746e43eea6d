/**
 * kairos-2025: the theft of 12–13 July 2025 through Kairos, the training organisations' application.
 *
 * Published by the service: the account of one training organisation in Isère; its credentials had been taken by an
 * infostealer; Kairos was being decommissioned and had no second factor; 340,000 jobseekers' records in two hours. A
 * detector of mass extraction existed and was misconfigured; the alert came three days later. Arithmetic: 47 records
 * per second; 12 July 2025 is a Saturday.
 *
 * Assumed: the two hours straddle midnight (the dates 12 and 13 July are both named), from 23:00 Paris time; the
 * attacker logs in 19 minutes earlier from a rented server, with the right password at the first try, and tries a few
 * searches; then a script opens the records one by one, each once (`recordsPerEvent` makes it list pages), in no order
 * of id; nearly all persons are outside the organisation's caseload, so all are counted as such; one session
 * throughout. The real owner works on weekdays like any trainer.
 */

import { z } from 'zod';

import { HOUR_MS, MINUTE_MS } from '../calendar.ts';
import { commonOptions } from '../options.ts';
import { theftOptions } from './theft-options.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stampedStart } from './incident.ts';
import { buildTheft } from './theft.ts';

const NAME = 'kairos-2025';

const schema = z.strictObject({
  ...commonOptions({ start: '2025-07-07T00:00:00+02:00', accounts: 12_000 }),
  ...theftOptions({ records: 340_000, window: '2h' }),
});

export const KAIROS_2025: Incident<typeof schema> = {
  name: NAME,
  title: '340,000 records through one training organisation’s account in two hours',
  summary:
    'Stolen password, no second factor, an application about to be switched off, a Saturday night: one account reads 47 records a second.',
  schema,

  build(world, options) {
    const profile = {
      scenario: NAME,
      defaults: { records: 340_000, windowMs: 2 * HOUR_MS, hours: 'any' },
      role: 'of_gestionnaire',
      department: '38',
      failures: 0,
      searches: 6,
      loginToReadMs: 19 * MINUTE_MS,
      sessionMs: 24 * HOUR_MS,
    } as const;
    return buildTheft(
      world,
      options,
      profile,
      stampedStart(options, firstWeekday(options.start, 5, 23 * HOUR_MS)),
    );
  },
};
