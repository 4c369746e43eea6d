/**
 * jobseeker-infostealer-2025: jobseekers' own accounts emptied of their documents, late October 2025.
 *
 * Published by the service: about 31,000 jobseekers concerned.
 * Other public sources: their credentials had been taken by infostealers on their own machines, and were tested
 * automatically and in bulk; the thieves claim to have bypassed the second factor with stolen sessions; 30 GB of
 * documents.
 * Arithmetic: 0.95 MB per account. Inference: each account reads only its own data, so the signal is not an account's
 * volume but the source.
 *
 * Assumed, because it was not published: three days and nights from Friday 24 October, 20:00; 24 addresses (`sources`:
 * two thirds rented servers, one third home lines, each with its own browser); a quarter of the tested accounts open
 * (`successRate`: credentials from infostealers are fresher than lists from old leaks, and passwords change), the
 * others fail one to three times with the passwords the malware found; a third of the accounts are not logged into at
 * all (`stolenSessions`: the thieves claim it without a number), but their owner's session, up to 20 hours old,
 * continues from a new address and another browser. An account shows its own file and three documents of 160 to 473 kB.
 * The owners look at their own files as jobseekers do.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS } from '../calendar.ts';
import type { Account } from '../cast.ts';
import { commonOptions, integer, number, usual } from '../options.ts';
import { incidentOptions, volumeOptions } from './theft-options.ts';
import { browser, homeNetwork, hostingNetwork } from '../session.ts';
import { OwnersBefore, SourceAtWork } from './credential-tests.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stamped, stampedStart } from './incident.ts';
import { planTheft } from './schedule.ts';

const NAME = 'jobseeker-infostealer-2025';
const ACCOUNTS = 31_000;
/** Above the caseloads of the ordinary cast's jobseekers. */
const FIRST_PERSON = 10_000_000;

const schema = z.strictObject({
  ...commonOptions({ start: '2025-10-20T00:00:00+02:00', accounts: 12_000 }),
  ...incidentOptions(),
  ...volumeOptions({ records: ACCOUNTS, window: '3d' }),
  records: integer(1, 2_000_000)
    .optional()
    .meta(usual('Accounts opened, each of one person; or pace × window.', `${ACCOUNTS}`)),
  sources: integer(1, 200).prefault(24).describe('Addresses that the credentials are tested from.'),
  successRate: number(0.01, 1).prefault(0.25).describe('Share of the tested accounts that open.'),
  stolenSessions: number(0, 1)
    .prefault(0.3)
    .describe('Share of the opened accounts whose owner’s session is used, without a login.'),
});

export const JOBSEEKER_INFOSTEALER_2025: Incident<typeof schema> = {
  name: NAME,
  title: '31,000 jobseekers’ own accounts opened from a few addresses, their documents taken',
  summary:
    'Credentials and sessions stolen from jobseekers’ machines are tested in bulk; each account that opens shows only itself.',
  schema,

  build(world, options) {
    const { cast, random, label } = world;
    const start = stampedStart(options, firstWeekday(options.start, 4, 20 * HOUR_MS));
    const defaults = { records: ACCOUNTS, windowMs: 3 * DAY_MS, hours: 'any' } as const;
    const { records, schedule } = planTheft(NAME, options, defaults, start);
    const accounts: Account[] = Array.from({ length: records }, (_, i) =>
      cast.add({ name: `${NAME} ${i}`, role: 'demandeur', department: '', ordinal: FIRST_PERSON + i }),
    );

    const draws = random.split('sources');
    const { successRate, stolenSessions } = options;
    const sources = Math.min(options.sources, records);
    const theft = { accounts, sources, schedule, successRate, stolenSessions, persons: world.registers.p };
    const streams = Array.from({ length: sources }, (_, source) => {
      const place = source % 3 === 2 ? homeNetwork(draws.u32()) : hostingNetwork(draws);
      const network = { ...place, userAgent: browser(draws) };
      const lagMs = HOUR_MS + draws.below(19 * HOUR_MS);
      const userId = (k: number): string => cast.userId(`${NAME} tested ${source} ${k}`);
      const share = { ...theft, source, network, lagMs, userId };
      return [new OwnersBefore(random, share), new SourceAtWork(random, share, label)];
    });
    const perAccount = 1 - stolenSessions + 4 + 2 * (1 / successRate - 1) + 2 * stolenSessions;
    return stamped(options, {
      streams: streams.flat(),
      firstEventAt: schedule.start,
      lastEventAt: schedule.end,
      events: Math.round(records * perAccount),
      records,
      theft: { plans: [{ records, schedule }], takers: { accounts: records, organisations: 0, creators: 0 } },
    });
  },
};
