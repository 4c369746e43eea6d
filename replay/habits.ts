/**
 * What one account does on one day: from habits to the entries of a day plan. This file covers professionals;
 * jobseekers and unattended accounts have their own.
 *
 * Everything is drawn from the stream of (account, day) or (account, week), so neither the size of the cast nor the
 * length of the replay changes anybody's day. Each confounder has its own stream beside it and changes only the days it
 * falls on. Pure planning; no text is made here.
 *
 * Assumed: presence and persons as in roles.ts, around the account's own level; one week in twelve is a holiday;
 * negative binomial days (dispersion 2.6 between days, 6 between accounts), by weekday as in day-shape.ts; a quarter of
 * the persons are opened twice; on one adviser's day in 200 a campaign opens 20 to 60 more within an hour.
 */

import type { Account } from './cast.ts';
import { REGISTER_SIZE } from './cast.ts';
import { DAY_MS, HOUR_MS, isWorkingDay, MINUTE_MS, parisTime, weekdayOf, weekOf } from './calendar.ts';
import type { ConfounderChoice } from './confounders.ts';
import { TAG, weeklyChance, weeklyRate } from './confounders.ts';
import type { DayPlan } from './day-plan.ts';
import { KIND } from './day-plan.ts';
import {
  isDeclarationPeak,
  officeClock,
  WEEKDAY_VOLUME,
  WEEKEND_PRESENCE,
  WEEKEND_VOLUME,
} from './day-shape.ts';
import { FIRST_DAY_VOLUME, GROWTH_DAYS } from './hires.ts';
import { jobseekerEvents, planJobseeker } from './jobseekers.ts';
import { Persons } from './persons.ts';
import type { Permutation, Random } from './random.ts';
import type { RoleName } from './roles.ts';
import { ROLES } from './roles.ts';
import { planService, serviceEvents } from './services.ts';
import type { Extra } from './visits.ts';
import { eventsOfVisits, planVisits } from './visits.ts';

/** Roles that work on their own caseload; training organisations work on courses. */
const ADVISERS: readonly RoleName[] = ['conseiller', 'conseiller_cap_emploi', 'conseiller_mission_locale'];
const HOLIDAY_WEEK = 1 / 12;
/** On one in 30 of a trainer's days a course starts: a page of 10 to 30 trainees. */
const SESSION_START = 1 / 30;
const CAMPAIGN = 1 / 200;
/** Resets by the helpdesk: 1 % of accounts per week, half of them Monday 08:00–10:00. */
const WEEKLY_RESET = 0.01;
/** Extra work for advisers during the jobseekers' declaration days. */
const PEAK_VOLUME = 1.2;
/** Share of the trainers' accounts that export lists; turns the weekly rate into the chance of one account. */
const EXPORTER_SHARE = 0.006;

/** What a day has in common for everybody. */
interface Today {
  readonly day: number;
  readonly week: number;
  readonly weekday: number;
  /** In Europe/Paris. */
  readonly midnight: number;
  readonly working: boolean;
  readonly peak: boolean;
}

export class Habits {
  readonly #random: Random;
  readonly #weeks: Random;
  readonly #covers: Random;
  readonly #moves: Random;
  readonly #exports: Random;
  readonly #forgotten: Random;
  readonly #choice: ConfounderChoice;
  readonly #persons: Persons;
  readonly #registers: Readonly<Record<'p' | 'j', Permutation>>;
  /** Chances: of a cover per account and week, of a move per day of presence, and so on. */
  readonly #coverChance: number;
  readonly #moveChance: number;
  readonly #exportChance: number;
  readonly #forgottenShare: number;
  readonly #fullRunChance: number;
  readonly #extras: Extra[] = [];
  #today: Today = { day: NaN, week: 0, weekday: 0, midnight: 0, working: false, peak: false };

  constructor(random: Random, registers: Readonly<Record<'p' | 'j', Permutation>>, choice: ConfounderChoice) {
    this.#random = random;
    this.#weeks = random.split('weeks');
    this.#covers = random.split('absent-colleague-cover');
    this.#moves = random.split('mobile-to-office');
    this.#exports = random.split('trainee-list-export');
    this.#forgotten = random.split('forgotten-password');
    this.#choice = choice;
    this.#registers = registers;
    this.#persons = new Persons(registers);
    this.#coverChance = weeklyChance(choice, 'absent-colleague-cover', ADVISERS);
    this.#moveChance = weeklyChance(choice, 'mobile-to-office', ADVISERS) / 5 / ROLES.conseiller.presence;
    const exports = weeklyChance(choice, 'trainee-list-export', ['of_gestionnaire']);
    this.#exportChance = Math.min(1, exports / EXPORTER_SHARE / ROLES.of_gestionnaire.presence);
    this.#forgottenShare = Math.min(1, weeklyRate(choice, 'forgotten-password') / (10_000 * WEEKLY_RESET));
    this.#fullRunChance = Math.min(1, weeklyRate(choice, 'service-overnight') / 4);
  }

