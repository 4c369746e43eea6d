/**
 * cap-emploi-2024: the theft of 6 February to 5 March 2024 through advisers of Cap emploi.
 *
 * Published by the service: the attackers had gathered what a password reset asks for, had the passwords of advisers of
 * this partner network reset by posing as staff, then called the advisers as IT support and told them the new password;
 * potentially 43 million persons, 36 million taken out.
 * Other public sources: 36,820,828 persons in 25 GB; two accounts confirmed, others suspected; odd requests in evenings
 * and at weekends gave it away; dated from 6 February to 5 March; no second factor; an account was locked only after 50
 * wrong passwords (the regulator's doctrine: 10).
 * Arithmetic: 680 bytes per person, so rows of lists and not files; 83,000 persons an hour if only nights and weekends
 * were used. Inference: after the call, two people use one account at once.
 *
 * Assumed: both accounts belong to one organisation and share the reads equally (`accomplices`); 14 wrong passwords per
 * account before the reset (`failedLogins`: above the doctrine's 10, far below 50, as by someone who knew neither
 * limit); the helpdesk resets the password on the morning of the first day, the attacker logs in minutes later and the
 * adviser within 22 minutes of the reset; pages of 100 rows; reads from that evening on, all night and all weekend;
 * sessions last eight hours; each account is used from its own rented server. The two advisers work as usual all along.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../calendar.ts';
import { commonOptions, integer } from '../options.ts';
import { theftOptions } from './theft-options.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stampedStart } from './incident.ts';
import { buildTheft } from './theft.ts';

const NAME = 'cap-emploi-2024';
const PERSONS = 36_820_828;

const schema = z.strictObject({
  ...commonOptions({ start: '2024-02-05T00:00:00+01:00', accounts: 12_000 }),
  ...theftOptions({
    records: PERSONS,
    window: '28d',
    hours: 'offhours',
    recordsPerEvent: 100,
    accomplices: 1,
  }),
  failedLogins: integer(0, 49)
    .prefault(14)
    .describe('Wrong passwords per account within the hour before the reset.'),
});

export const CAP_EMPLOI_2024: Incident<typeof schema> = {
  name: NAME,
  title: '36.8 million persons through two advisers’ accounts in four weeks of nights and weekends',
  summary:
    'Passwords reset by the deceived helpdesk and handed to their owners by telephone: each account is used by two people, one of whom reads lists all night.',
  schema,

  build(world, options) {
    const profile = {
      scenario: NAME,
      defaults: { records: PERSONS, windowMs: 28 * DAY_MS, hours: 'offhours' },
      role: 'conseiller_cap_emploi',
      department: '59',
      signIn: { idpId: 'portail-local', acr: 'eidas1', amr: ['pwd'] },
      rowBytes: 680,
      failures: options.failedLogins,
      searches: 12,
      loginToReadMs: 8 * HOUR_MS + 30 * MINUTE_MS,
      resetToLoginMs: 6 * MINUTE_MS,
      ownerReturns: true,
      sessionMs: 8 * HOUR_MS,
    } as const;
    const usual = firstWeekday(options.start, 1, 19 * HOUR_MS);
    return buildTheft(world, options, profile, stampedStart(options, usual));
  },
};
