import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Pipeline } from '../../../src/pipeline/pipeline.ts';
import { Shards } from '../../../src/scale-out/shards.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { Assignment, Idle, Source } from '../../../src/source/source.ts';

const assignment: Assignment = {
  kind: 'assignment',
  partitions: [0, 1].map((partition) => ({ partition, committedOffset: undefined })) as never,
};

/** Shards that run so, on a source that says all of this. */
function shardsOf(
  items: readonly (Assignment | Idle)[],
  run: (shard: number, lane: Source, stop: AbortSignal) => Promise<void>,
) {
  const source = {
    name: 'signals',
    type: 'kafka',
    async *read() {
      yield* items;
    },
  } as unknown as Source;
  const ended: number[] = [];
  const assigned: number[][] = [];
  const onAssigned = (own: ReadonlySet<number>): unknown => assigned.push([...own]);
  const shards = new Shards(source, 2, parseRules([]), onAssigned, (shard, _, lane) => ({
    pipeline: { run: (stop: AbortSignal) => run(shard, lane, stop) } as unknown as Pipeline,
    onEnd: () => ended.push(shard),
  }));
  return { shards, ended, assigned };
}

const stop = new AbortController().signal;

test('an error that ends one shard ends all, and is thrown', async () => {
  const idles = Array.from({ length: 3 }, (): Idle => ({ kind: 'idle' }));
  const { shards, ended } = shardsOf([assignment, ...idles], async (shard, lane) => {
    let seen = 0;
    for await (const item of lane.read(stop)) {
      seen += 1;
      if (shard === 1 && seen === 3) throw new Error(`no more after ${item.kind}`);
    }
  });
  await expect(shards.run(stop)).rejects.toThrow('no more after idle');
  expect(ended).not.toContain(1);
});

test('at the end every shard writes what it has, even if another one fails', async () => {
  const { shards, ended, assigned } = shardsOf([assignment], async (shard, lane) => {
    for await (const _ of lane.read(stop));
    if (shard === 0) throw new Error('not taken');
    await setTimeout(20);
  });
  await expect(shards.run(stop)).rejects.toThrow('not taken');
  expect(ended).toEqual([1]);
  expect(assigned).toEqual([[0, 1]]);
});
