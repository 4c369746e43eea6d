/**
 * New colleagues: account managers create accounts, one or two at a time or a whole intake, and the owners start to
 * work.
 *
 * Assumed: an account manager hires in one week of six, and in 15 % of these two colleagues in one sitting, so about
 * one grant a month. A new colleague starts the same or the next working day (confounder new-hire; without it, one to
 * three weeks later) and reaches the usual volume in two weeks. An intake is created in one sitting of one or two hours
 * and starts within three working days (confounder rgc-onboarding).
 * Guarantee: who is hired when follows from (account manager, week) alone. Those hired in the quarter before the replay
 * work in it, as young accounts.
 */

import {
  DAY_MS,
  HOUR_MS,
  isWorkingDay,
  MINUTE_MS,
  mondayOf,
  parisDayOf,
  parisTime,
  weekOf,
} from './calendar.ts';
import type { Cast } from './cast.ts';
import type { ConfounderChoice } from './confounders.ts';
import { CONFOUNDERS, shareOf, TAG, weeklyChance } from './confounders.ts';
import { officeClock } from './day-shape.ts';
import type { Random } from './random.ts';

/** Days until a new colleague works as much as others, and the relative volume of the first day. */
export const GROWTH_DAYS = 14;
export const FIRST_DAY_VOLUME = 0.2;

const PAIR = 0.15;
const WEEKS_BEFORE = 13;

/** One account created by one account manager. */
export interface Hire {
  /** ms since the epoch. */
  readonly time: number;
  /** Positions in the cast. */
  readonly creator: number;
  readonly hired: number;
  readonly grants: number;
  readonly tags: number;
  /** True for the first account of a sitting, for which the account manager logs in. */
  readonly opens: boolean;
}

/** Adds everyone hired for a replay of [start, end) to the cast. Returns the hires in no particular order. */
export function hireInto(
  cast: Cast,
  random: Random,
  choice: ConfounderChoice,
  start: number,
  end: number,
): readonly Hire[] {
  const singles = random.split('new-hire');
  const intakes = random.split('rgc-onboarding');
  const atOnce = choice.names.has('new-hire');
  const perWeek = CONFOUNDERS['new-hire'].perWeek! * (atOnce ? choice.factor : 1);
  const singleChance = Math.min(1, perWeek / (10_000 * shareOf(['rgc']) * (1 + PAIR)));
  const intakeChance = weeklyChance(choice, 'rgc-onboarding', ['rgc']);
  const managers = cast.accounts.flatMap((account, i) => (account.role === 'rgc' ? [i] : []));
  const hires: Hire[] = [];
  for (const creator of managers) {
    const { index } = cast.accounts[creator]!;
    for (let week = weekOf(parisDayOf(start)) - WEEKS_BEFORE; week <= weekOf(parisDayOf(end)); week++) {
      const single = singles.at(index, week);
      if (single.chance(singleChance)) {
        const newcomers = single.chance(PAIR) ? 2 : 1;
        const begins = atOnce ? soon : later;
        hires.push(...sitting(cast, single, creator, week, newcomers, begins, TAG['new-hire']));
      }
      const intake = intakes.at(index, week);
      if (intake.chance(intakeChance)) {
        const newcomers = intake.between(5, 15);
        hires.push(...sitting(cast, intake, creator, week, newcomers, nextDays, TAG['rgc-onboarding']));
      }
    }
  }
  return hires;
}

/** When a colleague whose account is created at `time` starts, ms since the epoch. */
type Begins = (random: Random, time: number) => number;

const nextDays: Begins = (random, time) => {
  let day = parisDayOf(time);
  for (let left = random.between(1, 3); left > 0; left--) {
    do day++;
    while (!isWorkingDay(day));
  }
  return parisTime(day, 8 * HOUR_MS);
};

const soon: Begins = (random, time) => {
  const today = random.chance(0.5) && time < parisTime(parisDayOf(time), 15 * HOUR_MS);
  return today ? time + (10 + random.below(50)) * MINUTE_MS : nextDays(random, time);
};

const later: Begins = (random, time) => nextDays(random, time + random.between(5, 18) * DAY_MS);

/** One sitting of an account manager in a week; empty if its day is a holiday. */
function sitting(
  cast: Cast,
  random: Random,
  creator: number,
  week: number,
  newcomers: number,
  begins: Begins,
  tags: number,
): readonly Hire[] {
  const manager = cast.accounts[creator]!;
  const day = mondayOf(week) + random.below(5);
  let time = parisTime(day, officeClock(random));
  if (!isWorkingDay(day)) return [];
  return Array.from({ length: newcomers }, (_, i) => {
    const worksFrom = begins(random, time);
    const name = `hire ${manager.index} ${week} ${tags} ${i}`;
    const hired = cast.accounts.length;
    cast.hire(name, 'conseiller_mission_locale', manager, time, { worksFrom, tags });
    const hire = { time, creator, hired, grants: random.between(1, 2), tags, opens: i === 0 };
    time += 2 * MINUTE_MS + random.below(6 * MINUTE_MS);
    return hire;
  });
}
