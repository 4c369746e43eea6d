import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseTime, parseTimeBytes, parseTimeText } from '../../../src/event/time.ts';

/** Both forms at once: they must never differ. */
function parse(text: string): number {
  const padded = Buffer.from(`"${text}"0123456789`);
  const end = padded.length - 11;
  const fromBytes = parseTimeBytes(padded, 1, end);
  expect(fromBytes, `bytes and text of ${JSON.stringify(text)}`).toBe(parseTimeText(text));
  return fromBytes;
}

describe('event time', () => {
  it.each([
    ['2025-07-12T21:04:11.120Z', Date.UTC(2025, 6, 12, 21, 4, 11, 120)],
    ['2025-07-12T21:04:11Z', Date.UTC(2025, 6, 12, 21, 4, 11)],
    ['2025-07-12t21:04:11z', Date.UTC(2025, 6, 12, 21, 4, 11)],
    ['2025-07-12 21:04:11', Date.UTC(2025, 6, 12, 21, 4, 11)],
    ['2025-07-12T21:04', Date.UTC(2025, 6, 12, 21, 4)],
    ['2025-07-12T21:04Z', Date.UTC(2025, 6, 12, 21, 4)],
    ['2025-07-12T21:04:11+02:00', Date.UTC(2025, 6, 12, 19, 4, 11)],
    ['2025-07-12T21:04:11-0330', Date.UTC(2025, 6, 13, 0, 34, 11)],
    ['2025-07-12T21:04:11+02', Date.UTC(2025, 6, 12, 19, 4, 11)],
    ['2025-07-12T21:04:11.5Z', Date.UTC(2025, 6, 12, 21, 4, 11, 500)],
    ['2025-07-12T21:04:11.123999999Z', Date.UTC(2025, 6, 12, 21, 4, 11, 123)],
    ['2025-07-12 21:04:11,120', Date.UTC(2025, 6, 12, 21, 4, 11, 120)],
    ['2025-07-12T21:04:11,12+02:00', Date.UTC(2025, 6, 12, 19, 4, 11, 120)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['1969-12-31T23:59:59.999Z', -1],
    ['1752354251120', 1_752_354_251_120],
    ['100000000000', 100_000_000_000],
  ])('reads %s', (text, ms) => {
    expect(parse(text)).toBe(ms);
  });

  it.each([
    '',
    '2025-07-12',
    '2025-13-01T00:00:00Z',
    '2025-00-01T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2025-07-00T00:00:00Z',
    '2025-07-12T24:00:00Z',
    '2025-07-12T23:60:00Z',
    '2025-07-12T23:59:60Z',
    '2025-:7-12T00:00:00Z',
    '2025-07-12T0/:00:00Z',
    '2025-07-12T21:04:11.Z',
    '2025-07-12T21:04:11,Z',
    '2025-07-12T21:04:11.1234567890Z',
    '2025-07-12T21:04:11+24:00',
    '2025-07-12T21:04:11+02:60',
    '2025-07-12T21:04:11Z ',
    ' 2025-07-12T21:04:11Z',
    '2025-07-12T21:04:11é',
    '1752354251',
    '1752354251120000',
    '99999999999',
    '-1752354251120',
  ])('refuses %j', (text) => {
    parse('2025-07-12T00:00:00Z'); // a remembered day must not help
    expect(parse(text)).toBeNaN();
  });

  it('reads epoch milliseconds as a number, and neither seconds nor microseconds', () => {
    expect(parseTime(1_752_354_251_120)).toBe(1_752_354_251_120);
    expect(parseTime(1_752_354_251_120.9)).toBe(1_752_354_251_120);
    for (const value of [1_752_354_251, 1_752_354_251_120_000, 0, -1, NaN, Infinity, true, null, [], {}]) {
      expect(parseTime(value), JSON.stringify(value)).toBeNaN();
    }
  });

  it('agrees with the platform on every instant from year 0 to 9999', () => {
    const limits = { min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z') };
    fc.assert(
      fc.property(fc.date({ ...limits, noInvalidDate: true }), (date) => {
        expect(parse(date.toISOString())).toBe(date.getTime());
      }),
    );
  });

  it('reads bytes like text, whatever single byte of a time is damaged', () => {
    const time = '2025-07-12T21:04:11.120Z';
    fc.assert(
      fc.property(fc.nat(time.length - 1), fc.integer({ min: 0x20, max: 0x7e }), (at, byte) => {
        parse(time.slice(0, at) + String.fromCharCode(byte) + time.slice(at + 1));
      }),
    );
  });
});
