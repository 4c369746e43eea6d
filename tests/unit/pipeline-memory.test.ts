/** What waits to be written, whatever the size of events. */

import { expect, test } from 'vitest';
import { batch, scripted, T0 } from './scripted-pipeline.ts';

const MIB = 1024 * 1024;

test('archived events are written when they are large, not only when they are many', async () => {
  const written: number[] = [];
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [{ partition: 0, committedOffset: undefined } as never] };
      for (let i = 1; i <= 100; i += 1) {
        const event = {
          '@timestamp': new Date(T0 + i).toISOString(),
          event: { id: `e${i}`, action: 'login' },
          url: { path: 'x'.repeat(MIB) },
        };
        yield batch(0, i, JSON.stringify(event));
      }
    },
    options: {
      archive: true,
      maxEventBytes: 2 * MIB,
      flushIntervalMs: 3_600_000,
      sink: {
        open: async () => {},
        stored: async () => new Map(),
        writeAlerts: async () => {},
        writeEvents: async (events) => {
          written.push(events.length);
        },
        close: async () => {},
      },
    },
  });
  await pipeline.run(new AbortController().signal);
  expect(written.reduce((sum, events) => sum + events, 0)).toBe(100);
  expect(Math.max(...written)).toBeLessThanOrEqual(33);
});
