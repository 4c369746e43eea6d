/**
 * missions-locales-2025: the theft announced on 1 December 2025, through accounts of a Mission locale.
 *
 * Facts (statements of the operator and the press): the account of one RGC (responsable gestion de compte,
 * who grants colleagues' access) of one Mission locale created two accounts through ProConnect; these read
 * files in the business tools; 1.6 million young people, social-security numbers included; three accounts
 * were suspended. Partners already signed in with two factors, so the second factor tells nothing here.
 *
 * Assumptions: dates, window and pace were not published. Here: Tuesday of the week before the announcement,
 * 1.6 million files in 24 hours (67,000 per hour; seven days would be 9,500), shared equally by the two
 * accounts, each opening one file at a time (`recordsPerEvent` makes it list pages). The RGC's account is
 * used from a network it never used; it creates both accounts within minutes and grants each four rights;
 * each new account enrols a second factor, logs in, and starts reading 25 to 40 minutes later. Sessions last
 * eight hours, then the reader logs in again from the same network. The files belong to all structures, so
 * all count as outside the caseload. The real RGC works as usual.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS, MINUTE_MS, parisDayOf, parisTime, weekdayOf } from '../calendar.ts';
import { REGISTER_SIZE, ROLES } from '../cast.ts';
import { isoTime } from '../event-id.ts';
import { ACTIONS, createdDetail, grantedDetail } from '../event-writer.ts';
import { commonOptions, optionsClash, theftOptions } from '../options.ts';
import type { Identity } from '../session.ts';
import { browser, homeNetwork, hostingNetwork, Session } from '../session.ts';
import type { Reader } from './bulk-reads.ts';
import { BulkReads, eventsOf } from './bulk-reads.ts';
import type { Incident } from './incident.ts';
import { Story, volumeOf } from './incident.ts';

const NAME = 'missions-locales-2025';
const READERS = 2;
const SESSION_MS = 8 * HOUR_MS;
const RIGHTS = ['i-milo.dossier.read', 'i-milo.recherche.nationale', 'i-milo.document.read', 'i-milo.export'];

const schema = z.strictObject({
  ...commonOptions({ start: '2025-11-24T00:00:00+01:00', accounts: 12_000 }),
  ...theftOptions({ records: 1_600_000, window: '24h' }),
});

export const MISSIONS_LOCALES_2025: Incident<typeof schema> = {
  name: NAME,
  title: '1.6 million files through two accounts that a taken-over account manager created',
  summary:
    'An account manager’s account creates two accounts and grants them rights; second factors are in place; the two read every file.',
  schema,

  build(world, options) {
    const { random, label, cast } = world;
    const theftStart = options.theftStart ?? tuesdayMorning(options.start);
    const volume = volumeOf(NAME, options, { records: 1_600_000, windowMs: DAY_MS });
    const { register, structurePrefix, sensitivity, signIn } = ROLES.conseiller_mission_locale;
    if (volume.records > REGISTER_SIZE[register]) {
      throw optionsClash(
        NAME,
        `${volume.records} records, but the Missions locales know ${REGISTER_SIZE[register]} persons`,
        `Set records, or pace and window, to at most ${REGISTER_SIZE[register]} records.`,
      );
    }

    const draws = random.split('story');
    const story = new Story(world);
    const manager = cast.add({ name: `${NAME} rgc`, role: 'rgc', department: '63' });
    const network = { ...hostingNetwork(draws), userAgent: browser(draws) };
    const loginAt = theftStart - 75 * MINUTE_MS - draws.below(5 * MINUTE_MS);
    const session = Session.open(manager, network, loginAt, draws);
    story.login(loginAt, session, ACTIONS.login);

    const readers: Reader[] = [];
    for (let i = 0; i < READERS; i++) {
      const createdAt = loginAt + (6 + 9 * i) * MINUTE_MS + draws.below(MINUTE_MS);
      const identity: Identity = {
        userId: cast.userId(`${NAME} reader ${i}`),
        role: 'conseiller_mission_locale',
        organisation: manager.organisation,
        signIn,
        createdAt: isoTime(createdAt),
        createdBy: manager.userId,
      };
      story.actOn(
        createdAt,
        session,
        identity.userId,
        ACTIONS.accountCreate,
        createdDetail(createdAt, manager.userId, identity.organisation.id),
      );
      RIGHTS.forEach((right, k) => {
        const at = createdAt + (k + 1) * 40_000 + draws.below(20_000);
        const detail = grantedDetail(right, identity.organisation.id);
        story.actOn(at, session, identity.userId, ACTIONS.habilitationGrant, detail);
      });

      const place = { ...homeNetwork(draws.u32()), userAgent: browser(draws) };
      const openAt = (time: number): Session => Session.open(identity, place, time, draws);
      const enrolAt = theftStart - (25 + draws.below(15)) * MINUTE_MS;
      const first = openAt(enrolAt);
      story.login(enrolAt, first, ACTIONS.login);
      story.act(enrolAt + 45_000, first, ACTIONS.mfaEnroll, 1024);
      const reader: Reader = { session: first };
      for (let at = enrolAt + SESSION_MS; at < theftStart + volume.windowMs; at += SESSION_MS) {
        const renewed = openAt(at);
        story.login(at, renewed, ACTIONS.login, () => {
          reader.session = renewed;
        });
      }
      readers.push(reader);
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
    const reads = new BulkReads(random.split('reads'), bulk, world.registers[register], readers, label);
    return {
      streams: [story.stream(), reads],
      firstEventAt: story.firstEventAt,
      lastEventAt: theftStart + volume.windowMs,
      events: story.length + eventsOf(bulk),
    };
  },
};

/** 10:30 in Paris on the first Tuesday from an instant on. */
function tuesdayMorning(start: number): number {
  let day = parisDayOf(start);
  while (weekdayOf(day) !== 1 || parisTime(day, 9 * HOUR_MS) < start) day++;
  return parisTime(day, 10 * HOUR_MS + 30 * MINUTE_MS);
}
