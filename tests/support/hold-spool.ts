/**
 * A process that holds a spool and does nothing with it. Ends with its standard input.
 *
 *   node hold-spool.ts FOLDER [--no-root]      with --no-root, as a user who is subject to file permissions
 */

import { VigieError } from '../../src/errors.ts';
import { DiskSpool, MIN_SPOOL_BYTES } from '../../src/sink/spool/disk-spool.ts';

const [folder, noRoot] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: hold-spool.ts FOLDER [--no-root]');
if (noRoot !== undefined && process.getuid!() === 0) process.setuid!(65_534);

const spool = await DiskSpool.open({ folder, maxBytes: MIN_SPOOL_BYTES }).catch((error: unknown) => {
  throw error instanceof VigieError ? new Error(`${error.code}: ${error.message}`) : error;
});
process.stdout.write('held\n');
for await (const _chunk of process.stdin);
await spool.close();
