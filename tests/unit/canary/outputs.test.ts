import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CanaryEvent } from '../../../src/canary/canary.ts';
import { toFile } from '../../../src/canary/outputs.ts';

test('canaries begin a line of their own, also behind a last line that has no end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-canary-'));
  try {
    const path = join(folder, 'events.ndjson');
    for (const [before, after] of [
      ['', '{"c":1}\n'],
      ['{"a":1}\n', '{"a":1}\n{"c":1}\n'],
      ['{"a":1}', '{"a":1}\n{"c":1}\n'],
    ] as const) {
      writeFileSync(path, before);
      const output = await toFile(path);
      await output.send([{ json: '{"c":1}' } as CanaryEvent]);
      expect(readFileSync(path, 'utf8')).toBe(after);
      await output.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
