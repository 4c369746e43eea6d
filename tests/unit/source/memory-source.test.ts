/** What is generated in this process, as a source. */

import { expect, test } from 'vitest';
import { MemorySource } from '../../../src/source/memory-source.ts';

test('signals and timers get their turn while events are made and read without a pause', async () => {
  const chunk = Buffer.from('{"n":1}\n');
  function* input(): Generator<Uint8Array> {
    for (let i = 0; i < 100_000; i += 1) yield chunk;
  }
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  let batches = 0;
  for await (const { kind } of new MemorySource(input()).read(stop.signal))
    if (kind === 'events') batches += 1;
  expect(batches).toBeLessThan(100);
});
