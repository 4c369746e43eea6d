/** Parts of a topic that are gone: told, committed past, and no reason to wait for windows that cannot come. */

import { expect, test } from 'vitest';
import type { AssignedPartition, InputGap } from '../../src/source/source.ts';
import { batch, scripted, T0 } from './scripted-pipeline.ts';

const event = (ms: number) => `{"@timestamp":"${new Date(T0 + ms).toISOString()}"}`;
const stop = new AbortController().signal;

function committed(partition: number, rest: Partial<AssignedPartition> = {}): AssignedPartition {
  return {
    partition,
    committedOffset: 30,
    metadata: { newestEventTime: T0 },
    endOffset: 100,
    ...rest,
  };
}

test('deleted messages are told once, and the commit past them keeps the event time it had', async () => {
  const gap: InputGap = { cause: 'deleted', fromOffset: 30, toOffset: 100 };
  const told: unknown[] = [];
  const { pipeline, commits } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, { gap }), committed(1)] };
      yield { kind: 'idle' };
    },
    observer: { gap: (...args) => told.push(args) },
  });
  await pipeline.run(stop);
  expect(told).toEqual([['scripted', 0, gap]]);
  expect(commits.at(-1)).toEqual({ partition: 0, nextOffset: 100, metadata: { newestEventTime: T0 } });
  expect(commits.some(({ partition }) => partition === 1)).toBe(false);
});

test('a recreated topic is told, and nothing is committed before it was read', async () => {
  const gap: InputGap = { cause: 'recreated', fromOffset: 30, toOffset: 0 };
  const told: InputGap[] = [];
  const { pipeline, commits } = scripted({
    async *items() {
      yield {
        kind: 'assignment',
        partitions: [committed(0, { committedOffset: undefined, metadata: undefined, gap })],
      };
      yield { kind: 'idle' };
      yield batch(0, 2, event(0), event(1));
    },
    observer: { gap: (_source, _partition, found) => told.push(found) },
  });
  await pipeline.run(stop);
  expect(told).toEqual([gap]);
  expect(commits.map(({ nextOffset }) => nextOffset)).not.toContain(0);
  expect(commits.at(-1)?.nextOffset).toBe(2);
});

test('windows count as restored when nothing is left to read again, so that counting goes on', async () => {
  const restores: string[] = [];
  const restoring: boolean[] = [];
  const { pipeline } = scripted({
    async *items() {
      // All had been read when retention took it.
      yield { kind: 'assignment', partitions: [committed(0, { endOffset: 30 })] };
      yield { kind: 'idle' };
    },
    rewinds: false,
    observer: {
      restore: (state) => restores.push(state),
      state: (_engine, _lag, unfinished) => restoring.push(unfinished),
    },
  });
  await pipeline.run(stop);
  expect(restores).toEqual(['started', 'finished']);
  expect(restoring.at(-1)).toBe(false);
});
