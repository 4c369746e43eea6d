import { beforeAll, describe, expect, it } from 'vitest';

import { parisOffsetMs } from '../../../replay/calendar.ts';
import type { Account } from '../../../replay/cast.ts';
import { Cast } from '../../../replay/cast.ts';
import { Random } from '../../../replay/random.ts';
import { linesOf, personsOf } from './support.ts';

/** The accounts behind a benign replay of the default seed. */
const castOf = (size: number): readonly Account[] => new Cast(Random.seeded('vigie'), size).accounts;

const HOUR = 3_600_000;
const WEEK = { accounts: 1000, start: '2025-06-30T00:00:00+02:00', duration: '7d' };

interface Seen {
  readonly time: number;
  readonly account: string;
  readonly role: string;
  readonly action: string;
  readonly target: string | undefined;
  readonly persons: readonly string[];
  readonly outOfScope: number;
}

/** Weekday (0 = Monday) and hour in Paris. */
function paris(time: number): { weekday: number; hour: number } {
  const local = new Date(time + parisOffsetMs(time));
  return { weekday: (local.getUTCDay() + 6) % 7, hour: local.getUTCHours() + local.getUTCMinutes() / 60 };
}

/** What the first five accounts of a cast of that size look at in four days. */
function viewsOfFirstFive(accounts: number): string[] {
  const texts: string[] = [];
  const ids = new Set(castOf(5).map((account) => account.userId));
  for (const { key, text } of linesOf('benign', { ...WEEK, accounts, duration: '4d' }, 'record-view')) {
    // Event ids and sizes are drawn in the order of writing.
    if (ids.has(key)) texts.push(text.replace(/"id":"[0-9A-Z]{26}"/, '').replace(/"bytes":\d+/, ''));
  }
  return texts;
}

