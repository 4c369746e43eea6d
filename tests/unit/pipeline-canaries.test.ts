/** What is read of canaries is told apart: a portal that ships nothing must not look alive because of them. */

import { expect, test } from 'vitest';
import { event } from './cli/fixtures.ts';
import { batch, scripted } from './scripted-pipeline.ts';

const read = (second: number, id: string): string =>
  event(second, 'record-view', { event: { id, action: 'record-view' } });

test('events of canaries are counted among those that are read, and for themselves', async () => {
  const counted: [number, number][] = [];
  const { pipeline } = scripted({
    async *items() {
      yield {
        kind: 'assignment',
        partitions: [{ partition: 0, committedOffset: undefined, metadata: undefined }],
      };
      yield batch(0, 3, read(0, 'vigie-canary-1'), read(1, 'a'), read(2, 'not-a-vigie-canary-1'));
    },
    observer: { batch: ({ events, canaries }) => counted.push([events, canaries]) },
  });
  await pipeline.run(new AbortController().signal);
  expect(counted).toEqual([[3, 1]]);
});
