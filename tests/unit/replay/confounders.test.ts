import { beforeAll, describe, expect, it } from 'vitest';

import { DAY_MS, HOUR_MS, parisDayOf, parisTime } from '../../../replay/calendar.ts';
import type { ConfounderName } from '../../../replay/confounders.ts';
import { CONFOUNDER_NAMES, CONFOUNDERS } from '../../../replay/confounders.ts';
import { generate, listsOf } from '../../../replay/index.ts';
import type { ConfounderLabels } from '../../../replay/labels.ts';
import type { AccessEvent } from '../../../src/event/access-event.ts';
import { linesOf, personsOf } from './support.ts';

/** Two weeks that end in a declaration peak, confounders at three times their rates. */
const FORTNIGHT = {
  accounts: 4000,
  start: '2025-03-17T00:00:00+01:00',
  duration: '14d',
  confounderFactor: 3,
};

const labels = new Map<ConfounderName, ConfounderLabels>();
/** Events of each confounder, in time order. */
const events = new Map<ConfounderName, { event: AccessEvent; time: number }[]>();
/** Jobseekers who log in on each day. */
const visitors = new Map<number, number>();

function note(map: Map<string, ConfounderName[]>, key: string, name: ConfounderName): void {
  map.set(key, [...(map.get(key) ?? []), name]);
}

beforeAll(() => {
  const generated = generate('benign', FORTNIGHT);
  for (const _ of generated.batches());
  const ofSession = new Map<string, ConfounderName[]>();
  const ofEvent = new Map<string, ConfounderName[]>();
  for (const entry of generated.labels().confounders) {
    labels.set(entry.name, entry);
    events.set(entry.name, []);
    for (const id of entry.sessions) note(ofSession, id, entry.name);
    for (const id of entry.eventIds) note(ofEvent, id, entry.name);
  }
  for (const line of linesOf('benign', FORTNIGHT)) {
    if (line.text.includes('"action":"login"') && line.text.includes('"roles":["demandeur"]')) {
      const day = parisDayOf(line.time);
      visitors.set(day, (visitors.get(day) ?? 0) + 1);
    }
    const session = /"session":{"id":"([^"]+)"/.exec(line.text)?.[1] ?? '';
    const id = /"id":"([^"]+)"/.exec(line.text)![1]!;
    const names = new Set([...(ofSession.get(session) ?? []), ...(ofEvent.get(id) ?? [])]);
    for (const name of names) events.get(name)!.push({ event: line.event, time: line.time });
  }
}, 300_000);

const eventsOf = (name: ConfounderName) => events.get(name)!;
const labelsOf = (name: ConfounderName) => labels.get(name)!;

/** Labelled sessions, each with its events. */
function sessionsOf(name: ConfounderName): { event: AccessEvent; time: number }[][] {
  const labelled = new Set(labelsOf(name).sessions);
  const sessions = new Map<string, { event: AccessEvent; time: number }[]>();
  for (const entry of eventsOf(name)) {
    const id = entry.event.portal?.session?.id;
    if (id === undefined || !labelled.has(id)) continue;
    const own = sessions.get(id);
    if (own === undefined) sessions.set(id, [entry]);
    else own.push(entry);
  }
  return [...sessions.values()];
}

/** Fails unless the confounder occurred as often as documented, within four standard errors of Poisson. */
function expectRate(name: ConfounderName, occurrences: number): void {
  const expected =
    (CONFOUNDERS[name].perWeek! * FORTNIGHT.confounderFactor * 2 * FORTNIGHT.accounts) / 10_000;
  const where = `${name}: ${occurrences} times, documented ${expected}`;
  expect(Math.abs(occurrences - expected), where).toBeLessThan(4 * Math.sqrt(expected));
}

