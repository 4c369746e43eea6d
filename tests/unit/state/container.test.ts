/** The container of saved state: what is written in turns and taken meanwhile comes back, or is refused. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { StateReader } from '../../../src/state/state-reader.ts';
import { StateWriter } from '../../../src/state/state-writer.ts';
import { storedIn } from '../../support/stored-bytes.ts';

const NAMES = ['a', 'bé', 'a long name of a section'];

const value = fc.oneof(
  fc.double({ noNaN: true }),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat({ max: 0xffff_ffff }), { maxLength: 300 }).map((words) => Uint32Array.from(words)),
  fc.constant(undefined),
);

/** 1.2 MB: no two are in one frame. */
const large = new Uint32Array(300_000).fill(7);

test('sections that are written in turns come back whole, however their frames lie', async () => {
  const step = fc.tuple(fc.nat({ max: NAMES.length - 1 }), value, fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 300 }), fc.nat(), async (steps, seed) => {
      const writer = new StateWriter();
      const sections = NAMES.map((name) => writer.section(name));
      const pieces: Uint8Array[] = [];
      const written = NAMES.map((): unknown[] => []);
      for (const [i, [section, drawn, takes]] of steps.entries()) {
        const given = i === seed % steps.length ? large : drawn;
        written[section]!.push(given);
        if (given instanceof Uint32Array) sections[section]!.words(given, 0, given.length);
        else sections[section]!.plain(given);
        if (takes) pieces.push(...writer.take());
      }
      pieces.push(...writer.finish());
      const whole = Buffer.concat(pieces);
      const stored = await StateReader.stored(storedIn(whole));
      for (const reader of [StateReader.of(...pieces), StateReader.of(whole), stored]) {
        NAMES.forEach((name, s) => {
          const read = reader.section(name, (from) =>
            written[s]!.map((expected) => {
              if (!(expected instanceof Uint32Array)) return from.plain();
              const words = new Uint32Array(expected.length);
              from.words(words, 0, words.length);
              return words;
            }),
          );
          expect(read).toEqual(written[s]);
        });
      }
    }),
    { numRuns: 60 },
  );
});

test('a frame that is missing, doubled or in another’s place is refused', async () => {
  const writer = new StateWriter();
  const section = writer.section('a');
  for (let i = 0; i < 3; i += 1) section.words(large, 0, large.length);
  const [head, ...frames] = writer.finish();
  expect(frames.length).toBeGreaterThan(3);
  const other = [
    [frames[1]!, frames[0]!, ...frames.slice(2)],
    frames.slice(1),
    frames.slice(0, -1),
    [...frames, frames.at(-1)!],
    [frames[0]!, ...frames],
  ];
  for (const pieces of other) {
    const torn = expect.objectContaining({ code: 'STATE_TORN' });
    expect(() => StateReader.of(head!, ...pieces)).toThrow(torn);
    await expect(StateReader.stored(storedIn(Buffer.concat([head!, ...pieces])))).rejects.toThrow(torn);
  }
});

test('what is full can be taken before all is written', () => {
  const writer = new StateWriter();
  const section = writer.section('a');
  let taken = 0;
  for (let i = 0; i < 1_000; i += 1) {
    section.words(large, 0, 2_500);
    for (const piece of writer.take()) taken += piece.length;
    // No more than a frame.
    expect((i + 1) * 10_000 - taken).toBeLessThan(300_000);
  }
});

test('what is stored is read a frame at a time, so that it does not lie in memory beside what is made of it', async () => {
  const writer = new StateWriter();
  for (const name of NAMES) {
    const section = writer.section(name);
    for (let i = 0; i < 400; i += 1) section.words(large, 0, 2_500);
  }
  const container = storedIn(Buffer.concat(writer.finish()));
  let most = 0;
  const reader = await StateReader.stored({
    ...container,
    readNow: (into, from) => {
      most = Math.max(most, into.length);
      return container.readNow(into, from);
    },
  });
  const words = new Uint32Array(2_500);
  for (const name of NAMES) {
    reader.section(name, (from) => {
      for (let i = 0; i < 400; i += 1) from.words(words, 0, words.length);
    });
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(300_000);
});

test('memory that is given back is written into again, and nothing of what it held shows', () => {
  const writer = new StateWriter();
  const section = writer.section('a');
  const pieces: Uint8Array[] = [];
  const memories = new Set<ArrayBufferLike>();
  const take = (taken: readonly Uint8Array[]): void => {
    for (const piece of taken) {
      pieces.push(piece.slice());
      memories.add(piece.buffer);
      new Uint8Array(piece.buffer).fill(0xff);
    }
    writer.giveBack(taken);
  };
  for (let i = 0; i < 1_000; i += 1) {
    section.u32(i);
    section.words(large, 0, 2_500);
    take(writer.take());
  }
  take(writer.finish());
  expect(pieces.length).toBeGreaterThan(40);
  // The small ones that a section begins with, and those that are written and taken in turns.
  expect(memories.size).toBeLessThan(15);
  const read = StateReader.of(...pieces).section('a', (from) =>
    Array.from({ length: 1_000 }, () => {
      const i = from.u32();
      const words = new Uint32Array(2_500);
      from.words(words, 0, words.length);
      return words.every((word) => word === 7) ? i : undefined;
    }),
  );
  expect(read).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
});
