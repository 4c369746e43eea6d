/**
 * A process that has a spool, and does nothing with it. Ends when its standard input does.
 *
 *   node hold-spool.ts FOLDER
 */

import { VigieError } from '../../src/errors.ts';
import { DiskSpool, MIN_SPOOL_BYTES } from '../../src/sink/spool/disk-spool.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: hold-spool.ts FOLDER');

const spool = await DiskSpool.open({ folder, maxBytes: MIN_SPOOL_BYTES }).catch((error: unknown) => {
  throw error instanceof VigieError ? new Error(`${error.code}: ${error.message}`) : error;
});
process.stdout.write('held\n');
for await (const _chunk of process.stdin);
await spool.close();
