import { assert, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Permutation, Random } from '../../../replay/random.ts';

const draws = (random: Random): number[] => Array.from({ length: 8 }, () => random.u32());

describe('Random', () => {
  it('gives the same numbers for the same seed on every machine', () => {
    expect(draws(Random.seeded('vigie'))).toEqual(draws(Random.seeded('vigie')));
    expect(draws(Random.seeded('vigie').split('a').at(3, 4))).toEqual([
      844252128, 1187803944, 1255611775, 657105413, 1155979764, 3041161116, 1435873214, 632569597,
    ]);
  });

  it('splits by name, not by what was drawn before', () => {
    const fresh = Random.seeded('s');
    const used = Random.seeded('s');
    draws(used);
    expect(draws(used.split('child'))).toEqual(draws(fresh.split('child')));
    expect(draws(used.at(7))).toEqual(draws(fresh.at(7)));
  });

  it('has no two equal streams among ten thousand neighbours', () => {
    const root = Random.seeded('neighbours');
    const first = new Set<string>();
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 100; j++) {
        const random = root.at(i, j);
        first.add(`${random.u32()} ${random.u32()}`);
      }
    }
    expect(first.size).toBe(10_000);
  });

  it('is uniform over the streams of consecutive numbers', () => {
    const root = Random.seeded('uniform');
    const bins = Array.from({ length: 16 }, () => 0);
    for (let i = 0; i < 64_000; i++) bins[root.at(i).u32() >>> 28]!++;
    const chiSquare = bins.reduce((sum, n) => sum + (n - 4000) ** 2 / 4000, 0);
    expect(chiSquare).toBeLessThan(40);
  });

  it('draws negative binomials of the mean and variance asked for', () => {
    const random = Random.seeded('nb');
    const n = 40_000;
    const values = Array.from({ length: n }, () => random.negativeBinomial(32, 2));
    const mean = values.reduce((sum, x) => sum + x, 0) / n;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    expect(mean).toBeGreaterThan(31.3);
    expect(mean).toBeLessThan(32.7);
    expect(variance / (32 + 32 ** 2 / 2)).toBeGreaterThan(0.93);
    expect(variance / (32 + 32 ** 2 / 2)).toBeLessThan(1.07);
  });
});

describe('Permutation', () => {
  it('hits every number once', () => {
    assert(
      property(integer({ min: 1, max: 3000 }), string(), (size, seed) => {
        const permutation = new Permutation(Random.seeded(seed), size);
        const images = new Set(Array.from({ length: size }, (_, i) => permutation.of(i)));
        return images.size === size && Math.max(...images) === size - 1 && Math.min(...images) === 0;
      }),
      { numRuns: 50 },
    );
  });
});
