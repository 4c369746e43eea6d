import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  HOUR_MS,
  isWorkingDay,
  parisDayOf,
  parisOffsetMs,
  parisTime,
  weekdayOf,
} from '../../../replay/calendar.ts';

const paris = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Paris',
  dateStyle: 'short',
  timeStyle: 'medium',
});
const utc = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'short', timeStyle: 'medium' });
const day = (iso: string): number => Date.parse(`${iso}T00:00:00Z`) / 86_400_000;

describe('the calendar', () => {
  it('agrees with the time zone database on Paris time', () => {
    const from = Date.UTC(2000, 0, 1);
    assert(
      property(integer({ min: from, max: Date.UTC(2100, 0, 1) }), (time) => {
        expect(paris.format(time)).toBe(utc.format(time + parisOffsetMs(time)));
      }),
      { numRuns: 500 },
    );
  });

  it('finds the instant of a clock time, also on the days the clocks change', () => {
    for (const date of ['2025-03-30', '2025-07-12', '2025-10-26', '2025-12-01']) {
      expect(paris.format(parisTime(day(date)))).toMatch(/00:00:00$/);
      expect(paris.format(parisTime(day(date), 23 * HOUR_MS))).toMatch(/23:00:00$/);
      expect(parisDayOf(parisTime(day(date)))).toBe(day(date));
      expect(parisDayOf(parisTime(day(date)) - 1)).toBe(day(date) - 1);
    }
  });

  it('knows that 12 July 2025 is a Saturday', () => {
    expect(weekdayOf(day('2025-07-12'))).toBe(5);
  });

  it('takes weekends and the legal holidays of France off', () => {
    const off = [
      '2025-07-12',
      '2025-07-13',
      '2025-07-14',
      '2025-04-21',
      '2025-05-29',
      '2025-06-09',
      '2024-04-01',
    ];
    const on = ['2025-07-11', '2025-07-15', '2025-04-22', '2025-12-24'];
    expect(off.filter((date) => isWorkingDay(day(date)))).toEqual([]);
    expect(on.filter((date) => !isWorkingDay(day(date)))).toEqual([]);
  });
});
