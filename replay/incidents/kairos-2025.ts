/**
 * kairos-2025: the theft of 12–13 July 2025 through Kairos, the training organisations' application.
 *
 * Facts (statements of the operator and the press): the account of one training organisation in Isère; its
 * credentials had been taken by an infostealer; Kairos was being decommissioned and had no second factor;
 * 340,000 jobseekers' records in two hours, 47 per second. A detector of mass extraction existed and was
 * misconfigured; the alert came three days later. 12 July 2025 is a Saturday.
 *
 * Assumptions: the two hours straddle midnight (the dates 12 and 13 July are both named), from 23:00 Paris
 * time; the attacker logs in 19 minutes earlier from a rented server, with the right password at the first
 * try, and tries a few searches; then a script opens one record after the other, each once (`recordsPerEvent`
 * makes it list pages); persons come in no order of id; nearly all are outside the organisation's caseload,
 * so all are counted as such; one session throughout. The real owner works on weekdays like any trainer.
 */

import { z } from 'zod';

import { HOUR_MS, MINUTE_MS, parisDayOf, parisTime, SECOND_MS, weekdayOf } from '../calendar.ts';
import { ROLES } from '../cast.ts';
import { ACTIONS } from '../event-writer.ts';
import { commonOptions, theftOptions } from '../options.ts';
import { hostingNetwork, Session } from '../session.ts';
import { BulkReads, eventsOf } from './bulk-reads.ts';
import type { Incident } from './incident.ts';
import { Story, volumeOf } from './incident.ts';

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
    const { random, label } = world;
    const theftStart = options.theftStart ?? saturdayEvening(options.start);
    const volume = volumeOf(NAME, options, { records: 340_000, windowMs: 2 * HOUR_MS });
    const account = world.cast.add({ name: NAME, role: 'of_gestionnaire', department: '38' });
    const { register, structurePrefix, sensitivity } = ROLES.of_gestionnaire;

    const draws = random.split('story');
    const network = { ...hostingNetwork(draws), userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/138.0' };
    const loginAt = theftStart - 19 * MINUTE_MS - draws.below(MINUTE_MS);
    const session = Session.open(account, network, loginAt, draws);
    const story = new Story(world);
    story.login(loginAt, session, ACTIONS.login);
    for (let i = 1; i <= 6; i++) {
      const at = loginAt + i * 3 * MINUTE_MS - draws.below(90 * SECOND_MS);
      story.act(at, session, ACTIONS.recordSearch, 4_000 + draws.below(8_000));
    }

    const bulk = {
      ...volume,
      start: theftStart,
      recordsPerEvent: options.recordsPerEvent,
      order: options.order,
      register,
      structurePrefix,
      sensitivity,
    };
    const reads = new BulkReads(random.split('reads'), bulk, world.registers[register], [{ session }], label);
    return {
      streams: [story.stream(), reads],
      firstEventAt: story.firstEventAt,
      lastEventAt: theftStart + volume.windowMs,
      events: story.length + eventsOf(bulk),
    };
  },
};

/** 23:00 in Paris on the first Saturday from an instant on. */
function saturdayEvening(start: number): number {
  let day = parisDayOf(start);
  while (weekdayOf(day) !== 5 || parisTime(day, 22 * HOUR_MS) < start) day++;
  return parisTime(day, 23 * HOUR_MS);
}
