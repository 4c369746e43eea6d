/** A flush that outlives its assignment: its rows are written, and nothing of it is committed under the next one. */

import { expect, test } from 'vitest';
import type { AlertSink } from '../../src/sink/sink.ts';
import { event } from './cli/fixtures.ts';
import { batch, scripted, silentSink } from './scripted-pipeline.ts';

const stop = new AbortController().signal;
const read = (second: number) => event(second, 'record-view', { service: { name: 'kairos' } });

test('offsets of a topic that was recreated meanwhile are not committed into the new one', async () => {
  const database = Promise.withResolvers<void>();
  const sink: AlertSink = { ...silentSink, writeAlerts: () => database.promise };
  const { pipeline, commits } = scripted({
    async *items() {
      yield {
        kind: 'assignment',
        partitions: [{ partition: 0, committedOffset: undefined, metadata: undefined, endOffset: 3 }],
      };
      // An alert, which the database does not take yet.
      yield batch(0, 3, read(0), read(1), read(2));
      setTimeout(database.resolve, 20);
      yield {
        kind: 'assignment',
        partitions: [
          {
            partition: 0,
            committedOffset: undefined,
            metadata: undefined,
            endOffset: 0,
            gap: { cause: 'recreated', fromOffset: 3, toOffset: 0 },
          },
        ],
      };
      expect(commits).toEqual([]);
      yield batch(0, 1, read(10));
    },
    options: { sink },
  });
  await pipeline.run(stop);
  expect(new Set(commits.map(({ nextOffset }) => nextOffset))).toEqual(new Set([1]));
});
