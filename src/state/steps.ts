/** Ways through work that is done in steps of some milliseconds. */

import { setImmediate } from 'node:timers/promises';

/** Without a pause. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** With a turn for others between the steps: heartbeats, above all. */
export async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await setImmediate();
  }
}

/** Takes the first step at once. */
export function begun<T>(steps: Generator<void, T>): Generator<void, T> {
  steps.next();
  return steps;
}
