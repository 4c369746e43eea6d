/**
 * pino logs on standard error: JSON lines in a pipe, readable text on a terminal. No person's id is logged, and text
 * from outside cannot control a terminal, neither here nor where the lines are read later.
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

/** The line as it may be shown: once parsed, its texts would contain control characters again. */
function shownLine(line: string): string {
  const shown: unknown = JSON.parse(line, (key, value: unknown) => {
    if (typeof value !== 'string') return value;
    return key === 'stack' ? plainLines(value) : plain(value);
  });
  return `${JSON.stringify(shown)}\n`;
}

/** Clears a progress bar that occupies the line to be written; the bar is drawn again below. */
function overProgress(): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      process.stderr.cursorTo(0);
      process.stderr.clearLine(0);
      process.stderr.write(chunk, done);
    },
  });
}
