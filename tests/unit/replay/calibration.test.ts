/**
 * The country holds what docs/replay.md says of it. Expected values are the documented ones; a tolerance is four
 * standard errors of the sample, so a right generator fails one seed in 16,000, and the seed is fixed.
 */

import { beforeAll, describe, expect, it } from 'vitest';

import { DAY_MS, HOUR_MS, parisDayOf, parisTime, weekdayOf } from '../../../replay/calendar.ts';
import { Cast } from '../../../replay/cast.ts';
import { CONFOUNDER_NAMES, CONFOUNDERS, TAG } from '../../../replay/confounders.ts';
import type { Hire } from '../../../replay/hires.ts';
import { hireInto } from '../../../replay/hires.ts';
import { Random } from '../../../replay/random.ts';
import { ROLES } from '../../../replay/roles.ts';
import { linesOf, personsOf } from './support.ts';

/** Four weeks without a public holiday, ordinary traffic alone. */
const MONTH = { accounts: 2500, start: '2025-03-03T00:00:00+01:00', duration: '28d', confounders: 'none' };
const WORKING_DAYS = 20;

interface AccountDay {
  readonly role: string;
  readonly account: string;
  readonly working: boolean;
  readonly persons: Set<string>;
  views: number;
  outOfScope: number;
  pages: number;
}

const days: AccountDay[] = [];
/** Reads of professionals: clock in hours (working days), and per weekday. */
const clocks: number[] = [];
const perWeekday = [0, 0, 0, 0, 0, 0, 0];
/** Gaps between two reads of an account in a row, ms, if under four minutes. */
const gaps: number[] = [];
const perHour = new Map<string, Set<string>>();
const resets: { readonly weekday: number; readonly hour: number }[] = [];
const structures = new Map<string, Set<string>>();
let pageSizes: number[] = [];

beforeAll(() => {
  const byKey = new Map<string, AccountDay>();
  const lastRead = new Map<string, number>();
  for (const { event, time, key } of linesOf('benign', MONTH)) {
    const role = String(event.user!.roles);
    const day = parisDayOf(time);
    const weekday = weekdayOf(day);
    const hour = (time - parisTime(day)) / HOUR_MS;
    const action = event.event!.action;
    const dayKey = `${key} ${day}`;
    let own = byKey.get(dayKey);
    if (own === undefined) {
      own = {
        role,
        account: key,
        working: weekday < 5,
        persons: new Set(),
        views: 0,
        outOfScope: 0,
        pages: 0,
      };
      byKey.set(dayKey, own);
    }
    if (role === 'demandeur' || role === 'service') continue;
    if (action === 'password-reset') resets.push({ weekday, hour });
    if (action === 'record-list') {
      own.pages++;
      pageSizes.push(personsOf(event).length);
    }
    if (action !== 'record-view') continue;
    const [person] = personsOf(event);
    own.persons.add(person!);
    own.views++;
    own.outOfScope += event.portal!.records!.out_of_scope_count!;
    perWeekday[weekday]!++;
    if (weekday < 5) clocks.push(hour);
    const gap = time - (lastRead.get(key) ?? -Infinity);
    if (gap < 240_000) gaps.push(gap);
    lastRead.set(key, time);
    add(perHour, `${key} ${Math.floor(time / HOUR_MS)}`, person!);
    if (role === 'conseiller') add(structures, dayKey, ...[event.portal!.records!.structures!].flat());
  }
  days.push(...byKey.values());
}, 300_000);

function add(sets: Map<string, Set<string>>, key: string, ...values: readonly string[]): void {
  let set = sets.get(key);
  if (set === undefined) sets.set(key, (set = new Set()));
  for (const value of values) set.add(value);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!;
}

/** Fails unless `value` is within four standard errors of what is documented. */
function expectNear(value: number, documented: number, standardError: number): void {
  const where = `${value} is not within 4 × ${standardError} of the documented ${documented}`;
  expect(Math.abs(value - documented), where).toBeLessThan(4 * standardError);
}

const daysOf = (role: string): AccountDay[] => days.filter((day) => day.role === role && day.working);
const accountsOf = (own: readonly AccountDay[]): number => new Set(own.map(({ account }) => account)).size;