  /** Plans one account's day. `actor` is the account's position in the cast. */
  plan(plan: DayPlan, actor: number, account: Account, day: number): void {
    if (day !== this.#today.day) this.#today = todayOf(day, this.#choice);
    const { hired, role } = account;
    const midnight = this.#midnightOf(account);
    if (hired !== undefined && hired.worksFrom >= midnight + DAY_MS) return;
    const random = this.#random.at(account.index, day);
    if (role === 'demandeur') {
      const self = this.#registers.p.of(account.caseloadStart % REGISTER_SIZE.p);
      planJobseeker(plan, random, actor, account, midnight, self, this.#today);
    } else if (role === 'service') {
      const { day: night } = this.#today;
      planService(plan, random, actor, account, night, midnight, this.#persons, this.#fullRunChance);
    } else {
      this.#planProfessional(plan, random, actor, account, midnight);
    }
  }

  #planProfessional(plan: DayPlan, random: Random, actor: number, account: Account, midnight: number): void {
    const { weekday, week, peak } = this.#today;
    const { profile, hired, role } = account;
    const working = this.#today.working && !this.#isLocalHoliday(account);
    const resetAt = working ? this.#planReset(plan, actor, account, midnight) : 0;
    const covered = working ? this.#coveredToday(account) : 0;
    const firstDay = hired !== undefined && hired.worksFrom >= midnight;

    const onHoliday = this.#weeks.at(account.index, week).chance(HOLIDAY_WEEK);
    const presence = (profile.presence * (working ? 1 : WEEKEND_PRESENCE)) / (1 - HOLIDAY_WEEK);
    const comes = random.chance(presence) && !onHoliday;
    if (!comes && covered === 0 && resetAt === 0 && !(firstDay && working)) return;

    const adviser = ADVISERS.includes(role as RoleName);
    let mean = account.personsPerDay * (working ? WEEKDAY_VOLUME[weekday]! : WEEKEND_VOLUME);
    if (adviser && peak) mean *= PEAK_VOLUME;
    const age = hired === undefined ? GROWTH_DAYS : (midnight - hired.worksFrom) / DAY_MS;
    if (age < GROWTH_DAYS) mean *= FIRST_DAY_VOLUME + (1 - FIRST_DAY_VOLUME) * Math.max(0, age / GROWTH_DAYS);
    const count = mean === 0 ? 0 : random.negativeBinomial(mean, profile.dayDispersion);

    this.#extras.length = 0;
    if (working && role === 'of_gestionnaire') this.#planLists(random, account);
    const campaign = working && adviser && random.chance(CAMPAIGN) ? random.between(20, 60) : 0;
    const persons = this.#persons;
    persons.begin(account);
    persons.choose(random, account, count + campaign);
    if (covered > 0) {
      const covers = this.#covers.at(account.index, -this.#today.day);
      persons.chooseOfColleague(covers, account, covered);
      persons.shuffle(covers);
    }

    let tags = covered > 0 ? TAG['absent-colleague-cover'] : 0;
    if (adviser && peak) tags |= TAG['month-end-peak'];
    if (hired !== undefined && age < GROWTH_DAYS) tags |= hired.tags;
    const moves =
      adviser && working && this.#moves.at(account.index, this.#today.day).chance(this.#moveChance);
    planVisits(plan, random, persons, {
      actor,
      midnight,
      campaign,
      tags,
      loggedInAt: resetAt,
      notBefore: firstDay ? hired.worksFrom : 0,
      moves: moves && resetAt === 0,
      extras: this.#extras,
    });
  }

  /** The lists of a trainer's day: the trainees of a new course, or the whole list of a large organisation. */
  #planLists(random: Random, account: Account): void {
    const { week, weekday } = this.#today;
    if (random.chance(SESSION_START)) {
      this.#persons.begin(account);
      this.#persons.choose(random, account, random.between(10, 30));
      this.#extras.push({ kind: KIND.list, persons: [...this.#persons.ids], tags: 0 });
    }
    if (!account.exportsLists) return;
    const exports = this.#exports.at(account.index, week);
    if (!exports.chance(this.#exportChance) || exports.below(5) !== weekday) return;
    const persons = this.#persons.run(account, 0, account.caseloadSize);
    this.#extras.push({ kind: KIND.export, persons, tags: TAG['trainee-list-export'] });
  }

  /** Number of an absent colleague's persons that the account sees today, in addition to its own. */
  #coveredToday(account: Account): number {
    if (!ADVISERS.includes(account.role as RoleName)) return 0;
    const { week, weekday } = this.#today;
    const random = this.#covers.at(account.index, week);
    if (!random.chance(this.#coverChance)) return 0;
    const days = random.between(1, 5);
    const first = random.below(6 - days);
    return weekday >= first && weekday < first + days ? 20 + ((random.u32() + 17 * weekday) % 41) : 0;
  }

  /**
   * Plans a password reset if its week and day have come. Returns the time of the login that follows, otherwise 0.
   * Three in ten are the confounder: a person who tried for long, and then works on the phone and at the desk at once.
   */
  #planReset(plan: DayPlan, actor: number, account: Account, midnight: number): number {
    const { week, weekday } = this.#today;
    const random = this.#random.at(account.index, -1 - week);
    if (!random.chance(WEEKLY_RESET)) return 0;
    const early = random.chance(0.5);
    const on = early ? 0 : random.below(5);
    if (weekday !== on) return 0;
    const at = midnight + (early ? 8 * HOUR_MS + random.below(2 * HOUR_MS) : officeClock(random));
    const operator = random.below(1 << 30);
    const login = at + 2 * MINUTE_MS + random.below(8 * MINUTE_MS);
    const usualFailures = random.between(1, 3);
    const forgotten = this.#forgotten.at(account.index, week);
    const confounds = forgotten.chance(this.#forgottenShare);
    const tags = confounds ? TAG['forgotten-password'] : 0;
    const failures = confounds ? forgotten.between(4, 9) : usualFailures;
    for (let i = 1; i <= failures; i++) {
      const before = confounds ? i * 40_000 : i * 4 * MINUTE_MS;
      plan.add(at - before - random.below(30_000), KIND.loginFailure, actor, 0, tags);
    }
    plan.add(at, KIND.reset, actor, operator, tags);
    plan.add(login, KIND.login, actor, 0, tags);
    if (confounds && account.profile.personsPerDay > 0) {
      const phone = login + 4 * MINUTE_MS + forgotten.below(15 * MINUTE_MS);
      plan.add(phone, KIND.phoneLogin, actor, 0, tags);
      this.#persons.begin(account);
      this.#persons.chooseOwn(forgotten, account, forgotten.between(1, 3));
      this.#persons.ids.forEach((person, i) =>
        plan.add(phone + (i + 1) * 50_000, KIND.phoneView, actor, person),
      );
    }
    return login;
  }

  #midnightOf(account: Account): number {
    const { day, midnight } = this.#today;
    const zone = this.#choice.names.has('overseas-hours') ? account.zoneOffsetMs : undefined;
    return zone === undefined ? midnight : day * DAY_MS - zone;
  }

  #isLocalHoliday({ localHoliday }: Account): boolean {
    if (localHoliday === undefined) return false;
    const date = new Date(this.#today.day * DAY_MS);
    return date.getUTCMonth() === localHoliday[0] && date.getUTCDate() === localHoliday[1];
  }
}

function todayOf(day: number, choice: ConfounderChoice): Today {
  return {
    day,
    week: weekOf(day),
    weekday: weekdayOf(day),
    midnight: parisTime(day),
    working: isWorkingDay(day),
    peak: choice.names.has('month-end-peak') && isDeclarationPeak(day),
  };
}

/** Mean events of one account on a day, for progress bars: the sum of the chances above. */
export function meanEvents(account: Account, working: boolean, peak: boolean): number {
  if (account.role === 'demandeur') return jobseekerEvents(account, working, peak);
  if (account.role === 'service') return serviceEvents(account);
  const share = working ? 1 : WEEKEND_PRESENCE;
  return (
    account.profile.presence * share * eventsOfVisits(account.personsPerDay * (working ? 1 : WEEKEND_VOLUME))
  );
}