describe('a benign week of 1,000 accounts', () => {
  const week: Seen[] = [];
  beforeAll(() => {
    for (const { event, time } of linesOf('benign', WEEK)) {
      week.push({
        time,
        account: event.user!.id!,
        role: String(event.user!.roles),
        action: event.event!.action!,
        target: event.user!.target?.id,
        persons: personsOf(event),
        outOfScope: event.portal?.records?.out_of_scope_count ?? 0,
      });
    }
  });

  const reads = (role: RegExp): Seen[] => week.filter((e) => e.persons.length > 0 && role.test(e.role));

  it('comes in time order and within its span', () => {
    const start = Date.parse(WEEK.start);
    let last = start;
    for (const { time } of week) {
      if (time < last || time >= start + 7 * 24 * HOUR) expect.fail(new Date(time).toISOString());
      last = time;
    }
  });

  it('has advisers who see 25 to 40 distinct persons on a day of work, the busiest 1 % about 120', () => {
    const days = new Map<string, Set<string>>();
    for (const { time, account, persons } of reads(/^conseiller(_cap_emploi)?$/)) {
      const { weekday } = paris(time);
      if (weekday > 4) continue;
      const key = `${account} ${weekday}`;
      const day = days.get(key) ?? new Set();
      for (const person of persons) day.add(person);
      days.set(key, day);
    }
    const counts = [...days.values()].map((day) => day.size).sort((a, b) => a - b);
    const mean = counts.reduce((sum, n) => sum + n, 0) / counts.length;
    expect(mean).toBeGreaterThan(25);
    expect(mean).toBeLessThan(40);
    const busiest = counts[Math.floor(counts.length * 0.99)]!;
    expect(busiest).toBeGreaterThan(80);
    expect(busiest).toBeLessThan(180);
  });

  it('has advisers who stay within their caseload for 80 to 90 % and return to the same persons', () => {
    const all = reads(/^conseiller(_cap_emploi)?$/);
    const outside = all.filter((e) => e.outOfScope > 0).length / all.length;
    expect(outside).toBeGreaterThan(0.08);
    expect(outside).toBeLessThan(0.25);
    const pairs = new Set(all.flatMap((e) => e.persons.map((person) => `${e.account} ${person}`)));
    expect(pairs.size / all.length).toBeLessThan(0.8);
  });

  it('has training organisations that see about three persons a day, with bursts', () => {
    const days = new Map<string, number>();
    for (const { time, account, action, persons } of reads(/^of_gestionnaire$/)) {
      if (action === 'record-list') expect(persons.length).toBeGreaterThanOrEqual(10);
      if (action !== 'record-view') continue;
      const key = `${account} ${paris(time).weekday}`;
      days.set(key, (days.get(key) ?? 0) + 1);
    }
    const mean = [...days.values()].reduce((sum, n) => sum + n, 0) / days.size;
    expect(mean).toBeGreaterThan(2.5);
    expect(mean).toBeLessThan(6);
  });

  it('peaks in the morning and afternoon, dips at lunch, and is nearly silent in the evening', () => {
    const overseas = new Set(
      castOf(WEEK.accounts).flatMap(({ userId, zoneOffsetMs }) =>
        zoneOffsetMs === undefined ? [] : [userId],
      ),
    );
    const home = week.filter((e) => !overseas.has(e.account));
    const perHour = (from: number, to: number): number =>
      home.filter((e) => {
        const { weekday, hour } = paris(e.time);
        return weekday < 5 && hour >= from && hour < to;
      }).length /
      (to - from);
    const morning = perHour(9.5, 11.5);
    const afternoon = perHour(14, 16);
    const lunch = perHour(12, 13.5);
    expect(afternoon / morning).toBeGreaterThan(0.8);
    expect(afternoon / morning).toBeLessThan(1.25);
    expect(lunch / morning).toBeGreaterThan(0.4);
    expect(lunch / morning).toBeLessThan(0.65);
    const all = home.filter((e) => paris(e.time).weekday < 5).length;
    const evening = (perHour(19, 24) * 5 + perHour(0, 7) * 7) / all;
    expect(evening).toBeGreaterThan(0.005);
    expect(evening).toBeLessThan(0.04);
  });

  it('has about half a percent of a working day on a weekend day', () => {
    const weekend = week.filter((e) => paris(e.time).weekday > 4).length / 2;
    const working = week.filter((e) => paris(e.time).weekday < 5).length / 5;
    expect(weekend / working).toBeLessThan(0.02);
    expect(weekend).toBeGreaterThan(0);
  });

  it('has no account that reaches 150 distinct persons in any hour', () => {
    const byAccount = new Map<string, Seen[]>();
    for (const event of week) {
      if (event.persons.length === 0) continue;
      const own = byAccount.get(event.account);
      if (own === undefined) byAccount.set(event.account, [event]);
      else own.push(event);
    }
    let most = 0;
    for (const events of byAccount.values()) {
      for (let i = 0, j = 0; i < events.length; i++) {
        while (events[i]!.time - events[j]!.time >= HOUR) j++;
        const shown = events.slice(j, i + 1).reduce((sum, event) => sum + event.persons.length, 0);
        most = Math.max(most, shown);
      }
    }
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThan(150);
  });

  it('leaves accounts as they are when others are added', () => {
    const alone = viewsOfFirstFive(5);
    expect(alone.length).toBeGreaterThan(10);
    expect(viewsOfFirstFive(50)).toEqual(alone);
  });
});

/** Most accounts that one creator creates within 24 hours of a fortnight. */
function mostCreations(onboarding: number): number {
  const created = new Map<string, number[]>();
  const options = { ...WEEK, accounts: 2000, duration: '14d', onboarding };
  for (const { event, time } of linesOf('benign', options, 'account-create')) {
    expect(String(event.user!.roles)).toBe('rgc');
    created.set(event.user!.id!, [...(created.get(event.user!.id!) ?? []), time]);
  }
  return Math.max(
    0,
    ...[...created.values()].flatMap((times) =>
      times.map((end) => times.filter((time) => time <= end && time > end - 24 * HOUR).length),
    ),
  );
}

describe('account creation', () => {
  it('is at most one a day by anybody, as long as no onboarding is asked for', () => {
    expect(mostCreations(0)).toBe(1);
  });

  it('comes in bursts of 5 to 15 when onboarding is asked for', () => {
    const most = mostCreations(3);
    expect(most).toBeGreaterThanOrEqual(5);
    expect(most).toBeLessThanOrEqual(31);
  });
});
