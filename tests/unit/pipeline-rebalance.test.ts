/** The same partitions after a rebalance: what is in memory goes on, and nothing is read again. */

import { expect, test } from 'vitest';
import type { AssignedPartition, ReadPosition } from '../../src/source/source.ts';
import { event } from './cli/fixtures.ts';
import { batch, scripted, T0 } from './scripted-pipeline.ts';

const stop = new AbortController().signal;
const read = (second: number) => event(second, 'record-view', { service: { name: 'kairos' } });
const newest = (second: number) => ({ newestEventTime: T0 + 1000 * second });

async function run(then: AssignedPartition, resumes = true) {
  const resumed: (readonly ReadPosition[])[] = [];
  const alerts: string[] = [];
  let rewinds = 0;
  const { pipeline, source, commits } = scripted({
    async *items() {
      yield {
        kind: 'assignment',
        partitions: [{ partition: 0, committedOffset: 0, metadata: undefined, endOffset: 0 }],
      };
      yield batch(0, 1, read(0));
      yield batch(0, 2, read(1));
      yield { kind: 'assignment', partitions: [then] };
      yield batch(then.partition, 3, read(2));
    },
    options: { flushIntervalMs: 1e9 },
    observer: { alerts: (written) => alerts.push(...written.map(({ alert }) => alert.status)) },
  });
  source.resume = async (positions) => {
    resumed.push(positions);
    return resumes;
  };
  source.rewind = async () => {
    rewinds += 1;
    return false;
  };
  await pipeline.run(stop);
  return { resumed, alerts, rewinds, last: commits.at(-1) };
}

test.each<[string, number | undefined]>([
  ['where the group has committed nothing', undefined],
  ['where the group had not got as far as this process', 1],
  ['where it had', 2],
  ['where another process went on meanwhile', 3],
])('windows go on from memory %s', async (_, committedOffset) => {
  const metadata = committedOffset === undefined ? undefined : newest(1);
  const found = await run({ partition: 0, committedOffset, metadata, endOffset: 3 });
  expect(found.resumed).toEqual([[{ partition: 0, nextOffset: 2, landmark: undefined }]]);
  expect(found.alerts).toEqual(['firing']);
  expect(found.rewinds).toBe(0);
  // What others have committed is not committed again.
  expect(found.last?.nextOffset).toBe(committedOffset === 3 ? undefined : 3);
});

test.each<[string, AssignedPartition, boolean]>([
  [
    'of the partition something is gone',
    {
      partition: 0,
      committedOffset: 1,
      metadata: newest(0),
      gap: { cause: 'deleted', fromOffset: 1, toOffset: 2 },
    },
    true,
  ],
  ['it is another partition', { partition: 1, committedOffset: 2, metadata: newest(1) }, true],
  ['the log is another one', { partition: 0, committedOffset: 2, metadata: newest(1) }, false],
])('windows are read again when %s', async (_, then, resumes) => {
  const found = await run(then, resumes);
  expect(found.alerts).toEqual([]);
  expect(found.rewinds).toBe(1);
});

test('an alert took as long as its own assignment: what was read under another one is read again', async () => {
  const took: number[] = [];
  const { pipeline } = scripted({
    async *items(time) {
      yield {
        kind: 'assignment',
        partitions: [{ partition: 0, committedOffset: 0, metadata: undefined, endOffset: 0 }],
      };
      yield batch(0, 1, read(0));
      time.elapsedMs += 20_000;
      yield {
        kind: 'assignment',
        partitions: [{ partition: 1, committedOffset: undefined, metadata: undefined, endOffset: 0 }],
      };
      yield batch(1, 2, read(1), read(2));
      time.elapsedMs += 300;
      yield batch(1, 3, read(3));
    },
    options: { flushIntervalMs: 1e9 },
    observer: { alerts: (_, ackMs) => took.push(ackMs) },
  });
  await pipeline.run(stop);
  expect(took).toEqual([300]);
});
