/** Memory while ClickHouse is away. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const MIB = 1024 * 1024;
const script = fileURLToPath(new URL('../../support/flood-spool.ts', import.meta.url));

test('what is held in memory does not grow with what waits on the disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-spool-'));
  try {
    // A heap that could not hold the 80 MB of text.
    const args = ['--expose-gc', '--max-old-space-size=64', script, folder, '20'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: number; spool: number; held: number });
    expect(told).toHaveLength(10);
    expect(told.at(-1)!.spool).toBeGreaterThan(55 * MIB);
    const held = told.map((it) => it.held);
    // A moment may find a record or two in hand, of 6 MB each; what waited would be there at every one.
    const [early, late] = [held.slice(0, 5), held.slice(5)].map((half) => Math.min(...half));
    expect(late! - early!).toBeLessThan(8 * MIB);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
