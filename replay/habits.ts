/**
 * What one account does on one day: from habits to the entries of a day plan.
 *
 * Everything is drawn from the stream of (account, day), so neither the size of the cast nor the length of
 * the replay changes anybody's day. Pure planning; no text is made here.
 *
 * Guarantee: two views by one account on one day are at least MIN_DWELL_MS apart, so nobody opens more than
 * 144 records in an hour, however busy the day. That is the physical pace of a person who reads.
 */

import type { Account } from './cast.ts';
import { REGISTER_SIZE, STRUCTURES } from './cast.ts';
import {
  DAY_MS,
  HOUR_MS,
  isWorkingDay,
  MINUTE_MS,
  parisTime,
  SECOND_MS,
  weekdayOf,
  weekOf,
} from './calendar.ts';
import type { DayPlan } from './day-plan.ts';
import { KIND } from './day-plan.ts';
import { blockOf, drawClock, EVENING_CHANCE, EVENING_SHARE, officeClock } from './day-shape.ts';
import { WEEKEND_PRESENCE, WEEKEND_VOLUME } from './day-shape.ts';
import type { Permutation, Random } from './random.ts';

const MIN_DWELL_MS = 25 * SECOND_MS;
/** Chance that a person seen today is opened again today. */
const REVISIT = 0.25;
/** Chance that a view follows a search; that a document is opened from it. */
const SEARCH = 0.3;
const DOWNLOAD = 0.05;
/** Chance that a login needs a second try; that the person logs out at the end. */
const MISTYPED = 0.04;
const LOGOUT = 0.7;
/** A training session starts on one in 30 of a trainer's days: a page of 10 to 30 trainees. */
const SESSION_START = 1 / 30;
/** Resets by the helpdesk: 1 % of accounts per week, half of them Monday 08:00–10:00. */
const WEEKLY_RESET = 0.01;
/** An account manager creates an account (and grants one right) in one week of four. */
const WEEKLY_HIRE = 0.25;

export class Habits {
  readonly #random: Random;
  readonly #registers: Readonly<Record<'p' | 'j', Permutation>>;
  // Scratch of one account-day, reused.
  readonly #caseload = new Uint32Array(512);
  readonly #persons: number[] = [];
  readonly #scopes: number[] = [];
  #clocks = new Float64Array(1024);

  /** `registers` hides the order of persons: neighbours in a caseload are no neighbours by id. */
  constructor(random: Random, registers: Readonly<Record<'p' | 'j', Permutation>>) {
    this.#random = random;
    this.#registers = registers;
  }

  /** Plans one account's day. `actor` is the account's position in the cast. */
  plan(plan: DayPlan, actor: number, account: Account, day: number): void {
    const working = isWorkingDay(day);
    const random = this.#random.at(account.index, day);
    const { profile } = account;
    const start = account.zoneOffsetMs === undefined ? parisTime(day) : day * DAY_MS - account.zoneOffsetMs;
    if (working) this.#planReset(plan, actor, account, day, start);
    if (!random.chance(profile.presence * (working ? 1 : WEEKEND_PRESENCE))) return;
    const mean = account.personsPerDay * (working ? 1 : WEEKEND_VOLUME);
    let count = mean === 0 ? 0 : random.negativeBinomial(mean, profile.dayDispersion);
    if (working && profile.role === 'of_gestionnaire' && random.chance(SESSION_START)) {
      const page = this.#choosePersons(random, account, random.between(10, 30));
      plan.addPage(start + officeClock(random), actor, [...page]);
    }
    count = this.#choosePersons(random, account, count).length;
    this.#planVisits(plan, random, actor, start, count);
    if (working && profile.role === 'rgc') this.#planHire(plan, actor, account, day, start);
  }

  /** An onboarding burst: 5 to 15 accounts within about an hour, one or two rights each. */
  planOnboarding(plan: DayPlan, random: Random, actor: number, start: number): void {
    let clock = officeClock(random);
    const newcomers = random.between(5, 15);
    for (let i = 0; i < newcomers; i++) {
      const number = random.below(1 << 30);
      plan.add(start + clock, KIND.create, actor, number);
      const grants = random.between(1, 2);
      for (let g = 1; g <= grants; g++)
        plan.add(start + clock + g * 20_000, KIND.grant, actor, number, g - 1);
      clock += 2 * MINUTE_MS + random.below(4 * MINUTE_MS);
    }
  }

