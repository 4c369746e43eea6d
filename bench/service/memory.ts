/**
 * Memory while a backlog is processed at full speed: the same log, once with all of it waiting, once with a tenth at a
 * time, so that windows hold the same and only the waiting part differs; then with ClickHouse becoming unreachable in
 * the middle, without a spool (the input waits) and with one (rows wait on disk). The archive is on, as it makes rows
 * pile up.
 *
 * Each run must end with the same alerts, and every event in the archive.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { EventChunk } from '../../replay/event-writer.ts';
import { openKafka } from '../../replay/kafka-output.ts';
import { systemClock } from '../../src/clock.ts';
import type { Goal, Result, TableRow } from '../section.ts';
import { Deployment, type Form } from './deployment.ts';
import { backlog, endPartitions, fill, PARTITIONS, THIEF } from './log.ts';
import type { World } from './world.ts';

export interface MemoryOptions {
  /** Events per second of event time; each rate is measured. */
  readonly rates: readonly number[];
  /** Of event time. */
  readonly seconds: number;
}

/** Above this ratio, the larger backlog or an unreachable ClickHouse costs memory. */
const BOUNDED = 1.2;
const TENTHS = 10;
const MIB = 1024 * 1024;
const STALLED_MS = 5000;
const LISTS = fileURLToPath(new URL('../../rules/lists', import.meta.url));

interface Peak {
  readonly peakMiB: number;
  readonly stateMiB: number;
  readonly spooledMiB: number;
  /** Share of the log that had been read when the input stopped, or everything was spooled. */
  readonly takenAway: number;
  readonly alerts: string;
}

export async function memory(world: World, { rates, seconds }: MemoryOptions): Promise<Result> {
  const tables = [];
  const goals: Goal[] = [];
  for (const rate of rates) {
    const events = rate * seconds;
    const peaks = await peaksOf(world, rate, events);
    const first = peaks.get('a tenth at a time')!;
    const rows: TableRow[] = [...peaks].map(([name, { peakMiB, stateMiB, spooledMiB, takenAway }]) => ({
      name,
      figures: {
        'peak MiB': peakMiB,
        'state MiB': stateMiB,
        '× a tenth at a time': peakMiB / first.peakMiB,
        ...(takenAway > 0 && { 'taken while away': takenAway, 'spooled MiB': spooledMiB }),
      },
    }));
    const minutes = Math.round(seconds / 60);
    const title = `${minutes} minutes at ${rate} events a second: ${events.toLocaleString('en-GB')} events, archived`;
    tables.push({ title, rows });
    for (const [name, { peakMiB }] of peaks) {
      if (name === 'a tenth at a time') continue;
      goals.push({
        name: `peak of memory at ${rate} events a second, ${name}, × a tenth at a time`,
        got: peakMiB / first.peakMiB,
        atMost: BOUNDED,
      });
    }
  }
  return { tables, goals };
}

async function peaksOf(world: World, rate: number, events: number): Promise<ReadonlyMap<string, Peak>> {
  const peaks = new Map<string, Peak>([['a tenth at a time', await inTenths(world, rate, events)]]);
  const topic = `bench-backlog-${rate}`;
  const { messages } = await fill(world, topic, backlog(events, rate));
  peaks.set('all of it waiting', await whole(world, topic, messages, {}));
  peaks.set('ClickHouse away, no spool', await whole(world, topic, messages, { faulty: true }));
  peaks.set('ClickHouse away, spool', await whole(world, topic, messages, { faulty: true, spool: true }));
  await world.deleteTopics(topic);
  const alerts = new Set([...peaks.values()].map((peak) => peak.alerts));
  if (alerts.size > 1) throw new Error('the same log gave different alerts');
  return peaks;
}

async function inTenths(world: World, rate: number, events: number): Promise<Peak> {
  const topic = `bench-tenths-${rate}`;
  await world.createTopic(topic, PARTITIONS);
  const deployment = await started(world, topic, {});
  const writer = await openKafka({ brokers: world.brokers, topic }, systemClock);
  let messages = 0;
  let last: EventChunk | undefined;
  for (const chunk of backlog(events, rate)) {
    await writer.write(chunk);
    messages += chunk.count;
    last = chunk;
    if (messages % Math.ceil(events / TENTHS) < chunk.count) await deployment.done();
  }
  await writer.close();
  await endPartitions(world, topic, last!.times.at(-1)!);
  const peak = await ended(deployment, messages + PARTITIONS, { spooledMiB: 0, takenAway: 0 });
  await world.deleteTopics(topic);
  return peak;
}

async function whole(
  world: World,
  topic: string,
  messages: number,
  { faulty = false, spool = false }: Pick<Form, 'faulty' | 'spool'>,
): Promise<Peak> {
  const deployment = await started(world, topic, { faulty, spool });
  let [spooledMiB, takenAway] = [0, 0];
  if (faulty) {
    const taken = () => deployment.metric('vigie_events_consumed_total');
    await deployment.until(async () => (await taken()) > messages / 5);
    world.faultyClickHouse.fault = 'away';
    if (spool) await deployment.done();
    else await standsStill(deployment, taken);
    takenAway = (await taken()) / messages;
    spooledMiB = (await deployment.metric('vigie_sink_spool_bytes')) / MIB;
    world.faultyClickHouse.fault = undefined;
  }
  return ended(deployment, messages, { spooledMiB, takenAway });
}

function started(world: World, topic: string, more: Pick<Form, 'faulty' | 'spool'>): Promise<Deployment> {
  return Deployment.start(
    world,
    { topic, lists: LISTS },
    { processes: 1, signals: false, archive: true, ...more },
  );
}

async function standsStill(deployment: Deployment, taken: () => Promise<number>): Promise<void> {
  let [before, since] = [-1, systemClock.elapsed()];
  await deployment.until(async () => {
    const now = await taken();
    if (now !== before) [before, since] = [now, systemClock.elapsed()];
    return systemClock.elapsed() - since > STALLED_MS;
  });
}

async function ended(
  deployment: Deployment,
  messages: number,
  away: Pick<Peak, 'spooledMiB' | 'takenAway'>,
): Promise<Peak> {
  await deployment.done();
  await deployment.until(async () => (await deployment.metric('vigie_sink_spool_bytes')) === 0);
  // The gauges are updated with the next flush.
  await delay(1500);
  const stateMiB = (await deployment.metric('vigie_state_bytes')) / MIB;
  const { peakMiB } = deployment;
  const alerts = await deployment.alerts();
  if (!alerts.some((alert) => alert.includes(THIEF))) throw new Error('the theft was not caught');
  const archived = await deployment.archived();
  if (archived !== messages) throw new Error(`${archived} of ${messages} events are in the archive`);
  await deployment.stop();
  return { ...away, peakMiB, stateMiB, alerts: alerts.join('\n') };
}
