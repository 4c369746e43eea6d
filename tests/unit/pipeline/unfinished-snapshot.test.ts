/** What saving holds in memory. */

import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { Engine } from '../../../src/detect/engine.ts';
import { SavingPace } from '../../../src/pipeline/saving-pace.ts';
import { SnapshotFile, UnfinishedFile } from '../../../src/pipeline/snapshot-file.ts';
import { UnfinishedSnapshot } from '../../../src/pipeline/unfinished-snapshot.ts';
import type { SectionWriter, StateWriter } from '../../../src/state/state-writer.ts';

const MIB = 1024 * 1024;

/** A disk on which a write takes one turn of the event loop, however much it is: no real one promises how long. */
class Disk extends SnapshotFile {
  written = 0;

  override begin = async () =>
    Object.assign(Object.create(UnfinishedFile.prototype) as UnfinishedFile, {
      write: async (pieces: readonly Uint8Array[]) => {
        await setImmediate();
        for (const { length } of pieces) this.written += length;
      },
      keep: async () => {},
      drop: async () => {},
    });
}

test('what events have saved while it goes on is on the disk soon, and not in memory till the end', async () => {
  const all = 100 * MIB;
  let section: SectionWriter | undefined;
  const saved = { bytes: 0 };
  // Stands for an engine whose events touch one group after the other that is not saved yet.
  const engine = {
    *saving(to: StateWriter) {
      section = to.section('groups');
      while (saved.bytes < all) yield;
    },
  } as unknown as Engine;
  const snapshot = new UnfinishedSnapshot(engine, '{}', systemClock, new SavingPace(systemClock));
  snapshot.commit();
  const disk = new Disk('state');
  const kept = snapshot.writeTo(disk);

  const group = new Uint8Array(64 * 1024);
  let most = 0;
  while (saved.bytes < all) {
    await setImmediate();
    const busyUntil = performance.now() + 5;
    while (performance.now() < busyUntil);
    for (let bytes = 0; bytes < MIB; bytes += group.length) section!.memory(group);
    saved.bytes += MIB;
    most = Math.max(most, saved.bytes - disk.written);
  }
  expect((await kept)?.bytes).toBeGreaterThan(all);
  expect(most).toBeLessThan(all / 4);
});