describe('professionals', () => {
  it.each([
    // Role; mean, median and 99th percentile of distinct persons on a day of presence; share in caseload.
    ['conseiller', 32, 26, 124, 0.85],
    ['conseiller_mission_locale', 28, 23, 105, 0.85],
    ['of_gestionnaire', 3, 2, 15, 0.975],
  ] as const)('as %s see %d distinct persons a day', (role, persons, median, p99, inCaseload) => {
    const own = daysOf(role);
    const counts = own.map((day) => day.persons.size);
    const { accountDispersion, dayDispersion } = ROLES[role];
    // Days of one account share its level, so the levels' spread does not shrink with the number of days.
    const levels = 1 / accountDispersion / accountsOf(own);
    const relative = Math.sqrt(levels + (1 / dayDispersion + 1 / persons) / own.length);
    expectNear(mean(counts), persons, persons * relative);
    // A quantile of a skewed sample is less certain than the mean: by about the density there.
    expectNear(quantile(counts, 0.5), median, Math.max(0.3, 1.3 * median * relative));
    expectNear(quantile(counts, 0.99), p99, 2.5 * p99 * relative);
    const inScope =
      1 - mean(own.flatMap(({ views, outOfScope }) => (views === 0 ? [] : [outOfScope / views])));
    expectNear(inScope, inCaseload, 0.006);
  });

  it.each([
    ['conseiller', 0.85],
    ['of_gestionnaire', 0.6],
  ] as const)('as %s are present on %d of the working days', (role, presence) => {
    const cast = new Cast(Random.seeded('vigie'), {
      ...MONTH,
      jobseekers: 0,
      start: Date.parse(MONTH.start),
    });
    const accounts = cast.withRole(role).length;
    // A week off makes five days alike: one account-week in twelve.
    const perWeek = presence * (1 - presence) * 5 + 25 * presence * presence * (1 / 12);
    const error = Math.sqrt(perWeek * accounts * 4) / (accounts * WORKING_DAYS);
    expectNear(daysOf(role).length / (accounts * WORKING_DAYS), presence, error);
  });

  it('open a quarter of the persons of a day again', () => {
    const own = daysOf('conseiller');
    const persons = own.reduce((sum, day) => sum + day.persons.size, 0);
    const views = own.reduce((sum, day) => sum + day.views, 0);
    expectNear(views / persons - 1, 0.25, Math.sqrt(0.25 * 0.75) / Math.sqrt(persons));
  });

  it('open records of one to three structures a day, rarely more', () => {
    const counts = [...structures.values()].map((set) => set.size);
    expect(quantile(counts, 0.5)).toBe(2);
    expect(quantile(counts, 0.9)).toBe(3);
    expect(quantile(counts, 0.99)).toBeLessThanOrEqual(5);
  });

  it('as training organisations open a page of 10 to 30 trainees on one day in 30', () => {
    const own = daysOf('of_gestionnaire');
    const pages = own.reduce((sum, day) => sum + day.pages, 0);
    expectNear(pages / own.length, 1 / 30, Math.sqrt(1 / 30 / own.length));
    expect([Math.min(...pageSizes), Math.max(...pageSizes)]).toEqual([10, 30]);
    pageSizes = [];
  });

  it('have 1 % of their passwords reset a week, 60 % of them on Monday, most of these from 08:00 to 10:00', () => {
    const expected = 0.01 * MONTH.accounts * 4;
    expectNear(resets.length, expected, Math.sqrt(expected));
    const monday = resets.filter(({ weekday }) => weekday === 0);
    expectNear(monday.length / resets.length, 0.6, Math.sqrt(0.24 / resets.length));
    const early = monday.filter(({ hour }) => hour >= 8 && hour < 10);
    // Half of all, and a seventh of the tenth that falls on Monday at another hour.
    expectNear(early.length / resets.length, 0.5 + 0.1 / 7, Math.sqrt(0.25 / resets.length));
  });

  it('read at a person’s pace, tails included', () => {
    expect(gaps.reduce((least, gap) => Math.min(least, gap), Infinity)).toBeGreaterThanOrEqual(1999);
    const fast = gaps.filter((gap) => gap < 10_000).length / gaps.length;
    expect(fast).toBeGreaterThan(0.005);
    expect(fast).toBeLessThan(0.05);
    const counts = [...perHour.values()].map((set) => set.size);
    const busy = counts.filter((count) => count >= 60).length;
    // Three in 100,000 are documented; Poisson.
    expectNear(busy, 3e-5 * counts.length, Math.max(1, Math.sqrt(3e-5 * counts.length)));
    expect(counts.reduce((most, count) => Math.max(most, count), 0)).toBeGreaterThan(40);
  });
});

/** Reads per hour of [from, to) of working days. */
function rate(from: number, to: number): number {
  return clocks.filter((hour) => hour >= from && hour < to).length / (to - from);
}

/** The same relative to the morning's peak. */
function intensity(from: number, to: number): number {
  return rate(from, to) / rate(9, 11.5);
}

