import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers';
import { expect, test } from 'vitest';
import { generate } from '../../../replay/index.ts';
import { writeTo } from '../../../replay/outputs.ts';
import { systemClock } from '../../../src/clock.ts';

test('a replay into a stream that takes everything at once can still be stopped', async () => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  const stop = new AbortController();
  // As a signal of the system: heard when the loop turns.
  setImmediate(() => stop.abort());
  const generated = generate('kairos-2025', { accounts: 0, records: 100_000 });
  const { ended } = await writeTo({ kind: 'stream', stream }, generated, {
    clock: systemClock,
    signal: stop.signal,
  });
  expect(ended).toBe('aborted');
});
