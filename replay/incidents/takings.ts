/** How much a theft takes within an hour, a day or a month: of all accounts together, at its steady pace. */

import type { TheftPlan } from './schedule.ts';

/** Who takes part: a theft's reads are shared equally among the accounts. */
export interface Takers {
  readonly accounts: number;
  /** 0: the accounts act for none. */
  readonly organisations: number;
  /** Who created the accounts for the theft; 0: nobody did. */
  readonly creators: number;
}

/** The most distinct persons of any span of `durationMs`; `plans` one after the other, without a person in common. */
export function mostTaken(plans: readonly TheftPlan[], durationMs: number): number {
  const stretches = plans.flatMap(({ records, schedule }) =>
    schedule.stretches.map(({ from, to }) => ({ from, to, pace: records / schedule.activeMs })),
  );
  // What a span takes is largest where it begins with a stretch, or ends with one.
  const begins = stretches.flatMap(({ from, to }) => [from, to - durationMs]);
  const most = begins.map((begin) =>
    stretches.reduce((sum, { from, to, pace }) => {
      const activeMs = Math.min(to, begin + durationMs) - Math.max(from, begin);
      return sum + Math.max(0, activeMs) * pace;
    }, 0),
  );
  return Math.max(0, ...most);
}
