import { mkdirSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { enginePath } from '../../../src/sink/client.ts';
import { cleanUp, temporaryFolder, vigie } from '../../support/cli.ts';

afterAll(cleanUp);

test('the demo asks for a folder of its own where one holds a database without its key: it takes none from the environment', async () => {
  const folder = temporaryFolder();
  mkdirSync(enginePath(folder), { recursive: true });
  const key = { VIGIE_PSEUDONYM_KEY: '00112233445566778899aabbccddeeff' };
  const { code, stderr } = await vigie(['demo', '--data-dir', folder, '--accounts', '1000'], key);
  expect(code).not.toBe(0);
  expect(stderr).toContain('PSEUDONYM_KEY_MISSING');
  expect(stderr).toContain('--data-dir demo');
  expect(stderr).not.toContain('VIGIE_PSEUDONYM_KEY');
});
