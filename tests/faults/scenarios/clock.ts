/** The wall clock jumps, forwards and back, by seconds and by a day. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Round, Scenario } from '../round.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const JUMPS = [10 * SECOND, 90 * SECOND, 2 * HOUR, 24 * HOUR] as const;
/** Longer than the group waits for a heartbeat. */
const SESSION_MS = 33_000;

export const clock: Scenario = {
  name: 'clock',
  does: 'the wall clock jumps forwards and back; every third time there is a silence of a session timeout after it',
  async play(round: Round) {
    const input = round.input(round.one([1, 3]));
    const it = await round.deploy(input, { spool: round.random(3) === 0 });
    const long = round.seed % 3 === 0;
    const jumps: [number, number][] = [];
    let at = 800;
    for (let i = 0; i < 4; i++) {
      at += 300 + round.random(1000);
      jumps.push([at, round.one([-1, 1]) * round.one(JUMPS)]);
    }
    // Back from the future is what a clock that is set right does.
    if (long) jumps.push([at, 2 * HOUR], [at + 500, 0]);
    it.start({ clock: jumps });
    await it.feed(0.7, at);
    if (long) await delay(SESSION_MS);
    await it.feed(1, 1000);
    await it.finish();
    await round.compare(it, input);
    const seconds = jumps.map(([, ahead]) => ahead / SECOND);
    return `ahead by ${seconds.join(', ')} s${long ? ', and a silence' : ''}`;
  },
};
