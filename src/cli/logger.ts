/** pino logs on standard error: JSON lines in a pipe, readable on a terminal. No person's id goes in. */

import { Writable } from 'node:stream';
import { destination, pino, type Logger } from 'pino';

export type { Logger };

export async function createLogger(level: string): Promise<Logger> {
  const options = { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (process.stderr.isTTY) {
    const { default: pretty } = await import('pino-pretty');
    return pino(options, pretty({ destination: overProgress(), colorize: true, singleLine: true }));
  }
  return pino(options, destination({ dest: 2, sync: true }));
}

/** A progress bar may stand where the next line begins: it makes room and is drawn again below. */
function overProgress(): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      process.stderr.cursorTo(0);
      process.stderr.clearLine(0);
      process.stderr.write(chunk, done);
    },
  });
}
