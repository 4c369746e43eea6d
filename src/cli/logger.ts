/** pino logs on standard error: JSON lines in a pipe, readable on a terminal. No person's id goes in. */

import { destination, pino, type Logger } from 'pino';

export type { Logger };

export async function createLogger(level: string): Promise<Logger> {
  const options = { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (process.stderr.isTTY) {
    const { default: pretty } = await import('pino-pretty');
    return pino(options, pretty({ destination: 2, sync: true, colorize: true }));
  }
  return pino(options, destination({ dest: 2, sync: true }));
}
