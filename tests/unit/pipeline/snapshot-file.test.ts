/** The file of saved state, and what writers that died leave beside it. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SnapshotFile } from '../../../src/pipeline/snapshot-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-snapshot-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const HOURS_AGO = new Date(Date.now() - 2 * 3_600_000);

async function written(file: SnapshotFile): Promise<void> {
  const unfinished = await file.begin();
  await unfinished.write([Buffer.from('who'), Buffer.from('le')]);
  await unfinished.keep();
}

test('what writers of the same shard left when they died is removed, and nobody else’s', async () => {
  const stays = ['.state-shard-1.b-2.unfinished', '.state-shard-12.b-2.unfinished', 'state-shard-12'];
  for (const name of ['.state-shard-1.a-7.unfinished', ...stays]) writeFileSync(join(folder, name), 'half');
  // Of another shard, or of one that writes right now.
  for (const name of ['.state-shard-1.a-7.unfinished', ...stays.slice(1)]) {
    utimesSync(join(folder, name), HOURS_AGO, HOURS_AGO);
  }
  const file = new SnapshotFile(join(folder, 'state-shard-1'), 'a-8');
  await written(file);
  expect(readdirSync(folder).toSorted()).toEqual([...stays, 'state-shard-1'].toSorted());
  expect(readFileSync(file.path, 'utf8')).toBe('whole');
});

test.runIf(process.platform === 'linux')(
  'a folder that the system will make none of is refused, not asked for again and again',
  async () => {
    await expect(new SnapshotFile('/proc/vigie/state', 'a-8').begin()).rejects.toMatchObject({
      code: 'ENOENT',
    });
  },
);

test('the folder is its owner’s alone where it is made here, as the file is', async () => {
  const made = join(folder, 'data');
  await written(new SnapshotFile(join(made, 'state'), 'a-8'));
  expect([made, join(made, 'state')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
});
