/** The units of a backtest's figures: alerts per day and 10,000 accounts, shares, levels in order. */

import type { Level } from '../sigma/rule.ts';
import type { Judgement } from './judge.ts';

export const DAY_MS = 86_400_000;
export const LEVELS: readonly Level[] = ['informational', 'low', 'medium', 'high', 'critical'];

export function atLeast(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

/**
 * Judged account-days, in units of 10,000 accounts, which alerts are divided by; judged days alone if no event names an
 * account.
 */
export function rateBase(judged: readonly Judgement[]): number {
  const named = judged.some(({ accounts }) => accounts > 0);
  return judged.reduce(
    (sum, { judgedMs, accounts }) => sum + (judgedMs / DAY_MS) * (named ? accounts / 10_000 : 1),
    0,
  );
}

/** Four significant digits, as a simulation yields no more. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export function share(part: number, whole: number): number {
  return whole === 0 ? 0 : rounded(part / whole);
}
