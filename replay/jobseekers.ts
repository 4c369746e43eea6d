/**
 * Jobseekers, who log in from home or a mobile line and read only their own data.
 *
 * Assumed: one in ten logs in on a working day, two in five of these at weekends; each has their own level; during the
 * monthly declaration (28th to 1st) 4.5 times as many come. On a visit they open their own file one to three times, two
 * in five look at offers, and one in eight takes a document; 8 % mistype their password, 1.5 % ask for a new one by
 * e-mail.
 */

import { SECOND_MS } from './calendar.ts';
import type { Account } from './cast.ts';
import { TAG } from './confounders.ts';
import type { DayPlan } from './day-plan.ts';
import { KIND } from './day-plan.ts';
import { drawHomeClock } from './day-shape.ts';
import type { Random } from './random.ts';

const WEEKEND = 0.4;
const PEAK = 4.5;
const MISTYPED = 0.08;
const FORGOTTEN = 0.015;
const SEARCH = 0.4;
const DOWNLOAD = 0.125;
const LOGOUT = 0.3;
/** Mean events of a visit: login, views, and the chances above. */
const EVENTS_PER_VISIT = 1 + 2 + MISTYPED + 2 * FORGOTTEN + SEARCH + DOWNLOAD + LOGOUT;

/** Mean visits per day at a jobseeker's own level, without the monthly peak. */
function visitsPerDay(account: Account, working: boolean): number {
  return account.profile.presence * account.personsPerDay * (working ? 1 : WEEKEND);
}

/** Mean events of a day. */
export function jobseekerEvents(account: Account, working: boolean, peak: boolean): number {
  return Math.min(1, visitsPerDay(account, working) * (peak ? PEAK : 1)) * EVENTS_PER_VISIT;
}

/** Plans one jobseeker's day. `start`: its midnight; `self`: their own number in the register. */
export function planJobseeker(
  plan: DayPlan,
  random: Random,
  actor: number,
  account: Account,
  start: number,
  self: number,
  day: { readonly working: boolean; readonly peak: boolean },
): void {
  const usual = visitsPerDay(account, day.working);
  const x = random.float();
  if (x >= usual * (day.peak ? PEAK : 1)) return;
  const tags = x < usual ? 0 : TAG['month-end-peak'];
  let at = start + drawHomeClock(random);
  const pause = (seconds: number): number => (at += (3 + random.below(seconds)) * SECOND_MS);
  if (random.chance(MISTYPED)) {
    plan.add(at, KIND.loginFailure, actor);
    pause(20);
  } else if (random.chance(FORGOTTEN)) {
    plan.add(at, KIND.loginFailure, actor);
    pause(40);
    plan.add(at, KIND.reset, actor);
    pause(120);
  }
  plan.add(at, KIND.login, actor, 0, tags);
  const views = random.between(1, 3);
  for (let i = 0; i < views; i++) {
    pause(60);
    plan.add(at, KIND.view, actor, self);
  }
  if (random.chance(SEARCH)) plan.add(pause(90), KIND.search, actor);
  if (random.chance(DOWNLOAD)) plan.add(pause(30), KIND.download, actor, self);
  if (random.chance(LOGOUT)) plan.add(pause(120), KIND.logout, actor);
}
