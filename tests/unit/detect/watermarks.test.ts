/** Event-time progress over partitions. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Watermarks } from '../../../src/detect/watermarks.ts';

describe('the watermark', () => {
  test('is the newest event time of the slowest partition less the lateness', () => {
    const watermarks = new Watermarks(10);
    watermarks.assign([0, 1]);
    expect(watermarks.observe(0, 100)).toBe(false);
    expect(watermarks.watermark).toBe(-Infinity);
    expect(watermarks.observe(1, 50)).toBe(true);
    expect(watermarks.watermark).toBe(40);
    expect(watermarks.observe(0, 200)).toBe(false);
    expect(watermarks.observe(1, 120)).toBe(true);
    expect(watermarks.watermark).toBe(110);
  });

  test('no longer waits for a partition that is idle, until that one wakes', () => {
    const watermarks = new Watermarks(0);
    watermarks.assign([0, 1]);
    watermarks.observe(0, 100);
    expect(watermarks.setIdle(1)).toBe(true);
    expect(watermarks.watermark).toBe(100);
    watermarks.observe(1, 60);
    expect(watermarks.observe(0, 300)).toBe(false);
    expect(watermarks.watermark).toBe(100);
    watermarks.observe(1, 250);
    expect(watermarks.watermark).toBe(250);
  });

  test('stands still while every partition is idle', () => {
    const watermarks = new Watermarks(0);
    watermarks.observe(0, 100);
    expect(watermarks.setIdle(0)).toBe(false);
    expect(watermarks.setIdle(0)).toBe(false);
    expect(watermarks.watermark).toBe(100);
  });

  test.each([
    [0, 1],
    [1, 0],
  ])('is the same in whichever order all partitions fall silent: %i, then %i', (first, second) => {
    const watermarks = new Watermarks(10);
    watermarks.assign([0, 1]);
    watermarks.observe(0, 100);
    watermarks.observe(1, 50);
    watermarks.setIdle(first);
    watermarks.setIdle(second);
    expect(watermarks.watermark).toBe(90);
  });

  test('waits for a partition that was just assigned and forgets one that was taken away', () => {
    const watermarks = new Watermarks(0);
    watermarks.assign([0]);
    watermarks.observe(0, 100);
    watermarks.assign([0, 1]);
    watermarks.observe(0, 200);
    expect(watermarks.watermark).toBe(100);
    watermarks.assign([0]);
    watermarks.observe(0, 201);
    expect(watermarks.watermark).toBe(201);
    expect([...watermarks.partitions]).toEqual([0]);
    expect(watermarks.newestOf(1)).toBe(-Infinity);
  });

  test('never goes back, whatever partitions come, go, sleep and wake', () => {
    const step = fc.oneof(
      fc.record({ observe: fc.nat(3), time: fc.nat(1000) }),
      fc.record({ idle: fc.nat(3) }),
      fc.record({ assign: fc.uniqueArray(fc.nat(3)) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const watermarks = new Watermarks(25);
        for (const one of steps) {
          const before = watermarks.watermark;
          let moved: boolean | undefined;
          if ('observe' in one) moved = watermarks.observe(one.observe, one.time);
          else if ('idle' in one) moved = watermarks.setIdle(one.idle);
          else watermarks.assign(one.assign);
          expect(watermarks.watermark).toBeGreaterThanOrEqual(before);
          if (moved !== undefined) expect(moved).toBe(watermarks.watermark > before);
        }
      }),
    );
  });
});