/** Of a share of the reads: they come in days of 40 on average, so the error is that of the days. */
function errorOf(share: number): number {
  return Math.sqrt((share * 40) / clocks.length);
}

/** Jobseekers' days with a visit. */
function visits(working: boolean): number {
  return days.filter((day) => day.role === 'demandeur' && day.working === working).length;
}

describe('the shape of a working day', () => {
  it('peaks in the morning and in the afternoon alike, and dips to half at lunch', () => {
    expectNear(intensity(14, 16), 1, 0.02);
    expectNear(intensity(12, 13.5), 0.5, 0.02);
    expect(intensity(7, 8)).toBeLessThan(0.1);
    expect(intensity(17.5, 19)).toBeLessThan(0.2);
  });

  it('leaves 2 % of the reads to the evening, none to the night', () => {
    const evening = clocks.filter((hour) => hour >= 19).length / clocks.length;
    // A fifth of the work of one account-day in ten.
    expectNear(evening, 0.02, errorOf(0.02) / Math.sqrt(5));
    expect(clocks.filter((hour) => hour < 6.9 || hour > 23.5).length).toBe(0);
  });

  it('has its weekly shape, and half a percent of a working day on a weekend day', () => {
    const total = perWeekday.slice(0, 5).reduce((sum, count) => sum + count, 0) / 5;
    [1.1, 1.08, 0.92, 1.05, 0.85].forEach((volume, i) => {
      expectNear(perWeekday[i]! / total, volume, Math.sqrt((40 * 5) / clocks.length));
    });
    const weekend = (perWeekday[5]! + perWeekday[6]!) / 2 / total;
    // Days of ten reads with a spread of their own: some 120 of them in eight weekend days.
    expectNear(weekend, 0.005, 0.005 / Math.sqrt(60));
  });
});

describe('jobseekers', () => {
  it('log in on one day in ten, at weekends on one in 25', () => {
    const seekers = MONTH.accounts;
    // Levels differ between jobseekers (gamma, shape 4).
    const relative = (n: number): number => Math.sqrt(1 / n + 1 / 4 / seekers);
    const onWorkingDays = 0.1 * seekers * WORKING_DAYS;
    const onWeekends = 0.04 * seekers * 8;
    expectNear(visits(true), onWorkingDays, onWorkingDays * relative(onWorkingDays));
    expectNear(visits(false), onWeekends, onWeekends * relative(onWeekends));
  });
});

describe('account managers', () => {
  const start = Date.parse(MONTH.start);
  const end = start + 28 * DAY_MS;
  const accounts = 60_000;
  const cast = new Cast(Random.seeded('vigie'), { accounts, jobseekers: 0, start });
  const managers = cast.withRole('rgc').length;
  const choice = { names: new Set(CONFOUNDER_NAMES), factor: 1 };
  const hires = hireInto(cast, Random.seeded('vigie'), choice, start, end).filter(
    ({ time }) => time >= start && time < end,
  );
  const single = hires.filter(({ tags }) => tags === TAG['new-hire']);
  const intake = hires.filter(({ tags }) => tags === TAG['rgc-onboarding']);

  it('create about one account a month each, two in one sitting in 15 %', () => {
    // Per 10,000 accounts and week as documented; the managers' number is that of this cast.
    const expected = (CONFOUNDERS['new-hire'].perWeek! / (10_000 * ROLES.rgc.share)) * managers * 4;
    expectNear(single.length, expected, Math.sqrt(1.3 * expected));
    expectNear(single.length / managers, 0.83, 0.83 * Math.sqrt(1.3 / expected));
    const sittings = sizesOf(single);
    expect(Math.max(...sittings)).toBe(2);
    const pairs = sittings.filter((size) => size === 2).length;
    expectNear(pairs / sittings.length, 0.15, Math.sqrt((0.15 * 0.85) / sittings.length));
  });

  it('take on 5 to 15 colleagues in one sitting about once a year', () => {
    const sittings = sizesOf(intake);
    const expected = (CONFOUNDERS['rgc-onboarding'].perWeek! / (10_000 * ROLES.rgc.share)) * managers * 4;
    expectNear(sittings.length, expected, Math.sqrt(expected));
    for (const size of sittings) expect(size >= 5 && size <= 15, `${size} in one sitting`).toBe(true);
  });
});

/** Number of accounts created in each sitting. */
function sizesOf(hires: readonly Hire[]): readonly number[] {
  const sizes = new Map<string, number>();
  for (const { creator, time } of hires) {
    const key = `${creator} ${parisDayOf(time)}`;
    sizes.set(key, (sizes.get(key) ?? 0) + 1);
  }
  return [...sizes.values()];
}
