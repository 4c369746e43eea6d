/**
 * A day's visits of persons as a sequence in time: logins, searches, views, documents, logouts.
 *
 * Assumed: 30 % of views follow a search (which names nobody), 5 % lead to a document; people log in in the morning,
 * the afternoon and, if they work then, the evening; 4 % of logins need a second try; 70 % log out. People open one
 * record after the other at reading pace: log-normal, median 22 s, one in 100 under 3 s, never under 2 s.
 */

import { blockOf, drawClock, EVENING_CHANCE, EVENING_SHARE } from './day-shape.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './calendar.ts';
import { TAG } from './confounders.ts';
import type { DayPlan } from './day-plan.ts';
import { KIND } from './day-plan.ts';
import type { Persons } from './persons.ts';
import { PLACE } from './places.ts';
import type { Random } from './random.ts';

const MIN_DWELL_MS = 2 * SECOND_MS;
const MEDIAN_DWELL_MS = 22 * SECOND_MS;
const DWELL_SIGMA = 0.9;
/** Longer gaps are not due to reading. */
const LONG_DWELL_MS = 4 * MINUTE_MS;
/** Chance that a person seen today is opened again today. */
const REVISIT = 0.25;
/** Chance that a view follows a search, and that a document is opened from it. */
const SEARCH = 0.3;
const DOWNLOAD = 0.05;
/** Chance that a login needs a second try, and that the person logs out at the end. */
const MISTYPED = 0.04;
const LOGOUT = 0.7;
const END_OF_DAY_MS = 18 * HOUR_MS;

/** A list opened or exported once during the day. */
export interface Extra {
  readonly kind: typeof KIND.list | typeof KIND.export;
  readonly persons: readonly number[];
  readonly tags: number;
}

export interface VisitsOptions {
  readonly actor: number;
  /** By the account's clock, ms since the epoch. */
  readonly midnight: number;
  /** Number of the chosen persons that are opened within one hour. */
  readonly campaign: number;
  /** Confounders that the day's sessions count as. */
  readonly tags: number;
  /** Time of a login that is already planned, before which nothing happens; 0: none. */
  readonly loggedInAt: number;
  /** Time before which nothing happens; 0: none. */
  readonly notBefore: number;
  /** True if the first session begins on a mobile line. */
  readonly moves: boolean;
  readonly extras: readonly Extra[];
}

let clocks = new Float64Array(1024);

/** Plans the visits of the chosen persons, with everything around them. */
export function planVisits(plan: DayPlan, random: Random, persons: Persons, options: VisitsOptions): void {
  const { actor, midnight, extras } = options;
  const { ids, scopes } = persons;
  const count = ids.length;
  let revisits = 0;
  for (let i = 0; i < count; i++) if (random.chance(REVISIT)) revisits++;
  const visits = count + revisits;
  // Someone who views nobody still logs in and searches once.
  const moments = drawClocks(random, Math.max(1, visits), options);
  let next = 0;
  let block = options.loggedInAt > 0 ? blockOf(moments[0]!) : -1;
  for (let i = 0; i < moments.length; i++) {
    const at = midnight + moments[i]!;
    if (blockOf(moments[i]!) !== block) {
      if (i > 0) planLogout(plan, random, actor, midnight + moments[i - 1]!, at);
      block = blockOf(moments[i]!);
      planLogin(plan, random, options, at, i === 0);
    }
    if (i === 0) {
      for (const { kind, persons: page, tags } of extras) {
        plan.addPage(at + 6 * SECOND_MS + random.below(6 * SECOND_MS), kind, actor, page, tags);
      }
    }
    if (visits === 0 || random.chance(SEARCH)) {
      plan.add(at - 5 * SECOND_MS - random.below(15 * SECOND_MS), KIND.search, actor);
    }
    if (visits === 0) continue;
    const left = moments.length - i;
    const again = next > 0 && random.below(left) < left - (count - next);
    const k = again ? random.below(next) : next++;
    plan.add(at, KIND.view, actor, ids[k], scopes[k]);
    if (random.chance(DOWNLOAD)) {
      const later = SECOND_MS + random.below(12 * SECOND_MS);
      plan.add(at + later, KIND.download, actor, ids[k], scopes[k]);
    }
  }
  planLogout(plan, random, actor, midnight + moments[moments.length - 1]!, Infinity);
}

/** Sorted clock times, spaced at a reader's pace. */
function drawClocks(random: Random, count: number, options: VisitsOptions): Float64Array {
  if (count > clocks.length) clocks = new Float64Array(2 * count);
  const drawn = clocks.subarray(0, count);
  const eveningShare = random.chance(EVENING_CHANCE) ? EVENING_SHARE : 0;
  const earliest = Math.max(options.loggedInAt, options.notBefore) + 3 * MINUTE_MS - options.midnight;
  const campaignAt = options.campaign === 0 ? 0 : drawClock(random, false);
  for (let i = 0; i < count; i++) {
    let clock =
      i < options.campaign
        ? campaignAt + random.below(50 * MINUTE_MS)
        : drawClock(random, eveningShare > 0 && random.chance(eveningShare));
    if (clock < earliest) clock = earliest + random.float() * Math.max(HOUR_MS, END_OF_DAY_MS - earliest);
    drawn[i] = clock;
  }
  drawn.sort();
  for (let i = 1; i < count; i++) {
    const gap = drawn[i]! - drawn[i - 1]!;
    if (gap >= LONG_DWELL_MS) continue;
    const dwell = Math.max(MIN_DWELL_MS, MEDIAN_DWELL_MS * Math.exp(DWELL_SIGMA * random.normal()));
    if (gap < dwell) drawn[i] = drawn[i - 1]! + dwell;
  }
  return drawn;
}

function planLogin(
  plan: DayPlan,
  random: Random,
  { actor, moves, tags, notBefore }: VisitsOptions,
  firstUse: number,
  first: boolean,
): void {
  const login = Math.max(notBefore, firstUse - 30 * SECOND_MS - random.below(150 * SECOND_MS));
  if (random.chance(MISTYPED)) {
    plan.add(login - 8 * SECOND_MS - random.below(15 * SECOND_MS), KIND.loginFailure, actor);
  }
  if (first && moves) {
    plan.add(login, KIND.login, actor, PLACE.mobile, tags | TAG['mobile-to-office']);
    plan.add(login + (10 + (firstUse % 36)) * MINUTE_MS, KIND.move, actor);
  } else {
    plan.add(login, KIND.login, actor, PLACE.usual, tags);
  }
}

/** Logs out some minutes after the last use, unless the next login comes earlier. */
function planLogout(plan: DayPlan, random: Random, actor: number, lastUse: number, nextUse: number): void {
  const logout = lastUse + 30 * SECOND_MS + random.below(270 * SECOND_MS);
  if (random.chance(LOGOUT) && logout < nextUse - 210 * SECOND_MS) plan.add(logout, KIND.logout, actor);
}

/** Mean events of a day with this many distinct persons. */
export function eventsOfVisits(persons: number): number {
  const views = persons * (1 + REVISIT);
  const blocks = 1 + Math.min(1, views / 8) * (1 + EVENING_CHANCE);
  return views * (1 + SEARCH + DOWNLOAD) + Math.max(0, 1 - views) + blocks * (1 + MISTYPED + LOGOUT);
}
