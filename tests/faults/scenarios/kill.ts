/** `kill -9` at random moments, again and again, until the log is read. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Round, Scenario } from '../round.ts';

/** Long enough for state to be saved, which is at most once a second. */
const LONGEST_LIFE_MS = 2600;

/** Partitions over which the events of each account are spread. */
const UNKEYED = 3;

export const kill: Scenario = {
  name: 'kill',
  does: 'kill -9 at random moments, two to four times, until the log is read',
  async play(round: Round) {
    const unkeyed = round.random(4) === 0;
    const input = unkeyed ? round.unkeyedInput(UNKEYED) : round.input(round.one([1, 1, 3]));
    const spool = round.random(3) === 0;
    // Without saved state, windows are read again.
    const env = {
      ...(round.random(3) === 0 ? { VIGIE_SNAPSHOT_INTERVAL: '0s' } : {}),
      ...(round.random(3) === 0 ? { VIGIE_FLUSH_INTERVAL: '1s' } : {}),
    };
    // Else the next one says goodbye for the one before, as it ships; who dies while it joins is waited for.
    const told = round.random(2) === 0;
    const it = await round.deploy(input, { spool, env });
    const lives = Array.from({ length: 2 + round.random(3) }, () => round.random(LONGEST_LIFE_MS));
    const ms = lives.reduce((sum, life) => sum + life, 0);
    const feeding = it.feed(1, ms);
    for (const life of lives) {
      const member = it.start();
      await delay(life);
      await it.kill(member, told);
    }
    it.start();
    await feeding;
    await it.finish();
    await round.compare(it, input);
    return `${input.partitions} partitions${unkeyed ? ' keyed by none' : ''}, ${spool ? 'a spool, ' : ''}${told ? '' : 'untold, '}killed after ${lives.join(', ')} ms`;
  },
};