  /** `wanted` distinct persons (fewer only if they repeat by chance outside the caseload) and their scopes. */
  #choosePersons(random: Random, account: Account, wanted: number): readonly number[] {
    const register = account.profile.register;
    const size = REGISTER_SIZE[register];
    const permutation = this.#registers[register];
    this.#persons.length = 0;
    this.#scopes.length = 0;
    for (let i = 0; i < account.caseloadSize; i++) this.#caseload[i] = i;
    let used = 0;
    for (let i = 0; i < wanted; i++) {
      if (used < account.caseloadSize && random.chance(account.inScopeShare)) {
        const j = used + random.below(account.caseloadSize - used);
        const chosen = this.#caseload[j]!;
        this.#caseload[j] = this.#caseload[used]!;
        used++;
        this.#persons.push(permutation.of((account.caseloadStart + chosen) % size));
        this.#scopes.push(0);
      } else {
        this.#persons.push(random.below(size));
        this.#scopes.push(1 + random.below(STRUCTURES));
      }
    }
    return this.#persons;
  }

  /** Visits of the chosen persons, with logins, searches, downloads and logouts around them. */
  #planVisits(plan: DayPlan, random: Random, actor: number, start: number, count: number): void {
    let revisits = 0;
    for (let i = 0; i < count; i++) if (random.chance(REVISIT)) revisits++;
    const visits = count + revisits;
    const eveningShare = random.chance(EVENING_CHANCE) ? EVENING_SHARE : 0;
    // Someone who reads nobody still logs in and searches once.
    const moments = this.#drawClocks(random, Math.max(1, visits), eveningShare);
    let next = 0;
    let block = -1;
    for (let i = 0; i < moments.length; i++) {
      const clock = moments[i]!;
      const at = start + clock;
      if (blockOf(clock) !== block) {
        if (i > 0) this.#planLogout(plan, random, actor, start + moments[i - 1]!, at);
        block = blockOf(clock);
        this.#planLogin(plan, random, actor, at);
      }
      if (visits === 0 || random.chance(SEARCH)) {
        plan.add(at - 5 * SECOND_MS - random.below(15 * SECOND_MS), KIND.search, actor);
      }
      if (visits === 0) continue;
      const left = moments.length - i;
      const again = next > 0 && random.below(left) < left - (count - next);
      const k = again ? random.below(next) : next++;
      plan.add(at, KIND.view, actor, this.#persons[k], this.#scopes[k]);
      if (random.chance(DOWNLOAD)) {
        const later = 4 * SECOND_MS + random.below(12 * SECOND_MS);
        plan.add(at + later, KIND.download, actor, this.#persons[k], this.#scopes[k]);
      }
    }
    this.#planLogout(plan, random, actor, start + moments[moments.length - 1]!, Infinity);
  }

  /** Sorted clock times, at least MIN_DWELL_MS apart. */
  #drawClocks(random: Random, count: number, eveningShare: number): Float64Array {
    if (count > this.#clocks.length) this.#clocks = new Float64Array(2 * count);
    const clocks = this.#clocks.subarray(0, count);
    for (let i = 0; i < count; i++) {
      clocks[i] = drawClock(random, eveningShare > 0 && random.chance(eveningShare));
    }
    clocks.sort();
    for (let i = 1; i < count; i++) {
      const earliest = clocks[i - 1]! + MIN_DWELL_MS;
      if (clocks[i]! < earliest) clocks[i] = earliest + random.below(10 * SECOND_MS);
    }
    return clocks;
  }

  #planLogin(plan: DayPlan, random: Random, actor: number, firstUse: number): void {
    const login = firstUse - 30 * SECOND_MS - random.below(150 * SECOND_MS);
    if (random.chance(MISTYPED)) {
      plan.add(login - 8 * SECOND_MS - random.below(15 * SECOND_MS), KIND.loginFailure, actor);
    }
    plan.add(login, KIND.login, actor);
  }

  /** Logs out some minutes after the last use, unless the next login comes first. */
  #planLogout(plan: DayPlan, random: Random, actor: number, lastUse: number, nextUse: number): void {
    const logout = lastUse + 30 * SECOND_MS + random.below(270 * SECOND_MS);
    if (random.chance(LOGOUT) && logout < nextUse - 210 * SECOND_MS) plan.add(logout, KIND.logout, actor);
  }

  #planReset(plan: DayPlan, actor: number, account: Account, day: number, start: number): void {
    const random = this.#random.at(account.index, -1 - weekOf(day));
    if (!random.chance(WEEKLY_RESET)) return;
    const early = random.chance(0.5);
    const weekday = early ? 0 : random.below(5);
    if (weekdayOf(day) !== weekday) return;
    const at = start + (early ? 8 * HOUR_MS + random.below(2 * HOUR_MS) : officeClock(random));
    const failures = random.between(1, 3);
    for (let i = 0; i < failures; i++) {
      plan.add(at - (failures - i) * 4 * MINUTE_MS - random.below(MINUTE_MS), KIND.loginFailure, actor);
    }
    plan.add(at, KIND.reset, actor, random.below(1 << 30));
    plan.add(at + 2 * MINUTE_MS + random.below(8 * MINUTE_MS), KIND.login, actor);
  }

  #planHire(plan: DayPlan, actor: number, account: Account, day: number, start: number): void {
    const random = this.#random.at(account.index, 1_000_000 + weekOf(day));
    if (!random.chance(WEEKLY_HIRE) || random.below(5) !== weekdayOf(day)) return;
    const at = start + officeClock(random);
    const number = random.below(1 << 30);
    plan.add(at, KIND.create, actor, number);
    plan.add(at + MINUTE_MS + random.below(5 * MINUTE_MS), KIND.grant, actor, number);
  }
}

/** Mean events of one account on a working day, for progress bars: the sums of the chances above. */
export function meanEventsPerWorkingDay(account: Account): number {
  const { presence, role } = account.profile;
  const views = account.personsPerDay * (1 + REVISIT);
  const blocks = 1 + Math.min(1, views / 8) * (1 + EVENING_CHANCE);
  const sessions = blocks * (1 + MISTYPED + LOGOUT);
  const extra = role === 'of_gestionnaire' ? SESSION_START : 0;
  return presence * (views * (1 + SEARCH + DOWNLOAD) + Math.max(0, 1 - views) + sessions + extra);
}
