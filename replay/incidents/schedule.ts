/**
 * When a theft reads: maps its active time to time of day, leaving out the nights or the office hours.
 *
 * Working hours are those of the detector's documentation: Monday to Friday, 07:00–19:00 in Paris, no public holidays.
 * Everything else is off-hours.
 */

import { count, span } from '../../src/figures.ts';
import { DAY_MS, HOUR_MS, isWorkingDay, MINUTE_MS, parisDayOf, parisTime } from '../calendar.ts';
import type { Hours, Pace, TheftOptions } from './theft-options.ts';
import { optionsClash } from '../options.ts';

const WORK_FROM = 7 * HOUR_MS;
const WORK_TO = 19 * HOUR_MS;
/** How long before each stretch the readers log in. */
const LOGIN_LEAD_MS = 3 * MINUTE_MS;
/** If the hours move the first read, this leaves room for the story before it. */
const STORY_LEAD_MS = 45 * MINUTE_MS;
const LONGEST_MS = 400 * DAY_MS;

/** [from, to), ms since the epoch. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

function workday(day: number): Stretch {
  return { from: parisTime(day, WORK_FROM), to: parisTime(day, WORK_TO) };
}

/** First working day on or after `day`, or (step −1) the last one on or before it. */
function workingDay(day: number, step: 1 | -1): number {
  let found = day;
  while (!isWorkingDay(found)) found += step;
  return found;
}

/** The first stretch of these hours that ends after an instant. */
function stretchFrom(hours: Hours, time: number): Stretch {
  if (hours === 'any') return { from: -Infinity, to: Infinity };
  let day = workingDay(parisDayOf(time), 1);
  if (workday(day).to <= time) day = workingDay(day + 1, 1);
  const work = workday(day);
  if (hours === 'working') return work;
  return time < work.from
    ? { from: workday(workingDay(day - 1, -1)).to, to: work.from }
    : { from: work.to, to: workday(workingDay(day + 1, 1)).from };
}

/** The first instant within these hours at or after `time`. */
function nextWithin(hours: Hours, time: number): number {
  return Math.max(time, stretchFrom(hours, time).from);
}

/** The end of the stretch of these hours that contains an instant. */
export function endOfStretch(hours: Hours, time: number): number {
  return stretchFrom(hours, time).to;
}

/**
 * `waitMs` before an instant, or in the last working hours before that. Strictly earlier than `time` if waitMs > 0, so
 * that steps laid out backwards keep their order.
 */
export function stepBefore(hours: 'any' | 'working', time: number, waitMs: number): number {
  const wanted = time - waitMs;
  if (hours === 'any' || stretchFrom('working', wanted).from <= wanted) return wanted;
  const day = workingDay(parisDayOf(wanted), -1);
  const last = workday(day).from <= wanted ? workday(day) : workday(workingDay(day - 1, -1));
  return last.to - 1 - (waitMs % (20 * MINUTE_MS));
}

/** Consecutive stretches of reading. */
export class Schedule {
  readonly stretches: readonly Stretch[];
  readonly activeMs: number;
  #k = 0;
  /** Active time before stretch #k. */
  #before = 0;

  constructor(stretches: readonly Stretch[]) {
    this.stretches = stretches;
    this.activeMs = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  get start(): number {
    return this.stretches[0]!.from;
  }

  get end(): number {
    return this.stretches.at(-1)!.to;
  }

  /** The instant at which this much active time has passed, 0 ≤ activeMs < the total. Cheap for rising arguments. */
  at(activeMs: number): number {
    if (activeMs < this.#before) {
      this.#k = 0;
      this.#before = 0;
    }
    for (;;) {
      const { from, to } = this.stretches[this.#k]!;
      const inside = activeMs - this.#before;
      if (inside < to - from || this.#k === this.stretches.length - 1) return from + inside;
      this.#before += to - from;
      this.#k++;
    }
  }

  /** When a reader who logged in at `loginAt` logs in again: at the start of each stretch, and when a session ends. */
  renewals(loginAt: number, sessionMs: number): number[] {
    const times: number[] = [];
    if (sessionMs === Infinity) return times;
    let last = loginAt;
    this.stretches.forEach(({ from, to }, k) => {
      if (k > 0) times.push((last = from - LOGIN_LEAD_MS / 2));
      else if (from - last > sessionMs) times.push((last = from - LOGIN_LEAD_MS));
      for (; last + sessionMs < to; last += sessionMs) times.push(last + sessionMs);
    });
    return times;
  }
}

/** Stretches from `start` until this much active time, or this much time in all, has passed. */
function stretches(hours: Hours, start: number, end: { activeMs: number } | { windowMs: number }): Schedule {
  const first = nextWithin(hours, start);
  const from = first === start ? start : first + STORY_LEAD_MS;
  const limit = 'windowMs' in end ? from + end.windowMs : Infinity;
  let left = 'activeMs' in end ? end.activeMs : Infinity;
  const found: Stretch[] = [];
  for (let at = from; left > 0 && at < limit;) {
    const to = Math.min(stretchFrom(hours, at).to, at + left, limit);
    found.push({ from: at, to });
    left -= to - at;
    at = nextWithin(hours, to) + LOGIN_LEAD_MS;
    if (at - from > LONGEST_MS) return new Schedule([]);
  }
  return new Schedule(found);
}

export interface TheftDefaults {
  readonly records: number;
  /** First read to last. */
  readonly windowMs: number;
  readonly hours: Hours;
}

export interface TheftPlan {
  /** Distinct persons. */
  readonly records: number;
  readonly schedule: Schedule;
}

/**
 * How much is read, and when. A given window is elapsed time. Without one the theft takes as much active time as the
 * real incident, or as the pace requires: restricted hours and a slower pace stretch it.
 */
export function planTheft(
  scenario: string,
  options: Pick<TheftOptions, 'records' | 'pace' | 'window' | 'hours'>,
  defaults: TheftDefaults,
  start: number,
): TheftPlan {
  const { records: wanted, pace, window: windowMs, hours } = options;
  const usual = stretches(defaults.hours, start, { windowMs: defaults.windowMs });
  const perMs = pace === undefined ? undefined : perMsOf(pace, defaults.records / usual.activeMs);
  if (windowMs !== undefined) {
    if (perMs !== undefined && wanted !== undefined) {
      throw optionsClash(
        scenario,
        `--records ${wanted}, --pace ${paceText(pace)} and --window ${span(windowMs)} are all given`,
        'Give at most two of --records, --pace and --window: the third follows.',
      );
    }
    const schedule = stretches(hours, start, { windowMs });
    const follows =
      perMs === undefined ? defaults.records : Math.max(1, Math.round(perMs * schedule.activeMs));
    return { records: wanted ?? follows, schedule };
  }
  const records = wanted ?? defaults.records;
  const activeMs = perMs === undefined ? usual.activeMs : Math.max(1, Math.round(records / perMs));
  const schedule = stretches(hours, start, { activeMs });
  if (schedule.stretches.length === 0) {
    throw optionsClash(
      scenario,
      `${records} records at pace ${paceText(pace)} in ${hours} hours take more than ${LONGEST_MS / DAY_MS} days`,
      'Set fewer --records, a higher --pace, or a --window instead.',
    );
  }
  return { records, schedule };
}

function perMsOf(pace: Pace, usual: number): number {
  return typeof pace === 'number' ? pace / 1000 : pace.times * usual;
}

function paceText(pace: Pace | undefined): string {
  if (pace === undefined) return 'as published';
  if (typeof pace === 'object') return `${pace.times}x`;
  return pace < 1 ? `${count(pace * 3600)}/h` : `${count(pace)}/s`;
}
