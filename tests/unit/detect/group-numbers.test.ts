/** The numbers of groups: one group's never are another's, and what was saved comes back. */

import { expect, test } from 'vitest';
import { GroupNumbers } from '../../../src/detect/group-numbers.ts';
import { StateReader } from '../../../src/state/state-reader.ts';
import { StateWriter } from '../../../src/state/state-writer.ts';

const horizon = { timespanMs: 1000, leastThreshold: 0, leastBound: 5 };
/** One of everything that a group has numbers of. */
const shape = {
  counts: [horizon],
  distincts: [{ horizons: [horizon] }],
  sums: [{ horizons: [horizon] }],
  closings: [{ sleeping: true }],
  persons: true,
  gates: [undefined],
};
const newNumbers = () => new GroupNumbers(shape, 100);

/** All of the group that is open, but for where its logs lie. */
function told(numbers: GroupNumbers) {
  return {
    trimFrom: numbers.trimFrom,
    coalescedUpTo: numbers.coalescedUpTo,
    newest: numbers.newest.ms,
    boundAt: numbers.boundAt,
    horizons: numbers.horizons.map(({ value, tail }) => [value, tail]),
    toldBefore: numbers.sightings.map(({ toldBefore }) => toldBefore),
    inexact: numbers.sums.map(({ inexact }) => inexact),
    weights: numbers.asleep.map((asleep) => asleep!.weight),
    estimated: numbers.histories.map(({ estimatedBucket }) => estimatedBucket),
  };
}

const runsOf = (numbers: GroupNumbers) =>
  [
    numbers.events,
    numbers.persons,
    ...numbers.sightings.flatMap(({ few, run, table }) => [few, run, table]),
    ...numbers.sums.map(({ run }) => run),
    ...numbers.asleep.map((asleep) => asleep!.run),
    ...numbers.histories.map(({ run }) => run),
  ].map(({ offset, capacity, head, length }) => [offset, capacity, head, length]);

/** Gives each number of the group that is open a value of its own. */
function fill(numbers: GroupNumbers, seed: number): void {
  let next = seed;
  const own = (): number => (next += 1);
  numbers.trimFrom = own();
  numbers.coalescedUpTo = own();
  numbers.newest.ms = own();
  numbers.boundAt = own();
  for (const state of numbers.horizons) [state.value, state.tail] = [own(), own()];
  for (const sightings of numbers.sightings) {
    sightings.toldBefore = own();
    for (const run of [sightings.few, sightings.run, sightings.table]) run.offset = own();
  }
  for (const sum of numbers.sums) sum.inexact = true;
  for (const asleep of numbers.asleep) [asleep!.weight, asleep!.spare] = [own(), own()];
  for (const history of numbers.histories) {
    history.estimatedBucket = own();
    [history.run.offset, history.run.capacity, history.run.head, history.run.length] = [
      own(),
      own(),
      own(),
      own(),
    ];
  }
}

test('each group has its own numbers, whichever was open before', () => {
  const numbers = newNumbers();
  const rows = [0, 1, 2].map((i) => {
    const row = numbers.create(i);
    numbers.setSavedIn(row, 10 + i);
    fill(numbers, 1000 * i);
    return { row, told: told(numbers), runs: runsOf(numbers) };
  });
  for (const at of [1, 0, 2, 1]) {
    const { row } = rows[at]!;
    numbers.open(row);
    expect([numbers.numberOf(row), numbers.savedIn(row)]).toEqual([at, 10 + at]);
    expect(told(numbers)).toEqual(rows[at]!.told);
    expect(runsOf(numbers)).toEqual(rows[at]!.runs);
  }
});

test('a group begins with nothing, also in the place of one that is gone', () => {
  const numbers = newNumbers();
  const row = numbers.create(1);
  const fresh = { told: told(numbers), runs: runsOf(numbers) };
  fill(numbers, 1000);
  numbers.delete();
  expect(numbers.create(2)).toBe(row);
  expect({ told: told(numbers), runs: runsOf(numbers) }).toEqual(fresh);
});

test('what was saved of a group comes back', () => {
  const numbers = newNumbers();
  numbers.create(1);
  fill(numbers, 1000);
  const writer = new StateWriter();
  numbers.save(writer.section('numbers'));
  const loaded = newNumbers();
  loaded.create(1);
  StateReader.of(...writer.finish()).section('numbers', (section) => loaded.load(section));
  expect(told(loaded)).toEqual(told(numbers));
});
