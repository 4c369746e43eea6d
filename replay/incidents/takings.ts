/** How much a theft takes within an hour, a day or a month: all accounts together, at its steady pace. */

import type { TheftPlan } from './schedule.ts';

/** Who takes part. A theft's reads are shared equally among the accounts. */
export interface Takers {
  readonly accounts: number;
  /** 0: the accounts act for no organisation. */
  readonly organisations: number;
  /** Number of those who created the accounts for the theft; 0 if nobody did. */
  readonly creators: number;
}

/**
 * The most distinct persons within any span of `durationMs`. `plans` follow each other and have no person in common.
 */
export function mostTaken(plans: readonly TheftPlan[], durationMs: number): number {
  const stretches = plans.flatMap(({ records, schedule }) =>
    schedule.stretches.map(({ from, to }) => ({ from, to, pace: records / schedule.activeMs })),
  );
  // A span takes the most if it begins with the start of a stretch, or ends with the end of one.
  const begins = stretches.flatMap(({ from, to }) => [from, to - durationMs]);
  const most = begins.map((begin) =>
    stretches.reduce((sum, { from, to, pace }) => {
      const activeMs = Math.min(to, begin + durationMs) - Math.max(from, begin);
      return sum + Math.max(0, activeMs) * pace;
    }, 0),
  );
  return Math.max(0, ...most);
}
