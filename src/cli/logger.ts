/**
 * pino logs on standard error: JSON lines in a pipe, readable on a terminal. No person's id goes in, and what others wrote
 * steers no terminal, neither here nor where the lines are read later.
 */

import { Writable } from 'node:stream';

import { destination, pino, type Logger } from 'pino';
import { plain, plainJsonText, plainLines } from '../plain.ts';

export type { Logger };

export async function createLogger(level: string): Promise<Logger> {
  const options = { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (process.stderr.isTTY) {
    const { default: pretty } = await import('pino-pretty');
    return pino(
      { ...options, hooks: { streamWrite: shownLine } },
      pretty({ destination: overProgress(), colorize: true, singleLine: true }),
    );
  }
  return pino({ ...options, hooks: { streamWrite: plainJsonText } }, destination({ dest: 2, sync: true }));
}

/** What is to be shown for it: its texts come out of JSON again. */
function shownLine(line: string): string {
  const shown: unknown = JSON.parse(line, (key, value: unknown) => {
    if (typeof value !== 'string') return value;
    return key === 'stack' ? plainLines(value) : plain(value);
  });
  return `${JSON.stringify(shown)}\n`;
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
