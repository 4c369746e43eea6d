/** What events have together, as one number, against a plain map of texts. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { StateReader } from '../../../src/state/state-reader.ts';
import { StateWriter } from '../../../src/state/state-writer.ts';
import { atOnce } from '../../../src/state/steps.ts';
import { type Dimensions, DimensionTable, LIMITS } from '../../../src/window/dimension-table.ts';

function dimensionsAt(table: DimensionTable, number: number): Dimensions {
  let told: Dimensions | undefined;
  table.addTo({ addDimensions: (dimensions) => (told = { ...dimensions }) }, number);
  return told!;
}

const some = (most: number) => fc.oneof(fc.constant(0), fc.constant(most), fc.integer({ min: 0, max: 5 }));
const dimensions = fc.record({
  application: some(LIMITS.application),
  organisation: some(LIMITS.organisation),
  network: some(LIMITS.network),
  category: some(LIMITS.category),
  account: some(LIMITS.account),
});

test('the same numbers have one number, others another, and it gives them back, also where it was saved', () => {
  fc.assert(
    fc.property(fc.array(dimensions, { maxLength: 400 }), (all) => {
      const table = new DimensionTable(1000);
      const known = new Map<string, number>();
      for (const each of all) {
        const number = table.numberOf(each);
        expect(known.get(JSON.stringify(each)) ?? number).toBe(number);
        known.set(JSON.stringify(each), number);
      }
      expect(new Set(known.values()).size).toBe(known.size);
      const writer = new StateWriter();
      atOnce(table.saving(writer.section('rows')));
      const loaded = new DimensionTable(1000);
      const reader = StateReader.of(...writer.finish());
      atOnce(reader.sectionInSteps('rows', (section) => loaded.loading(section)));
      for (const [text, number] of known) {
        expect(dimensionsAt(table, number)).toEqual(JSON.parse(text));
        expect(dimensionsAt(loaded, number)).toEqual(JSON.parse(text));
        expect(loaded.numberOf(JSON.parse(text) as Dimensions)).toBe(number);
      }
    }),
  );
});

const ofAccount = (account: number): Dimensions => ({
  application: 1,
  organisation: 1,
  network: 1,
  category: 1,
  account,
});

test('a full table has no number for what is new, until what nobody holds is forgotten', () => {
  const table = new DimensionTable(100);
  const numbers = Array.from({ length: 100 }, (_, i) => table.numberOf(ofAccount(i + 1)));
  expect(table.isFull).toBe(true);
  expect(table.numberOf(ofAccount(101))).toBe(-1);
  expect(table.numberOf(ofAccount(5))).toBe(numbers[4]);
  const isHeld = new Uint8Array(table.length);
  for (const number of numbers.slice(0, 60)) isHeld[number] = 1;
  table.forget(isHeld);
  expect(table.isFull).toBe(false);
  const others = Array.from({ length: 40 }, (_, i) => table.numberOf(ofAccount(1001 + i)));
  expect(new Set(others)).toEqual(new Set(numbers.slice(60)));
  expect(table.numberOf(ofAccount(2000))).toBe(-1);
  for (let i = 0; i < 60; i += 1) expect(table.numberOf(ofAccount(i + 1))).toBe(numbers[i]);
});
