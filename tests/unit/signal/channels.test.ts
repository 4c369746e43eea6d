/** Stretches of a source partition, as they come from processes that die, hand over and send again. */

import { describe, expect, test } from 'vitest';
import { Channels } from '../../../src/signal/channels.ts';

const EPOCH = 5;

/** Which of the offsets of a stretch are taken; undefined where it says nothing new. */
function take(channels: Channels, from: number, next: number, epoch = EPOCH) {
  const verdict = channels.begin(0, epoch, from);
  if (verdict === 'stale') return { verdict };
  const offsets: number[] = [];
  for (let offset = from; offset < next; offset += 1) if (channels.isNew(0, offset)) offsets.push(offset);
  return { verdict, offsets, news: channels.end(0, next) };
}

describe('a shard', () => {
  test('takes every offset once, whoever sends it again', () => {
    const channels = new Channels();
    expect(take(channels, 0, 4)).toEqual({ verdict: 'go on', offsets: [0, 1, 2, 3], news: true });
    expect(take(channels, 2, 6)).toEqual({ verdict: 'go on', offsets: [4, 5], news: true });
    expect(take(channels, 1, 3)).toEqual({ verdict: 'go on', offsets: [], news: false });
    expect(take(channels, 6, 6)).toEqual({ verdict: 'go on', offsets: [], news: true });
  });

  test('begins in the middle, where its log does', () => {
    expect(take(new Channels(), 40, 42)).toMatchObject({ verdict: 'go on', offsets: [40, 41] });
  });

  test('reports a gap, and goes on after it', () => {
    const channels = new Channels();
    take(channels, 0, 4);
    expect(take(channels, 6, 8)).toEqual({ verdict: 'gap', offsets: [6, 7], news: true });
    expect(take(channels, 8, 9)).toMatchObject({ verdict: 'go on', offsets: [8] });
  });

  test('takes a recreated topic from its beginning, and nothing more of the former one', () => {
    const channels = new Channels();
    take(channels, 0, 100);
    expect(take(channels, 0, 2, 6)).toMatchObject({ verdict: 'new', offsets: [0, 1] });
    expect(take(channels, 100, 120)).toEqual({ verdict: 'stale' });
    expect(take(channels, 2, 3, 6)).toMatchObject({ verdict: 'go on', offsets: [2] });
  });

  test('goes on after it was saved as if nothing had happened', () => {
    const before = new Channels();
    take(before, 0, 100);
    take(before, 0, 7, 6);
    const channels = new Channels(before.save());
    expect(take(channels, 90, 110)).toEqual({ verdict: 'stale' });
    expect(take(channels, 5, 9, 6)).toMatchObject({ verdict: 'go on', offsets: [7, 8] });
  });
});
