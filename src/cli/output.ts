/** Writes results to standard output without outrunning its reader. */

import { once } from 'node:events';
import { messageOf, VigieError } from '../errors.ts';
import { report } from './errors.ts';

/**
 * A closed pipe on standard output (`| head`) ends the command quietly. One on standard error does not end it: a
 * detector outlives whoever watched it start.
 */
export function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    const failure = new VigieError('OUTPUT_FAILED', `cannot write the results: ${messageOf(error)}`, {
      remedy: 'See that what standard output leads to has room.',
      cause: error,
    });
    process.exit(report(failure));
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Resolves once the bytes have left this process. Never resolves if the reader is gone, which ends the command. */
export async function writeOut(bytes: Uint8Array): Promise<void> {
  await new Promise<void>((done) => {
    process.stdout.write(bytes, (error) => {
      if (!error) done();
    });
  });
}

/** OUTPUT_FAILED for a file. */
export function outputFailed(path: string, option: string, cause: unknown): VigieError {
  return new VigieError('OUTPUT_FAILED', `cannot write ${path}: ${messageOf(cause)}`, {
    remedy: `Give ${option} a path in an existing folder that can be written.`,
    cause,
  });
}
