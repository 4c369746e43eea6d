/** Distinct persons: exact to the bound, then an estimate with the error of its sketch. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXACT_PERSONS, PersonCounter } from '../../../src/alert/person-counter.ts';
import { SipHash } from '../../../src/event/siphash.ts';
import { StateReader } from '../../../src/state/state-reader.ts';
import { StateWriter } from '../../../src/state/state-writer.ts';

const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i));

/** Adds persons number `from` to `to`, as pseudonyms of this population. */
function counterOf(from: number, to: number, population = ''): PersonCounter {
  const counter = new PersonCounter();
  for (let i = from; i < to; i += 1) addPerson(counter, i, population);
  return counter;
}

function addPerson(counter: PersonCounter, person: number, population = ''): void {
  hash.hashString(`${population}/${person}`);
  counter.add(hash.out[0]!, hash.out[1]!);
}

/** One person in each register, whose first 1 after the register's number is at `bit`. */
function estimateAt(bit: number): number {
  const counter = new PersonCounter();
  for (let register = 0; register < 2 ** 14; register += 1) {
    const [high, low] = bit <= 18 ? [2 ** (18 - bit), 0] : [0, 2 ** (50 - bit)];
    counter.add(register * 2 ** 18 + high, low);
  }
  return counter.count();
}

function saved(counter: PersonCounter): Buffer {
  const writer = new StateWriter();
  counter.save(writer.section('persons'));
  return Buffer.concat(writer.finish());
}

function loaded(bytes: Buffer): PersonCounter {
  const counter = new PersonCounter();
  StateReader.of(bytes).section('persons', (from) => counter.load(from));
  return counter;
}

/** The standard error of 2^14 registers. */
const STANDARD_ERROR = 1.04 / Math.sqrt(2 ** 14);

describe('a person counter', () => {
  test('counts exactly up to the bound, whatever comes twice', () => {
    const counter = counterOf(0, EXACT_PERSONS);
    for (let i = 0; i < EXACT_PERSONS; i += 7) addPerson(counter, i);
    expect(counter.count()).toBe(EXACT_PERSONS);
    expect(counter.estimated).toBe(false);
    addPerson(counter, EXACT_PERSONS);
    expect(counter.estimated).toBe(true);
  });

  test('tells apart persons that share one half of their pseudonym', () => {
    const counter = new PersonCounter();
    for (let hi = 0; hi < 30; hi += 1) for (let lo = 0; lo < 30; lo += 1) counter.add(hi, lo);
    expect(counter.count()).toBe(900);
  });

  test('counts the person whose pseudonym is zero once, also where it is merged', () => {
    const counter = new PersonCounter();
    expect([counter.add(0, 0), counter.add(0, 0), counter.add(0, 1)]).toEqual([true, false, true]);
    const merged = new PersonCounter();
    merged.merge(counter);
    merged.merge(counter);
    expect([counter.count(), merged.count()]).toEqual([2, 2]);
  });

  test('takes twice as many persons for each further bit, across both halves of a pseudonym', () => {
    for (const bit of [17, 18, 19, 49]) {
      expect(estimateAt(bit + 1) / estimateAt(bit)).toBeCloseTo(2, 3);
    }
  });

  test.each([0, 1, 700, EXACT_PERSONS, 20_000])(
    'goes on with %i persons as they were saved, in the same bytes whatever their order',
    (persons) => {
      const counter = counterOf(0, persons);
      const backwards = new PersonCounter();
      for (let i = persons - 1; i >= 0; i -= 1) addPerson(backwards, i);
      expect(saved(backwards).equals(saved(counter))).toBe(true);
      const again = loaded(saved(counter));
      for (const each of [counter, again]) for (let i = 0; i < persons + 100; i += 1) addPerson(each, i);
      expect([again.count(), again.estimated]).toEqual([counter.count(), counter.estimated]);
    },
  );

  test.each([10_001, 30_000, 100_000])(
    'estimates %i persons with a standard error near 0.81 percent',
    (persons) => {
      const populations = Math.ceil(1_000_000 / persons);
      const errors = Array.from(
        { length: populations },
        (_, i) => counterOf(0, persons, `population ${i}`).count() / persons - 1,
      );
      const mean = errors.reduce((sum, error) => sum + error, 0) / populations;
      const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / populations);
      expect(Math.abs(mean)).toBeLessThan((4 * STANDARD_ERROR) / Math.sqrt(populations));
      expect(deviation).toBeLessThan(STANDARD_ERROR * (1 + 3 / Math.sqrt(2 * populations)));
      expect(Math.max(...errors.map(Math.abs))).toBeLessThan(5 * STANDARD_ERROR);
    },
  );

  test('merges to the count of the union, in any order and any cut', () => {
    const range = fc
      .tuple(fc.nat(25_000), fc.nat(12_000))
      .map(([from, length]) => [from, from + length] as const);
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 4 }), (ranges) => {
        const merged = new PersonCounter();
        for (const [from, to] of ranges) merged.merge(counterOf(from, to));
        const backwards = new PersonCounter();
        for (const [from, to] of ranges.toReversed()) {
          for (let i = to - 1; i >= from; i -= 1) addPerson(backwards, i);
        }
        const distinct = new Set<number>();
        for (const [from, to] of ranges) for (let i = from; i < to; i += 1) distinct.add(i);
        expect(merged.count()).toBe(backwards.count());
        expect(merged.estimated).toBe(distinct.size > EXACT_PERSONS);
        if (!merged.estimated) expect(merged.count()).toBe(distinct.size);
      }),
      { numRuns: 15 },
    );
  });
});
