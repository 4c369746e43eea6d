/** What saving holds in memory. */

import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import type { Engine } from '../../../src/detect/engine.ts';
import { SavingPace } from '../../../src/pipeline/saving-pace.ts';
import { SnapshotFile, UnfinishedFile } from '../../../src/pipeline/snapshot-file.ts';
import { UnfinishedSnapshot } from '../../../src/pipeline/unfinished-snapshot.ts';
import type { SectionWriter, StateWriter } from '../../../src/state/state-writer.ts';

const MIB = 1024 * 1024;

/** A disk on which a write takes one turn of the event loop, however much it is: no real one promises how long. */
class Disk extends SnapshotFile {
  written = 0;
  /** No write ends before. */
  free: Promise<void> = Promise.resolve();

  override begin = async () =>
    Object.assign(Object.create(UnfinishedFile.prototype) as UnfinishedFile, {
      write: async (pieces: readonly Uint8Array[]) => {
        await setImmediate();
        await this.free;
        for (const { length } of pieces) this.written += length;
      },
      keep: async () => {},
      drop: async () => {},
    });
}

/** Saving that events have left 40 MiB to at once, which the disk does not take yet. */
async function behind(clock: Clock) {
  const disk = new Disk('state');
  const gate = Promise.withResolvers<void>();
  disk.free = gate.promise;
  let section: SectionWriter | undefined;
  const events = { goOn: true };
  // Stands for an engine, as below.
  const engine = {
    *saving(to: StateWriter) {
      section = to.section('groups');
      while (events.goOn) yield;
    },
  } as unknown as Engine;
  const snapshot = new UnfinishedSnapshot(engine, '{}', clock, new SavingPace(systemClock));
  snapshot.commit();
  const kept = snapshot.writeTo(disk);
  const group = new Uint8Array(64 * 1024);
  for (let bytes = 0; bytes < 40 * MIB; bytes += group.length) section!.memory(group);
  const end = async (): Promise<void> => {
    gate.resolve();
    events.goOn = false;
    await kept;
  };
  return { snapshot, gate, end };
}

test('events wait while the disk is far behind, and go on once it has caught up', async () => {
  const { snapshot, gate, end } = await behind(systemClock);
  const relieved = snapshot.relieve().then(() => 'relieved');
  expect(await Promise.race([relieved, delay(100, 'waits')])).toBe('waits');
  gate.resolve();
  expect(await relieved).toBe('relieved');
  await end();
});

test('events do not wait for a disk that hangs', async () => {
  let elapsed = 0;
  const { snapshot, end } = await behind({ now: () => 0, elapsed: () => elapsed });
  elapsed = 10_000;
  await snapshot.relieve();
  await end();
});

test('groups that events save early are written soon, not kept in memory until the end', async () => {
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
