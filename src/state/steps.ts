/** Ways of running work that is divided into steps of some milliseconds. */

import { setImmediate } from 'node:timers/promises';

/** Without a pause. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** With a turn of the event loop between steps, above all for heartbeats. */
export async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await setImmediate();
  }
}

/** Takes the first step immediately. */
export function begun<T>(steps: Generator<void, T>): Generator<void, T> {
  steps.next();
  return steps;
}
