/** `kill -9` at every named step of the protocol: each round takes one of them, twice in a row. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseLines } from '../../support/cli.ts';
import { CRASH_STEPS, FLUSH_STEPS, SENDING_STEPS, SPOOL_STEPS, START_STEPS } from '../crash-steps.ts';
import type { CrashStep } from '../crash-steps.ts';
import type { Deployment, Member } from '../deployment.ts';
import type { Input } from '../input.ts';
import type { Round, Scenario } from '../round.ts';

const FEED_MS = 2500;
/** Of the log, that it gets before its first and its second death. */
const SHARES = [0.3, 0.65] as const;
/** A little more of it, which is a flush with alerts, archived events and a dead letter. */
const MORE = 0.025;
const LEFT = 0.97;
const CONSTRAINT = 'no_such_alert';

export const steps: Scenario = {
  name: 'steps',
  does: `kill -9 at a named step of the protocol, twice; the ${CRASH_STEPS.length} steps take turns`,
  async play(round: Round) {
    const step = CRASH_STEPS[round.seed % CRASH_STEPS.length]!;
    const input = round.input();
    const died = isOneOf(START_STEPS, step)
      ? await whileStarting(round, input, step)
      : isOneOf(FLUSH_STEPS, step)
        ? await whileFlushing(round, input, step)
        : await withSpool(round, input, step);
    return `${step}, the ${died.join(' and the ')}. time`;
  },
};

function isOneOf<T extends CrashStep>(some: readonly T[], step: CrashStep): step is T {
  return (some as readonly CrashStep[]).includes(step);
}

/** Waits until it has joined its group; false when it ends before. */
function joins(member: Member): Promise<boolean> {
  return member.running.message('joined').then(
    () => true,
    () => false,
  );
}

/** Waits until it died at its step. */
async function dies(round: Round, it: Deployment, member: Member, step: CrashStep): Promise<void> {
  // On a busy machine, what came before was few flushes.
  for (let share = it.share + MORE; member.ended === undefined && share < LEFT; share += MORE) {
    await it.feed(share, 0);
    await Promise.race([member.running.ended, delay(300)]);
  }
  await it.until(`a process dies at ${step}`, () => member.ended !== undefined);
  await member.running.message('crash point').catch((error: unknown) => {
    throw new Error(`it died elsewhere than at ${step}`, { cause: error });
  });
  await it.forgetDead();
  round.hit(step);
}

async function finish(round: Round, it: Deployment, input: Input): Promise<void> {
  it.start();
  await it.feed(1, 300);
  await it.finish();
  await round.compare(it, input);
}

async function whileFlushing(round: Round, input: Input, step: CrashStep): Promise<number[]> {
  const it = await round.deploy(input, { spool: round.random(4) === 0 });
  const times: number[] = [];
  for (const share of SHARES) {
    // State is saved at most once a second.
    const nth = 1 + round.random(step.startsWith('state-') ? 2 : 4);
    const member = it.start({ crash: [step, nth] });
    // Messages that come one by one are many flushes.
    await joins(member);
    await it.feed(share, FEED_MS);
    await dies(round, it, member, step);
    times.push(nth);
  }
  await finish(round, it, input);
  return times;
}

/** A start that has something to read again: what came after the saved state, or all of it. */
async function whileStarting(round: Round, input: Input, step: CrashStep): Promise<number[]> {
  const saved = step === 'state-loaded' || round.random(2) === 0;
  const it = await round.deploy(input, { env: saved ? {} : { VIGIE_SNAPSHOT_INTERVAL: '0s' } });
  const first = it.start();
  await first.running.message('joined');
  const feeding = it.feed(SHARES[0], FEED_MS);
  if (saved) await first.running.message('state saved');
  const before = (await it.committed()).join();
  await it.until('more is committed', async () => (await it.committed()).join() !== before);
  await Promise.all([it.kill(first), feeding]);
  const times: number[] = [];
  for (let i = 0; i < 2; i++) {
    const member = it.start({ crash: [step, 1] });
    await it.until(`a process dies at ${step}`, () => member.ended !== undefined);
    await dies(round, it, member, step);
    times.push(1);
  }
  await finish(round, it, input);
  return times;
}

/** ClickHouse refuses, so that rows go to the disk at once; and takes them again. */
async function withSpool(round: Round, input: Input, step: CrashStep): Promise<number[]> {
  const { world } = round;
  const it = await round.deploy(input, { spool: true, faulty: { clickHouse: true } });
  const { faultyClickHouse } = world;
  const refused = step === 'row-set-aside' ? await refuseOne(round, it, input) : undefined;
  const times: number[] = [];
  for (const share of SHARES) {
    const nth = isOneOf(SPOOL_STEPS, step) && step !== 'spool-file-made' ? 1 + round.random(4) : 1;
    const member = it.start({ crash: [step, nth] });
    // What the first one left in the spool may be sent, and the second die, before that.
    if (await joins(member)) {
      faultyClickHouse.fault = 'denied';
      await it.feed(share, FEED_MS / 2);
      if (isOneOf(SENDING_STEPS, step)) {
        await it.until('rows wait, or it died', () => hasRowsWaiting(member));
        faultyClickHouse.fault = undefined;
      }
    }
    await dies(round, it, member, step);
    faultyClickHouse.fault = undefined;
    times.push(nth);
  }
  if (refused === undefined) {
    await finish(round, it, input);
    return times;
  }
  it.start();
  await it.feed(1, 300);
  await it.finish();
  await refused();
  await round.compare(it, input);
  return times;
}

async function hasRowsWaiting({ running }: Member): Promise<boolean> {
  try {
    return (await running.metric('vigie_sink_spool_bytes')) !== 0;
  } catch (error) {
    const died = await Promise.race([running.ended.then(() => true), delay(1000, false)]);
    if (died) return true;
    throw error;
  }
}

/** Has the table refuse an alert of the first part; what is returned allows it, and inserts what was set aside. */
async function refuseOne(round: Round, it: Deployment, input: Input): Promise<() => Promise<void>> {
  const { world } = round;
  const { alerts } = await round.undisturbed(input);
  const early = alerts.toSorted((a, b) => (String(a['crossed_at']) < String(b['crossed_at']) ? -1 : 1));
  const id = String(early[round.random(Math.floor(alerts.length / 10))]!['alert_id']);
  // The schema has to be there.
  const first = it.start();
  await first.running.message('running');
  await it.kill(first);
  const table = `${it.database}.alerts`;
  await world.command(
    it.database,
    `ALTER TABLE ${table} ADD CONSTRAINT ${CONSTRAINT} CHECK alert_id != '${id}'`,
  );
  return async () => {
    const path = join(it.folder, '0', 'spool', 'refused', 'alerts.ndjson');
    if (!existsSync(path)) throw new Error('no row was set aside');
    await world.command(it.database, `ALTER TABLE ${table} DROP CONSTRAINT ${CONSTRAINT}`);
    await world.insert(it.database, 'alerts', parseLines(readFileSync(path, 'utf8')));
  };
}
