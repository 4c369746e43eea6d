/** SIGTERM at any moment: it drains, commits and leaves the group, in time and with exit code 0. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Round, Scenario } from '../round.ts';

export const term: Scenario = {
  name: 'term',
  does: 'SIGTERM at random moments, two to four times: drains, commits, leaves within 10 s, exit code 0',
  async play(round: Round) {
    const input = round.input(round.one([1, 3]));
    const it = await round.deploy(input, { spool: round.random(3) === 0 });
    const lives = Array.from({ length: 2 + round.random(3) }, () => round.random(1500));
    const feeding = it.feed(
      1,
      lives.reduce((sum, life) => sum + life + 800, 0),
    );
    // A group that waits for one who was killed lets nobody in.
    const closed = round.random(3) === 0;
    for (const life of lives) {
      if (closed) {
        const killed = it.start();
        await killed.running.message('joined');
        killed.expected = true;
        await killed.running.signal('SIGKILL');
      }
      const member = it.start();
      await member.running.message('running');
      await delay(life);
      await it.stop(member);
      await it.forgetDead();
    }
    it.start();
    await feeding;
    await it.finish();
    await round.compare(it, input);
    return `stopped ${lives.join(', ')} ms after the start${closed ? ', while the group waited for another' : ''}`;
  },
};
