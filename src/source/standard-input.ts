/**
 * Standard input, kept away from the embedded ClickHouse engine. At every insert the engine checks file descriptor 0 of
 * its process, as its command line does, and takes whatever it finds there as further rows: events would be lost, or
 * end up in a table as they came, with raw ids of persons.
 *
 * Guarantee: after either call, descriptor 0 is empty. Whoever wants the input takes it before the engine opens.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { VigieError } from '../errors.ts';

export interface StandardInput {
  /** Throws VigieError INPUT_UNREADABLE if the input breaks off. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): void;
}

const BUFFERED_BYTES = 1024 * 1024;

let emptied = false;

/** The process's input on another descriptor. Call it once, instead of any use of `process.stdin`. */
export function takeStandardInput(): StandardInput {
  if (emptied) throw new Error('standard input was taken or emptied before');
  // Node cannot duplicate a descriptor, but a child process inherits it, whatever it is.
  const child = spawn('cat', { stdio: ['inherit', 'pipe', 'inherit'] });
  const ended = once(child, 'close').catch((error: unknown) => [error]);
  emptyStandardInput();
  // When a child ends, Node discards output that nobody reads yet, and a short input ends at once: this reader is there
  // from the start.
  const received = child.stdout.pipe(new PassThrough({ highWaterMark: BUFFERED_BYTES }));
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* received as AsyncIterable<Uint8Array>;
    const [reason, signal] = (await ended) as [number | Error | null, NodeJS.Signals | null | undefined];
    // Ctrl-C reaches the child as well; this process is then stopping, too.
    if (reason === 0 || signal === 'SIGINT' || signal === 'SIGTERM') return;
    const what = reason instanceof Error ? reason.message : `its reader ended with ${reason ?? signal}`;
    throw new VigieError('INPUT_UNREADABLE', `cannot read standard input: ${what}`, {
      remedy: 'Check that `cat` can be run here and read it, or name a file.',
    });
  }
  return {
    chunks: chunks(),
    close: () => {
      child.kill();
      child.stdout.destroy();
      received.destroy();
    },
  };
}

/** Leaves descriptor 0 empty. Input that nobody took stays with its sender. */
export function emptyStandardInput(): void {
  if (emptied) return;
  emptied = true;
  closeSync(0);
  // The lowest free descriptor is the one just closed.
  openSync('/dev/null', 'r');
}
