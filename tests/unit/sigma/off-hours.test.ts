/** `vigie.off_hours`: which instants it lets match, against local time as the platform's calendar tells it. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evalEvents } from '../../../src/eval/eval.ts';
import { HOLIDAY_REGIONS, isHoliday, weekdayOf } from '../../../src/sigma/holidays.ts';
import { compileWorkClock, isOff } from '../../../src/sigma/working-hours.ts';
import { load, ruleText } from './matching.ts';

const WEEK = [true, true, true, true, true, false, false];
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

test('an instant is off hours exactly when local days and clocks say so, also when clocks are changed', () => {
  const zones = ['UTC', 'Europe/Paris', 'America/Martinique', 'Pacific/Noumea', 'Australia/Lord_Howe'];
  const range = { min: Date.UTC(2024, 0, 1), max: Date.UTC(2027, 0, 1) };
  const clocks = new Map(
    zones.map((zone) => [
      zone,
      {
        state: compileWorkClock({ days: WEEK, hours: [[450, 1140]], holidays: undefined }, zone, () => false),
        format: new Intl.DateTimeFormat('en-GB', {
          timeZone: zone,
          weekday: 'short',
          hour: '2-digit',
          minute: '2-digit',
        }),
      },
    ]),
  );
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.integer(range), (zone, time) => {
      const { state, format } = clocks.get(zone)!;
      const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
      const minute = Number(parts['hour']) * 60 + Number(parts['minute']);
      const works = WEEK[DAYS.indexOf(parts['weekday']!)]! && minute >= 450 && minute < 1140;
      expect(isOff(state(time))).toBe(!works);
    }),
    { numRuns: 2_000 },
  );
});

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000;

test.each([
  ['FR', '2025-04-21', 'Easter Monday'],
  ['FR', '2024-05-09', 'Ascension'],
  ['FR', '2026-05-25', 'Whit Monday'],
  ['FR', '2025-07-14', 'the national day'],
  ['FR-67', '2025-04-18', 'Good Friday'],
  ['FR-57', '2025-12-26', 'the day after Christmas'],
  ['FR-974', '2025-12-20', 'the end of slavery'],
])('%s rests on %s, %s', (region, date) => {
  expect(isHoliday(day(date), region)).toBe(true);
  expect(isHoliday(day(date), 'FR')).toBe(region === 'FR');
});

test('every region has the eleven holidays of metropolitan France in every year', () => {
  for (let at = day('2020-01-01'); at < day('2040-01-01'); at += 1) {
    if (isHoliday(at, 'FR')) for (const region of HOLIDAY_REGIONS) expect(isHoliday(at, region)).toBe(true);
  }
  expect(weekdayOf(day('2025-07-14'))).toBe(0);
});

const matches = (root: string, ...events: object[]): number[] => {
  const set = load(ruleText('sel: {a: 1}\ncondition: sel', root));
  const texts = events.map((event) => JSON.stringify({ a: 1, ...event }));
  const { lines } = evalEvents(set, texts);
  return lines.flatMap((line) => (line.type === 'match' ? [line.event.index] : [])).sort((a, b) => a - b);
};
const at = (time: string) => ({ '@timestamp': time });

describe('a rule with vigie.off_hours', () => {
  test('matches in the evening, at the weekend and on holidays, in its zone', () => {
    const root =
      'vigie.timezone: Europe/Paris\nvigie.off_hours: {days: mon-fri, hours: 07:00-19:00, holidays: FR}\n';
    const events = [
      at('2025-07-11T16:59:59.999Z'), // Friday 18:59:59.999
      at('2025-07-11T17:00:00Z'), // 19:00: the end is outside
      at('2025-07-11T04:59:59Z'), // 06:59:59
      at('2025-07-11T05:00:00Z'), // 07:00: the beginning is inside
      at('2025-07-12T10:00:00Z'), // Saturday
      at('2025-07-14T10:00:00Z'), // Monday, the national day
      at('2025-07-15T10:00:00Z'), // Tuesday
    ];
    expect(matches(root, ...events)).toEqual([1, 2, 4, 5]);
  });

  test('never matches an event without a time', () => {
    expect(matches('vigie.off_hours: {days: mon}\n', {})).toEqual([]);
  });

  test('has whole days when it names no hours, Monday to Friday when it names no days', () => {
    const saturday = at('2025-07-12T10:00:00Z');
    const friday = at('2025-07-11T23:59:59Z');
    expect(matches('vigie.off_hours: {days: [mon, wed-fri]}\n', at('2025-07-08T10:00:00Z'), friday)).toEqual([
      0,
    ]);
    expect(matches('vigie.off_hours: {hours: [08:00-12:00, 14:00-24:00]}\n', saturday, friday)).toEqual([0]);
    expect(matches('vigie.off_hours: {days: sat-mon}\n', saturday, friday)).toEqual([1]);
  });
});
