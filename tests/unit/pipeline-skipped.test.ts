/** Lines that a mapping leaves out, as the pipeline sees them. Time is driven by hand. */

import { expect, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { DeadLetter } from '../../src/sink/sink.ts';
import type { Assignment, EventBatch, Idle, Source } from '../../src/source/source.ts';
import { ALL_RULES } from './cli/fixtures.ts';
import { mappingOf } from './event/mapping/support.ts';

const T0 = Date.UTC(2025, 6, 12, 20);
const LATENESS_MS = 60_000;
const MAPPING = mappingOf(
  'input: json\ntime: {field: t, format: epoch_ms}\ncases: [{name: read, when: {k: read}, set: {event.action: record-view}}, {name: noise, when: {k: noise}, skip: true}]',
);

function batch(partition: number, nextOffset: number, ...lines: string[]): EventBatch {
  return {
    kind: 'events',
    partition,
    count: lines.length,
    bytes: 0,
    nextOffset,
    endOffset: nextOffset,
    forEach: (visit) => {
      for (const [i, line] of lines.entries()) {
        const data = Buffer.from(line);
        visit(data, 0, data.length, nextOffset - lines.length + i);
      }
    },
  };
}

const none = async (): Promise<void> => {};
const read = (ms: number) => `{"t":${T0 + ms},"k":"read"}`;
const NOISE = `{"t":${T0},"k":"noise"}`;

test('are counted by case, become no dead letter, and do not keep a partition from being idle', async () => {
  let elapsed = 0;
  const clock: Clock = { now: () => T0 + 3_600_000, elapsed: () => elapsed };
  const skipped = new Map<string, number>();
  const letters: DeadLetter[] = [];
  const watermarks: number[] = [];
  const source: Source = {
    name: 'scripted',
    type: 'kafka',
    async *read(): AsyncGenerator<EventBatch | Assignment | Idle> {
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
      elapsed = 31_000;
      yield batch(0, 2, read(1000));
      yield batch(1, 4, NOISE, NOISE);
      yield { kind: 'idle' };
      yield batch(1, 5, read(500));
      yield batch(1, 6, 'no JSON');
    },
    rewind: none,
    commit: none,
    close: none,
  };
  const pipeline: Pipeline = new Pipeline({
    source,
    sink: {
      open: none,
      detectedAt: async () => new Map(),
      openAlerts: async () => [],
      writeAlerts: none,
      writeEvents: none,
      close: none,
    },
    deadLetters: {
      write: async (written) => {
        letters.push(...written);
      },
      close: none,
    },
    ruleSet: parseRules([{ file: 'rules.yml', text: ALL_RULES }]),
    pseudonymKey: new Uint8Array(16),
    timestampField: '@timestamp',
    personFields: [],
    maxEventBytes: 1000,
    mapping: MAPPING,
    latenessMs: LATENESS_MS,
    maxFutureMs: 300_000,
    idleTimeoutMs: 30_000,
    flushIntervalMs: 0,
    archive: false,
    clock,
    observer: {
      batch: (counts) => {
        for (const [reason, lines] of counts.skipped) skipped.set(reason, (skipped.get(reason) ?? 0) + lines);
      },
      deadLetter: () => {},
      alerts: () => {},
      state: ({ watermarks: { watermark } }) => watermarks.push(watermark),
      restore: () => {},
    },
  });
  const summary = await pipeline.run(new AbortController().signal);
  expect(Object.fromEntries(skipped)).toEqual({ noise: 3, 'no case': 1 });
  expect(summary).toMatchObject({ events: 8, accepted: 3, skipped: 4, deadLetters: 1 });
  expect(letters.map(({ code }) => code)).toEqual(['NOT_JSON']);
  // Held back by the partition without an event until it counts as silent.
  expect(watermarks.slice(0, 3)).toEqual([-Infinity, -Infinity, -Infinity]);
  expect(watermarks).toContain(T0 + 1000 - LATENESS_MS);
});