describe('confounders', () => {
  it('all occur in a fortnight, each with accounts unless nobody is logged in', () => {
    for (const name of CONFOUNDER_NAMES) {
      expect([name, eventsOf(name).length > 0]).toEqual([name, true]);
      expect([name, labelsOf(name).accounts.length > 0]).toEqual([name, name !== 'scanner-noise']);
    }
  });

  it('switched off leave every other event as it was', () => {
    const week = { accounts: 300, start: FORTNIGHT.start, duration: '5d' };
    const read = (confounders: string): string[] =>
      Array.from(linesOf('benign', { ...week, confounders }, 'record-view'), ({ text }) =>
        text.replace(/"id":"[0-9A-Z]{26}"/, '').replace(/"bytes":\d+/, ''),
      );
    expect(read('scanner-noise,trainee-list-export,service-overnight')).toEqual(read('none'));
  });

  it('trainee-list-export: trainers export 200 to 600 persons of their own', () => {
    const exports = eventsOf('trainee-list-export');
    expectRate('trainee-list-export', exports.length);
    for (const { event } of exports) {
      expect(event.event!.action).toBe('record-export');
      expect(event.user!.roles).toEqual(['of_gestionnaire']);
      expect(personsOf(event).length).toBeGreaterThanOrEqual(200);
      expect(personsOf(event).length).toBeLessThanOrEqual(600);
      expect(event.portal!.records).toMatchObject({ count: personsOf(event).length, out_of_scope_count: 0 });
    }
  });

  it('absent-colleague-cover: advisers see many persons outside their caseload, in their own structure', () => {
    expectRate('absent-colleague-cover', labelsOf('absent-colleague-cover').accounts.length);
    const days = new Map<string, Set<string>>();
    for (const { event, time } of eventsOf('absent-colleague-cover')) {
      if (event.portal?.records?.out_of_scope_count !== 1) continue;
      const key = `${event.user!.id} ${parisDayOf(time)}`;
      days.set(key, (days.get(key) ?? new Set()).add(personsOf(event)[0]!));
    }
    const sizes = [...days.values()].map((persons) => persons.size);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(20);
    expect(sizes.filter((size) => size >= 50).length).toBeGreaterThan(sizes.length / 20);
  });

  it('mobile-to-office: one session, one agent, two addresses, the second the office’s', () => {
    expectRate('mobile-to-office', labelsOf('mobile-to-office').sessions.length);
    const egress = listsOf('benign', FORTNIGHT).organisation_egress;
    let moved = 0;
    for (const session of sessionsOf('mobile-to-office')) {
      const ips = new Set(session.map(({ event }) => event.source!.ip!));
      expect(new Set(session.map(({ event }) => event.user_agent!.original)).size).toBe(1);
      expect([...ips][0]).toMatch(/^100\.1[12]\d\./);
      if (ips.size === 1) continue;
      moved++;
      expect(ips.size).toBe(2);
      expect(egress).toContain(`\n${session[0]!.event.organization!.id},${[...ips][1]}\n`);
    }
    // The others end before the office is reached.
    expect(moved).toBeGreaterThan(0.7 * labelsOf('mobile-to-office').sessions.length);
  });

  it('shared-egress: accounts of many organisations behind few addresses', () => {
    const organisations = new Map<string, Set<string>>();
    for (const { event } of eventsOf('shared-egress')) {
      const ip = event.source!.ip!;
      organisations.set(ip, (organisations.get(ip) ?? new Set()).add(event.organization!.id!));
    }
    // One site per 2,500 accounts, the last of them half full.
    expect(organisations.size).toBe(2);
    for (const ids of organisations.values()) expect(ids.size).toBeGreaterThan(15);
    const share = labelsOf('shared-egress').accounts.length / FORTNIGHT.accounts;
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.08);
  });

  it('month-end-peak: over four times as many jobseekers from the 28th on', () => {
    const day = parisDayOf(Date.parse('2025-03-28T12:00:00+01:00'));
    const ratio = visitors.get(day)! / visitors.get(day - 7)!;
    // 4.5, but nobody comes twice: those who often come are cut at every day. 400 visitors on a usual day.
    expect(ratio).toBeGreaterThan(3.5);
    expect(ratio).toBeLessThan(5.2);
    for (const { time } of eventsOf('month-end-peak')) {
      if (time < parisTime(day)) expect.fail(new Date(time).toISOString());
    }
  });

  it('new-hire: colleagues read within days of their account’s creation, little at first', () => {
    const first = new Map<string, number>();
    const volume = { first: 0, second: 0 };
    for (const { event, time } of eventsOf('new-hire')) {
      if (personsOf(event).length === 0) continue;
      const age = (time - Date.parse(String(event.portal!.account!.created_at))) / DAY_MS;
      first.set(event.user!.id!, Math.min(age, first.get(event.user!.id!) ?? Infinity));
      if (age < 7) volume.first++;
      else if (age < 14) volume.second++;
    }
    const atOnce = [...first.values()].filter((age) => age < 5);
    expect(atOnce.length).toBeGreaterThan(3);
    expect(atOnce.filter((age) => age < 1).length).toBeGreaterThan(0);
    expect(volume.first).toBeLessThan(volume.second);
  });

  it('rgc-onboarding: one manager creates 5 to 15 accounts, which then work', () => {
    // At this rate every manager takes on a team every week.
    const options = {
      ...FORTNIGHT,
      accounts: 1200,
      duration: '5d',
      confounderFactor: 60,
      confounders: 'rgc-onboarding',
    };
    const created = new Map<string, string[]>();
    const worked = new Set<string>();
    for (const { event } of linesOf('benign', options)) {
      const { action } = event.event!;
      if (action === 'account-create') {
        const { created_by: by, organization_id: organisation } = event.portal!.account!;
        expect([by, organisation]).toEqual([event.user!.id, event.organization!.id]);
        created.set(by!, [...(created.get(by!) ?? []), event.user!.target!.id!]);
      }
      if (action === 'record-view') worked.add(event.user!.id!);
    }
    const sittings = [...created.values()];
    expect(sittings.length).toBeGreaterThan(1);
    expect(Math.max(...sittings.map((ids) => ids.length))).toBeGreaterThanOrEqual(5);
    const all = sittings.flat();
    expect(all.filter((id) => worked.has(id)).length).toBeGreaterThan(all.length / 3);
  });

  it('service-overnight: unattended accounts read thousands at night, once a week', () => {
    const sessions = sessionsOf('service-overnight');
    // Two accounts, and no more than once a week whatever the factor.
    expect(sessions.length).toBe(4);
    for (const session of sessions) {
      const persons = new Set(session.flatMap(({ event }) => personsOf(event)));
      expect(persons.size).toBeGreaterThanOrEqual(4000);
      expect(persons.size).toBeLessThanOrEqual(12_000);
      for (const { event, time } of session) {
        expect(event.user!.roles).toEqual(['service']);
        expect(time - parisTime(parisDayOf(time))).toBeLessThan(5 * HOUR_MS);
      }
    }
  });

  it('scanner-noise: bursts of requests that nobody is logged in for', () => {
    const last = new Map<string, { time: number; requests: number }>();
    const bursts: { requests: number }[] = [];
    for (const { event, time } of eventsOf('scanner-noise')) {
      if (event.user ?? event.portal ?? event.event!.action) expect.fail(JSON.stringify(event));
      const burst = last.get(event.source!.ip!);
      if (burst !== undefined && time - burst.time < 60_000) {
        burst.requests++;
        burst.time = time;
      } else {
        const next = { time, requests: 1 };
        bursts.push(next);
        last.set(event.source!.ip!, next);
      }
    }
    // Lines of a flood send some 400 requests each.
    const scans = bursts.filter(({ requests }) => requests <= 300);
    expectRate('scanner-noise', scans.length);
    expect(Math.min(...scans.map(({ requests }) => requests))).toBeGreaterThanOrEqual(20);
  });

  it('forgotten-password: failures, a reset, then two devices within half an hour', () => {
    const loose = eventsOf('forgotten-password').filter(({ event }) => event.portal?.session === undefined);
    const resets = eventsOf('forgotten-password').filter(
      ({ event }) => event.event!.action === 'password-reset',
    );
    expectRate('forgotten-password', resets.length);
    let withTwo = 0;
    for (const { event, time } of resets) {
      const account = event.user!.target!.id;
      const failures = loose.filter(
        (other) => other.event.user!.id === account && Math.abs(time - other.time) < HOUR_MS,
      );
      expect(failures.length).toBeGreaterThanOrEqual(4);
      const after = eventsOf('forgotten-password').filter(
        (other) =>
          other.event.user!.id === account &&
          other.event.event!.action === 'login' &&
          other.time > time &&
          other.time < time + HOUR_MS,
      );
      if (new Set(after.map((other) => other.event.user_agent!.original)).size > 1) withTwo++;
    }
    expect(withTwo).toBeGreaterThan(0.9 * resets.length);
  });

  it('overseas-hours: overseas offices at work by night in Paris', () => {
    let night = 0;
    for (const session of sessionsOf('overseas-hours')) {
      const { event, time } = session[0]!;
      const hour = (time - parisTime(parisDayOf(time))) / HOUR_MS;
      if (event.event!.action === 'login') expect(hour < 7 || hour >= 19, `${hour}`).toBe(true);
      night++;
    }
    expect(night).toBeGreaterThan(50);
  });
});
