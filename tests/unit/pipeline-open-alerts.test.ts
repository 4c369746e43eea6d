/** What a commit says of open alerts: a start reads again from there, and asks no database. */

import { expect, test } from 'vitest';
import type { AssignedPartition, EventBatch } from '../../src/source/source.ts';
import { event } from './cli/fixtures.ts';
import { batch, LATENESS_MS, scripted, T0 } from './scripted-pipeline.ts';

const stop = new AbortController().signal;
const read = (second: number) => event(second, 'record-view', { service: { name: 'kairos' } });

const anew: AssignedPartition = { partition: 0, committedOffset: undefined, metadata: undefined };

test('a commit holds the earliest crossing of the open alerts, and none once they are resolved', async () => {
  const { pipeline, commits } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [anew] };
      yield batch(0, 1, read(0));
      yield batch(0, 3, read(1), read(2));
      yield batch(0, 4, read(3));
      yield batch(0, 5, event(86_400, 'login'));
      yield { kind: 'idle' };
    },
    options: { maxFutureMs: 10 * 86_400_000 },
  });
  await pipeline.run(stop);
  const told = new Map(commits.map(({ nextOffset, metadata }) => [nextOffset, metadata.oldestOpen]));
  expect([...told]).toEqual([
    [1, undefined],
    [3, T0 + 2000],
    [4, T0 + 2000],
    [5, undefined],
  ]);
});

test('an alert that was open before a restart stays in the commits until its time is judged again', async () => {
  const before = { newestEventTime: T0 + 100_000, oldestOpen: T0 + 2000 };
  const { pipeline, commits } = scripted({
    async *items() {
      const committed = { partition: 0, committedOffset: 4, metadata: before, endOffset: 100 };
      yield { kind: 'assignment', partitions: [committed] };
      yield batch(0, 5, read(100 - LATENESS_MS / 1000));
      yield batch(0, 6, read(86_400));
      yield { kind: 'idle' };
    },
    options: { maxFutureMs: 10 * 86_400_000 },
  });
  await pipeline.run(stop);
  const told = new Map(commits.map(({ nextOffset, metadata }) => [nextOffset, metadata.oldestOpen]));
  expect([...told]).toEqual([
    [5, T0 + 2000],
    [6, undefined],
  ]);
});

test('the commit of a partition that is ahead says from when on windows still wait for the other one', async () => {
  const { pipeline, commits } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [anew, { ...anew, partition: 1 }] };
      yield batch(0, 1, event(100, 'login'));
      yield batch(1, 1, event(200, 'login'));
      yield batch(1, 2, event(700, 'login'));
      yield batch(0, 2, event(700, '', { event: { id: 'another', action: 'login' } }));
      yield { kind: 'idle' };
    },
  });
  await pipeline.run(stop);
  const told = commits.filter(({ partition }) => partition === 1);
  const [one, two] = [1, 2].map((offset) => told.find(({ nextOffset }) => nextOffset === offset)?.metadata);
  expect([one?.oldestOpen, two?.oldestOpen]).toEqual([T0 + 100_000, T0 + 100_000]);
  expect(told.at(-1)?.metadata).toEqual({ newestEventTime: T0 + 700_000 });
});

test('until every partition has brought an event, commits say that no window is judged', async () => {
  const { pipeline, commits } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [anew, { ...anew, partition: 1 }] };
      yield batch(0, 1, event(100, 'login'));
      yield batch(0, 2, event(900, 'login'));
      yield batch(1, 1, event(900, '', { event: { id: 'another', action: 'login' } }));
      yield { kind: 'idle' };
    },
  });
  await pipeline.run(stop);
  const told = commits.filter(({ partition }) => partition === 0).map(({ metadata }) => metadata.oldestOpen);
  expect([told[0], told.at(-1)]).toEqual([-Infinity, undefined]);
});

test('until the watermark is back where it was before a restart, commits say how far it had been', async () => {
  const committed = { partition: 0, committedOffset: 4, endOffset: 100 };
  const { pipeline, commits } = scripted({
    async *items() {
      yield {
        kind: 'assignment',
        partitions: [
          { ...committed, metadata: { newestEventTime: T0 + 100_000 } },
          { ...anew, partition: 1 },
        ],
      };
      // The other partition has brought nothing yet.
      yield batch(0, 5, event(800, 'login'));
      yield batch(1, 1, event(800, '', { event: { id: 'another', action: 'login' } }));
      yield { kind: 'idle' };
    },
  });
  await pipeline.run(stop);
  const told = commits.filter(({ partition }) => partition === 0).map(({ metadata }) => metadata.oldestOpen);
  expect([told[0], told.at(-1)]).toEqual([T0 + 100_000, undefined]);
});

test('an alert that was open before a restart is reported again even if no lateness is allowed', async () => {
  const told: number[] = [];
  const run = async (partition: AssignedPartition, ...batches: EventBatch[]) => {
    const { pipeline, commits } = scripted({
      async *items() {
        yield { kind: 'assignment', partitions: [partition] };
        yield* batches;
      },
      rewinds: true,
      options: { latenessMs: 0 },
      observer: { alerts: (written) => told.push(...written.map(({ alert }) => alert.events)) },
    });
    await pipeline.run(stop);
    return commits.at(-1)!;
  };
  const { metadata } = await run(anew, batch(0, 3, read(0), read(1), read(2)));
  const all = [0, 1, 2, 3].map(read);
  await run(
    { partition: 0, committedOffset: 3, metadata, endOffset: 4 },
    batch(0, 3, ...all.slice(0, 3)),
    batch(0, 4, read(3)),
  );
  expect(told.at(-1)).toBe(4);
});
