/**
 * Ordinary work that looks like a theft: every rule must withstand it.
 *
 * Each confounder can be switched by name and is labelled, so that a false alert can be traced to its cause. Rates are
 * assumptions, each with its reason in docs/replay.md, per 10,000 accounts of professionals; the generators use
 * `CONFOUNDERS`, and the tests check them against it.
 * Guarantee: switching one off, or changing its rate, changes no other draw in the country.
 */

import type { RoleName } from './roles.ts';
import { ROLES } from './roles.ts';

export type ConfounderName =
  | 'trainee-list-export'
  | 'absent-colleague-cover'
  | 'mobile-to-office'
  | 'shared-egress'
  | 'month-end-peak'
  | 'new-hire'
  | 'rgc-onboarding'
  | 'service-overnight'
  | 'scanner-noise'
  | 'forgotten-password'
  | 'overseas-hours';

export interface Confounder {
  /** Description for people. */
  readonly title: string;
  /** Occurrences per 10,000 accounts and week of five working days; undefined if the calendar decides. */
  readonly perWeek: number | undefined;
}

export const CONFOUNDERS: Readonly<Record<ConfounderName, Confounder>> = {
  'trainee-list-export': { title: 'export of a list of 200 to 600 trainees', perWeek: 10 },
  'absent-colleague-cover': { title: 'days spent on an absent colleague’s caseload', perWeek: 20 },
  'mobile-to-office': { title: 'session begun on a mobile line, continued at the office', perWeek: 250 },
  'shared-egress': { title: 'several organisations behind the address of one site', perWeek: undefined },
  'month-end-peak': { title: 'monthly declaration of jobseekers, 28th to 1st', perWeek: undefined },
  'new-hire': { title: 'account that works within a day of its creation', perWeek: 5.7 },
  'rgc-onboarding': { title: 'accounts of 5 to 15 colleagues created in one sitting', perWeek: 0.5 },
  'service-overnight': { title: 'full synchronisation of 4,000 to 12,000 persons by night', perWeek: 4 },
  'scanner-noise': { title: 'scans of 20 to 300 requests that no login precedes', perWeek: 42 },
  'forgotten-password': { title: 'failures, reset by the helpdesk, two devices at once', perWeek: 30 },
  'overseas-hours': { title: 'overseas offices at work by their own clock', perWeek: undefined },
};

export const CONFOUNDER_NAMES = Object.keys(CONFOUNDERS) as readonly ConfounderName[];

/** Bit of a confounder in the mask of a planned login or action. */
export const TAG: Readonly<Record<ConfounderName, number>> = Object.fromEntries(
  CONFOUNDER_NAMES.map((name, i) => [name, 1 << i]),
) as Record<ConfounderName, number>;

/** Which confounders occur, and how often relative to the stated rates. */
export interface ConfounderChoice {
  readonly names: ReadonlySet<ConfounderName>;
  /** Multiplies the stated rates. */
  readonly factor: number;
}

/** Occurrences of the confounder per 10,000 accounts and week under a choice; 0 if it is switched off. */
export function weeklyRate(choice: ConfounderChoice, name: ConfounderName): number {
  return choice.names.has(name) ? (CONFOUNDERS[name].perWeek ?? 0) * choice.factor : 0;
}

/** Share of the professionals' accounts that have one of these roles. */
export function shareOf(roles: readonly RoleName[]): number {
  return roles.reduce((sum, role) => sum + ROLES[role].share, 0);
}

/** Chance per week and account of these roles that yields the rate. At most 1. */
export function weeklyChance(
  choice: ConfounderChoice,
  name: ConfounderName,
  roles: readonly RoleName[],
): number {
  return Math.min(1, weeklyRate(choice, name) / (10_000 * shareOf(roles)));
}
