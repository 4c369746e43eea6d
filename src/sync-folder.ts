/** The names in a folder are durable apart from what its files hold. */

import { open } from 'node:fs/promises';

/** Makes the names in a folder last. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
