import { expect, test } from 'vitest';
import type { Pipeline } from '../../../src/pipeline/pipeline.ts';
import { Shards } from '../../../src/scale-out/shards.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { Assignment, Idle, Source } from '../../../src/source/source.ts';

const assignment: Assignment = {
  kind: 'assignment',
  partitions: [0, 1].map((partition) => ({ partition, committedOffset: undefined })) as never,
};

/** Two shards, of which the second fails at its third item. */
test('what ends one shard ends all, and is thrown', async () => {
  const items: (Assignment | Idle)[] = [assignment, { kind: 'idle' }, { kind: 'idle' }, { kind: 'idle' }];
  const source = {
    name: 'signals',
    type: 'kafka',
    async *read() {
      yield* items;
    },
  } as unknown as Source;
  const ended: number[] = [];
  const shards = new Shards(source, 2, parseRules([]), (shard, _, lane) => ({
    pipeline: {
      run: async (stop: AbortSignal) => {
        let seen = 0;
        for await (const item of lane.read(stop)) {
          seen += 1;
          if (shard === 1 && seen === 3) throw new Error(`no more after ${item.kind}`);
        }
      },
    } as unknown as Pipeline,
    onEnd: () => ended.push(shard),
  }));
  await expect(shards.run(new AbortController().signal)).rejects.toThrow('no more after idle');
  expect(ended).not.toContain(1);
});
