/**
 * When people work: densities over the local clock, sampled by inverse transform.
 *
 * Sourced shape: peaks 09:00–11:30 and 14:00–16:00, a lunch dip to 50 % of the peak, evenings 2 % of a working day's
 * volume, a weekend day 0.5 %. Assumed: the ramps between, evenings from 19:00 to 22:30, and that the evening volume
 * belongs to one account-day in ten, which does a fifth of its work then (nobody opens one record every evening).
 */

import { DAY_MS, HOUR_MS, MINUTE_MS } from './calendar.ts';
import type { Random } from './random.ts';

/** Relative intensity from this clock time (hours) to the next; the last entry ends the day. */
type Profile = readonly (readonly [hour: number, intensity: number])[];

const WORKDAY: Profile = [
  [7, 0.05],
  [8, 0.35],
  [8.5, 0.6],
  [9, 1],
  [11.5, 0.75],
  [12, 0.5],
  [13.5, 0.75],
  [14, 1],
  [16, 0.65],
  [16.5, 0.5],
  [17, 0.25],
  [17.5, 0.12],
  [18, 0.05],
  [19, 0],
];
const EVENING: Profile = [
  [19, 0.3],
  [20, 1],
  [21.5, 0.5],
  [22.5, 0],
];

/** People who act for themselves, at home or on the move: no lunch dip, and evenings count. */
const HOME: Profile = [
  [7, 0.2],
  [8, 0.6],
  [9, 1],
  [12, 0.7],
  [14, 0.9],
  [18, 0.6],
  [20, 0.7],
  [22, 0.3],
  [23.5, 0],
];

/** Volume of a working day by weekday, Monday first; the mean is 1. */
export const WEEKDAY_VOLUME: readonly number[] = [1.1, 1.08, 0.92, 1.05, 0.85];
export const EVENING_CHANCE = 0.1;
export const EVENING_SHARE = 0.2;
/** On weekends and holidays fewer people work, and each does less. 0.02 × 0.25 = 0.5 %. */
export const WEEKEND_PRESENCE = 0.02;
export const WEEKEND_VOLUME = 0.25;

const STEPS = 4096;

/** Clock time (ms after local midnight) at each of STEPS + 1 quantiles. */
function quantiles(profile: Profile): Float64Array {
  const table = new Float64Array(STEPS + 1);
  let total = 0;
  for (let i = 0; i + 1 < profile.length; i++)
    total += profile[i]![1] * (profile[i + 1]![0] - profile[i]![0]);
  let piece = 0;
  let before = 0;
  for (let step = 0; step <= STEPS; step++) {
    const wanted = (step / STEPS) * total;
    let mass = profile[piece]![1] * (profile[piece + 1]![0] - profile[piece]![0]);
    while (before + mass < wanted && piece + 2 < profile.length) {
      before += mass;
      piece++;
      mass = profile[piece]![1] * (profile[piece + 1]![0] - profile[piece]![0]);
    }
    table[step] = (profile[piece]![0] + (wanted - before) / profile[piece]![1]) * HOUR_MS;
  }
  return table;
}

const WORKDAY_QUANTILES = quantiles(WORKDAY);
const EVENING_QUANTILES = quantiles(EVENING);
const HOME_QUANTILES = quantiles(HOME);

/** A clock time during the working day or the evening, ms after local midnight. */
export function drawClock(random: Random, evening: boolean): number {
  return draw(random, evening ? EVENING_QUANTILES : WORKDAY_QUANTILES);
}

/** The same for people who act for themselves. */
export function drawHomeClock(random: Random): number {
  return draw(random, HOME_QUANTILES);
}

function draw(random: Random, table: Float64Array): number {
  const x = random.float() * STEPS;
  const i = Math.floor(x);
  return table[i]! + (x - i) * (table[i + 1]! - table[i]!);
}

/** The rush of the monthly declaration: from the 28th to the 1st. */
export function isDeclarationPeak(day: number): boolean {
  const date = new Date(day * DAY_MS).getUTCDate();
  return date >= 28 || date === 1;
}

/** 0 morning, 1 afternoon, 2 evening: people log in again in each. */
export function blockOf(clockMs: number): number {
  return clockMs < 13 * HOUR_MS ? 0 : clockMs < 19 * HOUR_MS ? 1 : 2;
}

/** A clock time within office hours, away from their edges, for something that is done once. */
export function officeClock(random: Random): number {
  return 9 * HOUR_MS + random.below(7 * 60) * MINUTE_MS + random.below(MINUTE_MS);
}
