/** What a shard says of signals that are not made as it takes them. */

import { expect, test } from 'vitest';
import { NOTHING_AGAIN } from '../../../src/pipeline/intake.ts';
import { signalIntake } from '../../../src/scale-out/signal-intake.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { SignalWriter } from '../../../src/signal/signal-writer.ts';
import { batch } from '../scripted-pipeline.ts';

const KEY = 7;

/** A message that tells of no event. */
function empty(shards: number, keyCheck: number, offset: number): Buffer {
  const writer = new SignalWriter({ fields: [], rules: [], idSlot: 0 });
  writer.begin({ shards, partitions: 1, keyCheck }, 0, 77, offset);
  writer.end(offset + 1, -Infinity, false);
  return writer.take()!;
}

/** Codes of what is said of messages that are read at once, by one of two shards. */
function saidOf(...messages: Buffer[]): string[] {
  const said: string[] = [];
  const intake = signalIntake(
    {
      shard: { index: 0, of: 2 },
      hashKey: new Uint8Array(16),
      keyCheck: KEY,
      latenessMs: 0,
      settings: '',
      onTaken: () => undefined,
      onTrouble: ({ code }) => said.push(code),
    },
    parseRules([]),
  );
  intake.process(batch(0, messages.length, ...messages), intake.newEngine(), NOTHING_AGAIN);
  return said;
}

test('signals for another number of shards or under another key are reported once per batch', () => {
  const own = empty(2, KEY, 2);
  expect(saidOf(empty(2, KEY, 0), empty(2, KEY, 1), own)).toEqual([]);
  expect(saidOf(empty(3, KEY, 0), empty(3, KEY, 1), own)).toEqual(['SIGNALS_PARTITIONS']);
  expect(saidOf(empty(2, KEY + 1, 0), empty(2, KEY + 1, 1), own)).toEqual(['SIGNALS_KEY']);
});
