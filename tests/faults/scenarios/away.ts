/**
 * ClickHouse is away for minutes while events go on, and most of a log of large events is read meanwhile. Rows wait on
 * the disk; memory is bounded, and the bounds are less than what waits.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { MemoryWatch } from '../memory-watch.ts';
import type { Memory } from '../preload/collect-garbage.ts';
import type { Round, Scenario } from '../round.ts';

const MIB = 1024 * 1024;
/**
 * What a process may hold more than while ClickHouse answers: a flush waits for its patience to end, 8 MiB of events;
 * each attempt to insert them makes a text of them, and that of the one before may still be there; the next flush waits
 * for this one, 8 MiB; behind it a batch of each of three partitions, 8 MiB; and a record or two of the spool, 4 MiB. By half more, for what these are made of.
 */
const MORE_HELD = 96 * MIB;
/** And take more: what packs and writes are four threads, and glibc keeps some of 64 MiB for each once it was in use. */
const MORE_RESIDENT = 256 * MIB;
/** Of the log, before it goes away and before it is back. */
const SHARES = [0.15, 0.95] as const;

export const away: Scenario = {
  name: 'away',
  does: 'ClickHouse is away for more than two minutes, and memory is watched; in npm test for seconds',
  async play(round: Round) {
    const { brief } = round;
    const { faultyClickHouse } = round.world;
    const { heavy, light } = round.heavyInput();
    const awayMs = brief ? 15_000 : 130_000;
    const it = await round.deploy(heavy, {
      spool: true,
      faulty: { clickHouse: true },
      // As it ships: thousands of small records would take minutes to send.
      env: { VIGIE_FLUSH_INTERVAL: '1s' },
      preload: 'collect-garbage',
      patienceMs: brief ? 300_000 : 900_000,
    });
    const first = it.start();
    await it.joined(first);
    const before = new MemoryWatch(it);
    await it.feed(SHARES[0], brief ? 4000 : 20_000);
    await it.allCommitted();
    const usual = before.end();

    const fault = round.one(['away', 'hang', 'error'] as const);
    faultyClickHouse.fault = fault;
    const from = it.producedBytes;
    const meanwhile = new MemoryWatch(it);
    const feeding = it.feed(SHARES[1], awayMs);
    const dies = round.random(2) === 0;
    if (dies) {
      await delay(awayMs / 2);
      await it.kill(first);
      await delay(round.random(awayMs / 8));
      it.start();
    }
    await feeding;
    await it.allCommitted();
    const most = meanwhile.end();
    const waiting = it.producedBytes - from;

    faultyClickHouse.fault = undefined;
    await it.feed(1, 2000);
    await it.finish();
    // Nothing that is compared holds what makes them large.
    await round.compare(it, light);
    const told = `${fault} for ${awayMs / 1000} s${dies ? ', killed' : ''}; ${mib(waiting)} came, held ${mib(usual.held)} → ${mib(most.held)}, resident ${mib(usual.resident)} → ${mib(most.resident)}`;
    if (waiting < MORE_HELD) throw new Error(`too little came to see memory grow: ${told}`);
    if (!isBounded(usual, most)) throw new Error(`memory grew: ${told}`);
    return told;
  },
};

function isBounded(usual: Memory, most: Memory): boolean {
  return most.held < usual.held + MORE_HELD && most.resident < usual.resident + MORE_RESIDENT;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
