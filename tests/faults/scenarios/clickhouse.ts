/** ClickHouse goes away, and the disk on which rows wait meanwhile is full. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FAULTS } from '../../support/faulty-clickhouse.ts';
import type { Round, Scenario } from '../round.ts';

export const clickhouse: Scenario = {
  name: 'clickhouse',
  does: 'ClickHouse is away, slow, answers 500, hangs, or cuts a response in the middle; with and without a spool',
  async play(round: Round) {
    const { faultyClickHouse } = round.world;
    const input = round.input(round.one([1, 3]));
    const spool = round.random(2) === 0;
    const it = await round.deploy(input, { spool, faulty: { clickHouse: true } });
    let member = it.start();
    await member.running.message('running');
    // Without a spool a wrong password ends the process, as it should.
    const faults = FAULTS.filter((fault) => spool || fault !== 'denied');
    const feeding = it.feed(1, 6000);
    const done: string[] = [];
    for (let i = 0; i < 4; i++) {
      await delay(round.random(800));
      const fault = round.one(faults);
      faultyClickHouse.fault = fault;
      const ms = 300 + round.random(fault === 'away' ? 8000 : 1500);
      await delay(ms);
      // With a wrong password none starts.
      const dies = fault !== 'denied' && round.random(4) === 0;
      if (dies) {
        await it.kill(member);
        member = it.start();
        await delay(round.random(1500));
      }
      done.push(`${fault} for ${ms} ms${dies ? ', killed' : ''}`);
      faultyClickHouse.fault = undefined;
      await member.running.message('running');
    }
    await feeding;
    await it.finish();
    await round.compare(it, input);
    return `${spool ? 'with' : 'without'} a spool: ${done.join(', ')}`;
  },
};

const DISK = '4m';

function mount(folder: string): string | undefined {
  const { status, error, stderr } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder],
    {
      encoding: 'utf8',
    },
  );
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

export const disk: Scenario = {
  name: 'disk',
  does: 'the disk under spool and state is full for a while, ClickHouse being away',
  obstacle() {
    const folder = mkdtempSync(join(tmpdir(), 'vigie-disk-'));
    const reason = mount(folder);
    if (reason === undefined) spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true });
    return reason && `no small disk can be mounted: ${reason}`;
  },
  async play(round: Round) {
    const { faultyClickHouse } = round.world;
    const input = round.input();
    const it = await round.deploy(input, { spool: true, faulty: { clickHouse: true } });
    mkdirSync(it.folder);
    const reason = mount(it.folder);
    if (reason !== undefined) throw new Error(reason);
    try {
      let member = it.start();
      await it.feed(0.3, 1500);
      await member.running.message('state saved');
      faultyClickHouse.fault = 'denied';
      const filler = join(it.folder, 'filler');
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=512']);
      const feeding = it.feed(0.8, 1500);
      const told = (code: string) => member.running.logged((line) => line['code'] === code);
      await Promise.all([told('SPOOL_DISK_FULL'), feeding]);
      // State is saved only with a commit, and nothing is committed now.
      await delay(round.random(1000));
      const dies = round.random(2) === 0;
      if (dies) {
        await it.kill(member);
        faultyClickHouse.fault = undefined;
        member = it.start();
        // Nothing waits, so rows go straight to ClickHouse; state finds no room.
        await told('STATE_UNWRITABLE');
      }
      rmSync(filler);
      faultyClickHouse.fault = undefined;
      await it.feed(1, 500);
      await it.finish();
      await round.compare(it, input);
      return `full under the spool${dies ? ', killed, and full under the state' : ''}`;
    } finally {
      await it.killAll();
      spawnSync('umount', [it.folder]);
    }
  },
};
