/**
 * dgfip-2026: the theft of June–July 2026 through dozens of stolen logins of tax officials.
 *
 * Other public sources: dozens of stolen logins; 27,000 to 31,000 records an hour during 22 hours, about 18 kB each;
 * resetting the password did not end the sessions that were open; a second wave came a month later; each signal alone
 * was noisy, together they would have raised an alert.
 * Arithmetic: 594,000 to 682,000 records.
 *
 * Assumed: 48 accounts (four dozens; `accomplices`), so 600 records an hour each; 29,000 an hour, the middle; from a
 * Saturday, 20:00, as unusual hours were reported; all accounts through four rented servers; two wrong passwords each;
 * no second factor. The helpdesk resets half of the passwords (`resetShare`) eight hours into the theft (`resetAfter`),
 * and sessions opened before continue to read. The second wave comes after 28 days (`secondWaveAfter`), at the same
 * pace, for a third of the records (`secondWave`; its size was not published; smaller than the first, as the case was
 * known by then): the accounts that were reset still use the sessions of the first wave, the others log in again. The
 * officials work as usual.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../calendar.ts';
import { isoTime } from '../event-id.ts';
import { commonOptions, duration, number, optionsClash } from '../options.ts';
import { theftOptions } from './theft-options.ts';
import { BulkReads, eventsOf, firstPersonOf } from './bulk-reads.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stamped, stampedStart } from './incident.ts';
import { planTheft, stepBefore } from './schedule.ts';
import { readsOptions, renewLogins, requireRegistered, storyHours, takeAccounts, takersOf } from './theft.ts';

const NAME = 'dgfip-2026';
const PERSONS = 638_000;

const schema = z.strictObject({
  ...commonOptions({ start: '2026-06-15T00:00:00+02:00', accounts: 12_000 }),
  ...theftOptions({ records: PERSONS, window: '22h', accomplices: 47 }),
  resetAfter: duration(SECOND_MS, 60 * DAY_MS)
    .prefault('8h')
    .describe('The helpdesk resets passwords so long after the first read.'),
  resetShare: number(0, 1)
    .prefault(0.5)
    .describe('Share of the stolen accounts whose password is reset; their open sessions stay.'),
  secondWave: number(0, 10)
    .prefault(0.33)
    .describe('Records of the second wave, as a multiple of the first; 0 leaves it out.'),
  secondWaveAfter: duration(SECOND_MS, 60 * DAY_MS)
    .prefault('28d')
    .describe('From the first read of the first wave to that of the second.'),
});

export const DGFIP_2026: Incident<typeof schema> = {
  name: NAME,
  title: '638,000 tax records through 48 stolen logins in 22 hours, and a second wave a month later',
  summary:
    'Dozens of stolen logins share the reads, so that none stands out; resets leave the open sessions reading; a month later they read again.',
  schema,

  build(world, options) {
    const profile = {
      scenario: NAME,
      defaults: { records: PERSONS, windowMs: 22 * HOUR_MS, hours: 'any' },
      role: 'agent_dgfip',
      department: '94',
      failures: 2,
      searches: 3,
      loginToReadMs: 25 * MINUTE_MS,
      sessionMs: Infinity,
      networks: 4,
    } as const;
    const start = stampedStart(options, firstWeekday(options.start, 5, 20 * HOUR_MS));
    const { plan, story, taken, draws } = takeAccounts(world, options, profile, start);
    const { schedule, records } = plan;

    const resets = Math.round(options.resetShare * taken.length);
    for (const { account } of taken.slice(0, resets)) {
      story.reset(schedule.start + options.resetAfter + draws.below(40 * MINUTE_MS), account, 'containing');
    }

    const waves = [plan];
    const more = Math.round(records * options.secondWave);
    if (more > 0) {
      const pace = (records / schedule.activeMs) * 1000;
      const again = { records: more, pace, window: undefined, hours: options.hours };
      const second = planTheft(NAME, again, profile.defaults, schedule.start + options.secondWaveAfter);
      const secondStart = second.schedule.start;
      if (secondStart < schedule.end) {
        throw optionsClash(
          NAME,
          `the second wave would start at ${isoTime(secondStart)}, before the first ends at ${isoTime(schedule.end)}`,
          'Set a longer --second-wave-after, or --second-wave to 0.',
        );
      }
      for (const reader of taken.slice(resets)) {
        const wait = 5 * MINUTE_MS + draws.below(20 * MINUTE_MS);
        renewLogins(story, reader, [stepBefore(storyHours(options), secondStart, wait)], draws);
      }
      waves.push(second);
    }

    requireRegistered(world, profile, records + more);
    const random = world.random.split('reads');
    const usual = readsOptions(options, profile, plan);
    const persons = world.registers[usual.register];
    let firstPerson = firstPersonOf(random, persons, records + more);
    const reads = waves.map((wave, i) => {
      const wanted = { ...usual, ...wave, firstPerson };
      firstPerson += wave.records;
      return {
        stream: new BulkReads(random.at(i), wanted, persons, taken, world.label),
        events: eventsOf(wanted),
      };
    });
    return stamped(options, {
      streams: [story.stream(), ...reads.map(({ stream }) => stream)],
      firstEventAt: story.firstEventAt,
      lastEventAt: waves.at(-1)!.schedule.end,
      events: reads.reduce((sum, { events }) => sum + events, story.length),
      records: records + more,
      theft: { plans: waves, takers: takersOf(taken, profile) },
    });
  },
};
