/** What is written as signals is read as it was, by whoever has the same rules or others. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IdLinks } from '../../../src/event/id-links.ts';
import { Pseudonyms } from '../../../src/event/pseudonyms.ts';
import { FieldTable, type FieldValue } from '../../../src/event/record.ts';
import { SignalReader, type SignalVisitor } from '../../../src/signal/signal-reader.ts';
import { SignalWriter } from '../../../src/signal/signal-writer.ts';

const PATHS = ['event.id', 'user.id', 'organization.id', 'portal.records.ids', 'amount'];
const HASHES = ['h0', undefined, 'h2', 'h3'];
const HEAD = { shards: 3, partitions: 7, keyCheck: 0xfedc_ba98 };

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const persons = fc
  .record({ words: fc.array(fc.tuple(word, word), { maxLength: 40 }), steps: fc.constantFrom(0, 1, 4) })
  .map(({ words, steps }) => {
    const links = steps === 0 ? undefined : new IdLinks(steps);
    if (links !== undefined) {
      links.length = words.length;
      links.values = Float64Array.from({ length: links.stride * words.length }, (_, i) =>
        i % 3 === 0 ? -1 : i * 1e12,
      );
    }
    return new Pseudonyms(Uint32Array.from(words.flat()), words.length, links);
  });
const text = fc.oneof(
  fc.constantFrom('u-1', 'u-2', '', 'é', '日本', '\ud800', 'x'.repeat(100)),
  fc.string({ unit: 'binary' }),
);
const scalar: fc.Arbitrary<FieldValue> = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 2 ** 53, -(2 ** 51), 1e300),
  fc.boolean(),
  fc.constant(null),
);
const value: fc.Arbitrary<FieldValue | undefined> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  fc.constant(undefined),
  fc.array(scalar, { maxLength: 4 }),
  fc.constant<FieldValue>({ deep: ['x', { y: 1 }] }),
  persons,
);

interface Signal {
  readonly offset: number;
  readonly time: number;
  readonly newest: number;
  readonly matched: readonly number[];
  readonly values: readonly (FieldValue | undefined)[];
}

const signals: fc.Arbitrary<Signal[]> = fc
  .array(
    fc.record({
      step: fc.nat({ max: 1000 }),
      time: fc.integer({ min: 0, max: 4e12 }),
      newest: fc.oneof(fc.constant(-Infinity), fc.integer({ min: 0, max: 4e12 })),
      matched: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      values: fc.tuple(...PATHS.map(() => value)),
    }),
    { maxLength: 30 },
  )
  .map((drawn) => {
    let offset = 2 ** 40;
    return drawn.map(({ step, ...signal }) => ({ ...signal, offset: (offset += 1 + step) }));
  });

/** As plain data, so that it can be compared and outlives the record. */
function plain(held: FieldValue | undefined): unknown {
  if (!(held instanceof Pseudonyms)) return structuredClone(held);
  const { words, length, links } = held;
  const known = links && [links.steps, [...links.values.subarray(0, links.stride * links.length)]];
  return ['persons', [...words.subarray(0, 2 * length)], known];
}

function written(drawn: readonly Signal[], fields: readonly string[] = PATHS): Buffer {
  const table = new FieldTable();
  const slots = fields.map((path) => [path, table.slot(path)] as const);
  const writer = new SignalWriter({ fields: slots, rules: HASHES, idSlot: 0 });
  const record = table.newRecord();
  writer.begin(HEAD, 6, 77, 2 ** 40);
  for (const { offset, time, newest, matched, values } of drawn) {
    record.time = time;
    record.slots.splice(0, values.length, ...values);
    writer.add(offset, newest, record, matched, matched.length);
  }
  writer.end(2 ** 41, 12, true);
  return writer.take()!;
}

function read(message: Uint8Array, paths = PATHS, hashes = HASHES) {
  const table = new FieldTable();
  for (const path of paths) table.slot(path);
  const found: Signal[] = [];
  const told: unknown[] = [];
  const visitor: SignalVisitor = {
    head: (head) => told.push(head),
    begin: (...begin) => told.push(begin),
    signal: (offset, newest, { time, slots }, matched) => {
      const values = slots.map(plain) as FieldValue[];
      found.push({ offset, newest, time, matched: [...matched], values });
    },
    end: (...end) => told.push(end),
  };
  const fault = new SignalReader(table, hashes).read(message, 0, message.length, visitor);
  return { fault, found, told };
}

const ordinary = (offset: number): Signal => ({
  offset,
  time: 1_752_300_000_000 + offset,
  newest: 1_752_300_000_000 + offset,
  matched: [0, 2],
  values: [`e-${offset}`, 'u-000123', 'organisation-7', undefined, 12],
});

describe('a message of signals', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(signals, (drawn) => {
        const { fault, found, told } = read(written(drawn));
        expect(fault).toBeUndefined();
        expect(told).toEqual([HEAD, [6, 77, 2 ** 40], [2 ** 41, 12, true]]);
        expect(found).toEqual(
          drawn.map(({ matched, values, ...rest }) => ({
            ...rest,
            // Nobody correlates the rule without a name.
            matched: matched.filter((rule) => HASHES[rule] !== undefined),
            values: values.map(plain),
          })),
        );
      }),
    );
  });

  test('is understood as far as they agree by somebody who knows other rules and fields', () => {
    fc.assert(
      fc.property(signals, (drawn) => {
        const { fault, found } = read(written(drawn), ['amount', 'other', 'user.id'], ['h3', 'new', 'h0']);
        expect(fault).toBeUndefined();
        expect(found.map(({ matched }) => matched)).toEqual(
          drawn.map(({ matched }) => [
            ...(matched.includes(3) ? [0] : []),
            ...(matched.includes(0) ? [2] : []),
          ]),
        );
        expect(found.map(({ values }) => values)).toEqual(
          drawn.map(({ values }) => [plain(values[4]), undefined, plain(values[1])]),
        );
      }),
    );
  });

  test('that is cut or damaged is refused, or read as another one, and never throws', () => {
    fc.assert(
      fc.property(signals, fc.nat(), fc.nat({ max: 255 }), (drawn, place, byte) => {
        const whole = written(drawn);
        const at = place % whole.length;
        expect(() => read(whole.subarray(0, at))).not.toThrow();
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        expect(() => read(damaged)).not.toThrow();
      }),
    );
  });

  test('of another version is refused', () => {
    const message = written([]);
    message[0] = 9;
    expect(read(message).fault).toBe('its format is 9, not 1');
  });

  test('names a text that comes again by a number', () => {
    const one = written([ordinary(2 ** 40)]).length;
    const many = written(Array.from({ length: 101 }, (_, i) => ordinary(2 ** 40 + i))).length;
    expect((many - one) / 100).toBeLessThan(40);
  });
});
