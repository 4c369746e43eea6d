/** What is read of canaries is told apart: a portal that ships nothing must not look alive because of them. */

import { expect, test } from 'vitest';
import { event } from './cli/fixtures.ts';
import { batch, scripted } from './scripted-pipeline.ts';

const read = (second: number, id: string): string =>
  event(second, 'record-view', { event: { id, action: 'record-view' } });

test('events of canaries, and what rules match of them, are counted among what is read, and for themselves', async () => {
  const counted: [events: number, canaries: number][] = [];
  const { pipeline } = scripted({
    async *items() {
      yield {
        kind: 'assignment',
        partitions: [{ partition: 0, committedOffset: undefined, metadata: undefined }],
      };
      const other = event(4, 'logout', { event: { id: 'vigie-canary-2', action: 'logout' } });
      const canary = read(0, 'vigie-canary-1');
      yield batch(0, 5, canary, read(1, 'a'), read(2, 'not-a-vigie-canary-1'), canary, other);
    },
    observer: { batch: ({ events, canaries }) => counted.push([events, canaries]) },
  });
  await pipeline.run(new AbortController().signal);
  expect(counted).toEqual([[5, 3]]);
  expect(pipeline.engine.counts).toMatchObject({ matches: [0, 3], canaryMatches: 1 });
});
