import { describe, expect, test } from 'vitest';
import { timeParser, type TimeFormat } from '../../../../src/event/mapping/log-time.ts';

const at = (format: TimeFormat, value: unknown): string | undefined => {
  const time = timeParser(format)(value as string);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
};
const TIME = '2025-07-12T21:04:11.120Z';

describe('times of logs', () => {
  test.each<[TimeFormat, unknown]>([
    ['iso', TIME],
    ['iso', '2025-07-12 21:04:11.120'],
    ['iso', 1_752_354_251_120],
    ['epoch_s', 1_752_354_251.12],
    ['epoch_s', '1752354251.120'],
    ['epoch_s', '1752354251.120999999'],
    ['epoch_ms', 1_752_354_251_120],
    ['epoch_ms', '1752354251120'],
    ['epoch_us', 1_752_354_251_120_999],
    ['epoch_us', '1752354251120999'],
    ['epoch_ns', '1752354251120999999'],
  ])('%s takes %j to the millisecond', (format, value) => {
    expect(at(format, value)).toBe(TIME);
  });

  test('apache times have an offset, and months by their English names', () => {
    expect(at('apache', '12/Jul/2025:23:04:11 +0200')).toBe('2025-07-12T21:04:11.000Z');
    expect(at('apache', '29/Feb/2024:00:00:00 -0130')).toBe('2024-02-29T01:30:00.000Z');
    for (const wrong of [
      '29/Feb/2025:00:00:00 +0000',
      '12/Foo/2025:00:00:00 +0000',
      '12/Jul/2025:00:00:00',
    ]) {
      expect(at('apache', wrong)).toBe(undefined);
    }
  });

  test('a number in another unit is no time, rather than a date in another century', () => {
    expect(at('epoch_s', 1_752_354_251_120)).toBe(undefined);
    expect(at('epoch_ms', 1_752_354_251)).toBe(undefined);
    expect(at('epoch_us', 1_752_354_251_120)).toBe(undefined);
    expect(at('epoch_ns', '1752354251120')).toBe(undefined);
    for (const wrong of ['', 'now', '-1752354251', '1e9', true, null, {}, []]) {
      expect(at('epoch_s', wrong)).toBe(undefined);
    }
  });

  test.each([1, 7, 119, 120, 121, 333, 500, 999])('seconds with %i ms lose none of them', (ms) => {
    for (let second = 1_752_354_200; second < 1_752_354_300; second++) {
      const number = (second * 1000 + ms) / 1000;
      expect(timeParser('epoch_s')(number)).toBe(second * 1000 + ms);
    }
  });
});
