/** Lines that a mapping leaves out, as the pipeline sees them. Time is driven by hand. */

import { expect, test } from 'vitest';
import type { DeadLetter } from '../../src/sink/sink.ts';
import { mappingOf } from './event/mapping/support.ts';
import { batch, LATENESS_MS, scripted, T0 } from './scripted-pipeline.ts';

const MAPPING = mappingOf(
  'input: json\ntime: {field: t, format: epoch_ms}\ncases: [{name: read, when: {k: read}, set: {event.action: record-view}}, {name: noise, when: {k: noise}, skip: true}]',
);

const read = (ms: number) => `{"t":${T0 + ms},"k":"read"}`;
const NOISE = `{"t":${T0},"k":"noise"}`;

test('are counted by case, beside those with bytes replaced, become no dead letter, and do not keep a partition from being idle', async () => {
  const skipped = new Map<string, number>();
  const letters: DeadLetter[] = [];
  let replaced = 0;
  const watermarks: number[] = [];
  const { pipeline } = scripted({
    async *items(clock) {
      const partitions = [0, 1].map((partition) => ({
        partition,
        committedOffset: undefined,
        metadata: undefined,
      }));
      yield { kind: 'assignment', partitions };
      yield batch(0, 1, read(0));
      // Nothing but noise on the other partition, and it goes on.
      yield batch(1, 2, NOISE, '{"t":1}');
      yield { kind: 'idle' };
      for (let s = 1; s <= 31; s += 1) {
        clock.elapsedMs = 1000 * s;
        yield { kind: 'idle' };
      }
      yield batch(0, 2, read(1000));
      yield batch(1, 4, NOISE, NOISE);
      yield { kind: 'idle' };
      yield batch(1, 5, read(500));
      yield batch(1, 6, 'no JSON');
      yield batch(1, 7, Buffer.from(`{"t":${T0 + 500},"k":"read","agent":"\xff"}`, 'latin1'));
    },
    options: {
      mapping: MAPPING,
      deadLetters: {
        write: async (written) => {
          letters.push(...written);
        },
        close: async () => {},
      },
    },
    observer: {
      batch: (counts) => {
        for (const [reason, lines] of counts.skipped) skipped.set(reason, (skipped.get(reason) ?? 0) + lines);
        replaced += counts.replaced;
      },
      state: ({ watermarks: { watermark } }) => watermarks.push(watermark),
    },
  });
  const summary = await pipeline.run(new AbortController().signal);
  expect(Object.fromEntries(skipped)).toEqual({ noise: 3, 'no case': 1 });
  expect(summary).toMatchObject({ events: 9, accepted: 4, skipped: 4, replaced: 1, deadLetters: 1 });
  expect(replaced).toBe(1);
  expect(letters.map(({ code }) => code)).toEqual(['NOT_JSON']);
  // Held back by the partition without an event until it counts as silent.
  expect(watermarks.slice(0, 3)).toEqual([-Infinity, -Infinity, -Infinity]);
  expect(watermarks).toContain(T0 + 1000 - LATENESS_MS);
});
