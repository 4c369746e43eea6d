/** Process signals: those that end a process, and the one that asks it to read its rules again. */

import { type Clock, systemClock } from '../clock.ts';

/** Whoever signals a process and its group, or a wrapper that passes signals on, sends the same twice. */
const TWICE_MS = 500;

/** SIGINT and SIGTERM as an AbortSignal; a second signal ends the process at once, unless it follows immediately. */
export function stopSignal(clock: Clock = systemClock): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  let firstAt = Infinity;
  const onSignal = (name: NodeJS.Signals): void => {
    const now = clock.elapsed();
    if (now - firstAt > TWICE_MS) process.exit(name === 'SIGINT' ? 130 : 143);
    firstAt = Math.min(firstAt, now);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** Calls `call` on SIGHUP, which no longer ends the process. Returns a function that undoes this. */
export function onHangUp(call: () => void): () => void {
  process.on('SIGHUP', call);
  return () => process.off('SIGHUP', call);
}
