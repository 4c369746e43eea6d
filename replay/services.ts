/**
 * Unattended accounts: every night each fetches the changes among the persons it serves; once a week, as a confounder,
 * all of these persons.
 *
 * Assumed: each account starts at its own time between 01:00 and 03:00; changes fill pages of 50, one every two to six
 * seconds; the full run has pages of 100, one or two per second.
 */

import { HOUR_MS, MINUTE_MS, SECOND_MS, weekdayOf } from './calendar.ts';
import type { Account } from './cast.ts';
import { TAG } from './confounders.ts';
import type { DayPlan } from './day-plan.ts';
import { KIND } from './day-plan.ts';
import type { Persons } from './persons.ts';
import type { Random } from './random.ts';

const CHANGES_PAGE = 50;
const FULL_PAGE = 100;

/** Mean events of a day, including a seventh of the weekly full run. */
export function serviceEvents(account: Account): number {
  return 2 + account.personsPerDay / CHANGES_PAGE + account.caseloadSize / FULL_PAGE / 7;
}

/** Plans one night. `fullRun`: the chance that there is a full run this week. */
export function planService(
  plan: DayPlan,
  random: Random,
  actor: number,
  account: Account,
  day: number,
  start: number,
  persons: Persons,
  fullRun: number,
): void {
  const full = random.chance(fullRun) && weekdayOf(day) === account.index % 7;
  let at = start + HOUR_MS + (account.index % 120) * MINUTE_MS + random.below(2 * MINUTE_MS);
  plan.add(at, KIND.login, actor, 0, full ? TAG['service-overnight'] : 0);
  const count = full
    ? account.caseloadSize
    : Math.min(
        account.caseloadSize,
        random.negativeBinomial(account.personsPerDay, account.profile.dayDispersion),
      );
  const page = full ? FULL_PAGE : CHANGES_PAGE;
  const first = full ? 0 : random.below(account.caseloadSize - count + 1);
  for (let done = 0; done < count; done += page) {
    at += full ? 500 + random.below(500) : 2 * SECOND_MS + random.below(4 * SECOND_MS);
    plan.addPage(at, KIND.list, actor, persons.run(account, first + done, Math.min(page, count - done)));
  }
  plan.add(at + SECOND_MS, KIND.logout, actor);
}
