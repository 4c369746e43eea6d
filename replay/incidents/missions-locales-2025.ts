/**
 * missions-locales-2025: the theft announced on 1 December 2025, through accounts of a Mission locale.
 *
 * Published by the service: the account of one RGC (responsable gestion de compte, who grants colleagues' access) of
 * one Mission locale created two accounts through ProConnect; these read files in the business tools; 1.6 million young
 * people, social-security numbers included; three accounts were suspended. Partners already signed in with two factors,
 * so the second factor is no signal here.
 * Arithmetic: 67,000 files per hour if it took a day, 9,500 if it took seven.
 *
 * Assumed: dates, window and pace were not published. Here: Tuesday of the week before the announcement, 24 hours (the
 * worst case for those who have to react), shared equally by the created accounts (`accomplices`: how many besides the
 * first), each opening one file at a time (`recordsPerEvent` makes it list pages). The RGC's account is used from a new
 * network; it creates the accounts within minutes and grants each four rights; each new account enrols a second factor,
 * logs in, and starts reading 25 to 40 minutes later. Sessions last eight hours, then the reader logs in again from the
 * same network. The files belong to all structures, so all count as outside the caseload. Whether the created accounts
 * showed the Mission locale's own organisation was not published; here they do (`grantees=foreign`: another one). The
 * real RGC works as usual.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../calendar.ts';
import { ROLES } from '../cast.ts';
import { isoTime } from '../event-id.ts';
import { ACTIONS, createdDetail, grantedDetail } from '../event-writer.ts';
import { commonOptions } from '../options.ts';
import { theftOptions } from './theft-options.ts';
import type { Identity, Organisation } from '../session.ts';
import { browser, homeNetwork, hostingNetwork, organisationId, Session } from '../session.ts';
import { BulkReads, eventsOf } from './bulk-reads.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stamped, stampedStart } from './incident.ts';
import { planTheft, stepBefore } from './schedule.ts';
import { Story } from './story.ts';
import { readsOptions, renewLogins, requireRegistered, storyHours } from './theft.ts';

const NAME = 'missions-locales-2025';
const SESSION_MS = 8 * HOUR_MS;
const RIGHTS = ['i-milo.dossier.read', 'i-milo.recherche.nationale', 'i-milo.document.read', 'i-milo.export'];

const schema = z.strictObject({
  ...commonOptions({ start: '2025-11-24T00:00:00+01:00', accounts: 12_000 }),
  ...theftOptions({ records: 1_600_000, window: '24h', accomplices: 1 }),
  grantees: z
    .enum(['own', 'foreign'], 'neither own nor foreign')
    .prefault('own')
    .describe('Whether the created accounts belong to the manager’s own organisation or to another one.'),
});

export const MISSIONS_LOCALES_2025: Incident<typeof schema> = {
  name: NAME,
  title: '1.6 million files through two accounts that a taken-over account manager created',
  summary:
    'An account manager’s account creates two accounts and grants them rights; second factors are in place; the two read every file.',
  schema,

  build(world, options) {
    const { random, label, cast } = world;
    const profile = { scenario: NAME, role: 'conseiller_mission_locale' } as const;
    const start = stampedStart(options, firstWeekday(options.start, 1, 10 * HOUR_MS + 30 * MINUTE_MS));
    const defaults = { records: 1_600_000, windowMs: DAY_MS, hours: 'any' } as const;
    const plan = planTheft(NAME, options, defaults, start);
    requireRegistered(world, profile, plan.records);
    const { schedule } = plan;
    const hours = storyHours(options);

    const draws = random.split('story');
    const story = new Story(world);
    const manager = cast.add({ name: `${NAME} rgc`, role: 'rgc', department: '63' });
    const organisation =
      options.grantees === 'own' ? manager.organisation : elsewhere(manager.organisation, draws);

    // Laid out backwards from the first read: the readers' first logins, preceded by the manager's session.
    const enrolments = Array.from({ length: options.accomplices + 1 }, () =>
      stepBefore(hours, schedule.start, options.stepWait ?? (25 + draws.below(15)) * MINUTE_MS),
    );
    const creationMs = (6 + 9 * enrolments.length) * MINUTE_MS;
    const wait = (options.stepWait ?? 12 * MINUTE_MS + draws.below(5 * MINUTE_MS)) + creationMs;
    const loginAt = stepBefore(hours, Math.min(...enrolments), wait);
    const session = Session.open(
      manager,
      { ...hostingNetwork(draws), userAgent: browser(draws) },
      loginAt,
      draws,
    );
    story.login(loginAt, session);

    const readers = enrolments.map((enrolAt, i) => {
      const createdAt = loginAt + (6 + 9 * i) * MINUTE_MS + draws.below(MINUTE_MS);
      const identity: Identity = {
        userId: cast.userId(`${NAME} reader ${i}`),
        role: profile.role,
        organisation,
        signIn: ROLES[profile.role].signIn,
        createdAt: isoTime(createdAt),
        createdBy: manager.userId,
      };
      const created = createdDetail(createdAt, manager.userId, organisation.id);
      story.actOn(createdAt, session, identity.userId, ACTIONS.accountCreate, created);
      RIGHTS.forEach((right, k) => {
        const at = createdAt + (k + 1) * 40_000 + draws.below(20_000);
        const granted = grantedDetail(right, organisation.id);
        story.actOn(at, session, identity.userId, ACTIONS.habilitationGrant, granted);
      });

      const network = { ...homeNetwork(draws.u32()), userAgent: browser(draws) };
      const first = Session.open(identity, network, enrolAt, draws);
      story.login(enrolAt, first);
      story.act(enrolAt + 45_000, first, ACTIONS.mfaEnroll, 1024);
      const reader = { session: first, network };
      renewLogins(story, reader, schedule.renewals(enrolAt, SESSION_MS), draws);
      return reader;
    });

    const reads = readsOptions(options, profile, plan);
    const bulk = new BulkReads(random.split('reads'), reads, world.registers[reads.register], readers, label);
    return stamped(options, {
      streams: [story.stream(), bulk],
      firstEventAt: story.firstEventAt,
      lastEventAt: schedule.end,
      events: story.length + eventsOf(reads),
      records: reads.records,
      theft: { plans: [plan], takers: { accounts: readers.length, organisations: 1, creators: 1 } },
    });
  },
};

/** Another organisation of the same kind. */
function elsewhere(own: Organisation, draws: Parameters<typeof organisationId>[0]): Organisation {
  return { ...own, id: organisationId(draws), name: `${own.name} bis` };
}
