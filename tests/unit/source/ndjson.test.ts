/** What the reader of files and standard input holds on to. */

import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { readNdjson } from '../../../src/source/ndjson.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('chunks that have been read are not kept in memory, however long the input', async () => {
  const chunks: WeakRef<Uint8Array>[] = [];
  async function* input(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let i = 0; i < 50; i += 1) {
      const chunk = Buffer.from(`{"n":${i}}\n`.repeat(20_000));
      chunks.push(new WeakRef(chunk));
      yield chunk;
    }
  }
  const reader = readNdjson(input(), new AbortController().signal);
  let batches = 0;
  while (batches < 45) if ((await reader.next()).value?.kind === 'events') batches += 1;

  await setImmediate();
  collect();
  await setImmediate();
  collect();
  const held = chunks.filter((chunk) => chunk.deref() !== undefined);
  // The one at hand and those that were read ahead.
  expect(held.length).toBeLessThan(5);
  await reader.return(undefined);
});
