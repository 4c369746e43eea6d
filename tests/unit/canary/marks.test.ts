import { isIPv6 } from 'node:net';
import { describe, expect, test } from 'vitest';
import { CanaryMarks } from '../../../src/canary/marks.ts';

const KEY = Buffer.alloc(16, 7);
const marks = new CanaryMarks(KEY);
const NOW = Date.UTC(2026, 10, 27, 4, 0, 30);
const HOUR = 3_600_000;

/** As somebody with that log would make it: another digit at the end. */
function altered(mark: string): string {
  return `${mark.slice(0, -1)}${mark.endsWith('0') ? '1' : '0'}`;
}

describe('marks of canaries', () => {
  test.each(['u-1', '203.0.113.9', '2a01::1'])(
    'what is made in the place of %s is known for one',
    (value) => {
      const mark = marks.inPlaceOf(value, NOW);
      expect(marks.areAll({ 'user.id': mark }, NOW)).toBe(true);
      expect(marks.inPlaceOf(value, NOW)).not.toBe(mark);
    },
  );

  test('an address is replaced by an address, so that what reads networks out of it can', () => {
    expect(isIPv6(marks.inPlaceOf('203.0.113.9', NOW))).toBe(true);
    expect(isIPv6(marks.inPlaceOf('u-1', NOW))).toBe(false);
  });

  test.each(['u-1', '203.0.113.9'])('nobody without the key makes one in the place of %s', (value) => {
    const mark = marks.inPlaceOf(value, NOW);
    expect(marks.areAll({ 'user.id': altered(mark) }, NOW)).toBe(false);
    const stranger = new CanaryMarks(Buffer.alloc(16, 8)).inPlaceOf(value, NOW);
    expect(marks.areAll({ 'user.id': stranger }, NOW)).toBe(false);
  });

  test('one that was seen in a log is worth nothing some hours later, and none is good long before it was made', () => {
    const group = { 'user.id': marks.inPlaceOf('u-1', NOW) };
    expect(marks.areAll(group, NOW + HOUR)).toBe(true);
    expect(marks.areAll(group, NOW + 3 * HOUR)).toBe(false);
    expect(marks.areAll(group, NOW - HOUR)).toBe(false);
  });

  test('a group that holds anything but marks is nobody’s canary', () => {
    const mark = marks.inPlaceOf('u-1', NOW);
    expect(marks.areAll({ 'user.id': mark, 'source.ip': null }, NOW)).toBe(true);
    expect(marks.areAll({ 'user.id': 'u-rgc', 'user_agent.original': mark }, NOW)).toBe(false);
    expect(marks.areAll({ 'user.id': null }, NOW)).toBe(false);
    expect(marks.areAll({}, NOW)).toBe(false);
    expect(marks.areAll({ 'user.id': `${mark} ` }, NOW)).toBe(false);
  });
});
