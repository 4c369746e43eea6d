/**
 * viamedis-almerys-2024: the theft of early 2024 through accounts of health professionals at two operators of
 * third-party payment.
 *
 * Published by the service: it counts this theft among the same wave as its own. Other public sources: logins of health
 * professionals were usurped; 33 million insured persons; the data taken is what the pages display, page by page; early
 * 2024. The same pattern as cap-emploi-2024.
 *
 * Assumed, because it was not published: two weeks from Tuesday 16 January, 08:00, day and night: 98,000 persons an
 * hour, the order of cap-emploi-2024; four accounts (`accomplices`), each of its own practice, with the right password
 * at the first try, as after phishing; pages of 50 rows of 0.7 kB, whereas a real page shows one family; one
 * application for both operators; no second factor. The professionals work as usual.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../calendar.ts';
import { commonOptions } from '../options.ts';
import { theftOptions } from './theft-options.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stampedStart } from './incident.ts';
import { buildTheft } from './theft.ts';

const NAME = 'viamedis-almerys-2024';
const PERSONS = 33_000_000;

const schema = z.strictObject({
  ...commonOptions({ start: '2024-01-15T00:00:00+01:00', accounts: 12_000 }),
  ...theftOptions({ records: PERSONS, window: '14d', recordsPerEvent: 50, accomplices: 3 }),
});

export const VIAMEDIS_ALMERYS_2024: Incident<typeof schema> = {
  name: NAME,
  title: '33 million insured persons through usurped health professionals’ accounts',
  summary:
    'Phished logins of health professionals, no second factor: display pages are copied one by one for two weeks.',
  schema,

  build(world, options) {
    const profile = {
      scenario: NAME,
      defaults: { records: PERSONS, windowMs: 14 * DAY_MS, hours: 'any' },
      role: 'professionnel_sante',
      department: '31',
      ownOrganisations: true,
      failures: 0,
      searches: 8,
      loginToReadMs: 25 * MINUTE_MS,
      sessionMs: 8 * HOUR_MS,
    } as const;
    const usual = firstWeekday(options.start, 1, 8 * HOUR_MS);
    return buildTheft(world, options, profile, stampedStart(options, usual));
  },
};
