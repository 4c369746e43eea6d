/**
 * Keeps a steady rate: events of the demo's benign traffic, in order, each stamped with the time at which it is sent,
 * so that event time advances with wall time. At known times an account creates its second account in a day, which
 * raises an alert at once.
 *
 * Runs in its own process (fork), so that it does not delay the process that looks for the alerts. It reports when each
 * crossing event was handed to the client, and how well the rate was kept.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import type { EventChunk } from '../../replay/event-writer.ts';
import { generate } from '../../replay/index.ts';
import type { OutputWriter } from '../../replay/outputs.ts';
import { slice } from '../../replay/pace.ts';
import { systemClock } from '../../src/clock.ts';
import { eventOf } from '../workload.ts';
import { chunkOf } from './log.ts';
import { openPlainProducer } from './plain-producer.ts';

export interface ProducerTask {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Events per second. */
  readonly rate: number;
  readonly seconds: number;
  readonly probes: number;
  /** Time before the first probe. */
  readonly warmUpSeconds: number;
}

export interface ProducerReport {
  readonly messages: number;
  readonly seconds: number;
  /** Account of each probe, and the wall time at which its crossing event was handed over, ms. */
  readonly probes: readonly (readonly [account: string, atMs: number])[];
  /** Most that the producer was behind its rate, ms. */
  readonly behindMs: number;
}

const TICK_MS = 10;
/** A minute at 20,000 events a second is a day's traffic of this many. */
const ACCOUNTS = 100_000;

async function produce(task: ProducerTask): Promise<ProducerReport> {
  const { brokers, topic, rate, seconds, probes, warmUpSeconds } = task;
  const writer = await openPlainProducer(brokers, topic);
  const probeEveryMs = ((seconds - warmUpSeconds) * 1000) / (probes + 1);
  const handed: [string, number][] = [];
  const events = steady(rate, seconds);
  const since = systemClock.elapsed();
  let [messages, behindMs] = [0, 0];
  for (;;) {
    const elapsed = systemClock.elapsed() - since;
    const due = Math.min(Math.floor((elapsed * rate) / 1000), rate * seconds);
    if (messages < due) {
      messages = await events.write(writer, due);
      behindMs = Math.max(behindMs, systemClock.elapsed() - since - (messages * 1000) / rate);
    }
    const probesDue = Math.floor((elapsed - warmUpSeconds * 1000) / probeEveryMs);
    if (handed.length < Math.min(probes, probesDue)) {
      const account = `${PROBE}${handed.length}`;
      const now = systemClock.now();
      const lines = probeLines(account, now, handed.length);
      handed.push([account, now]);
      await writer.write(chunkOf(lines));
    }
    if (messages >= rate * seconds && handed.length === probes) break;
    await delay(TICK_MS);
  }
  await writer.close();
  return {
    messages: messages + 2 * handed.length,
    seconds: (systemClock.elapsed() - since) / 1000,
    probes: handed,
    behindMs,
  };
}

export const PROBE = 'u-probe-';

/** Two account creations, the second of which crosses the threshold. */
function probeLines(account: string, time: number, probe: number) {
  return [0, 1].map((i) => {
    const happening = { time: time + i, action: 'account-create', user: account, persons: [] };
    return { key: account, time: time + i, text: JSON.stringify(eventOf(happening, 2e9 + 2 * probe + i)) };
  });
}

/**
 * Sends events until `due` of them have been sent. They are generated beforehand, as generating costs as much as
 * detecting.
 */
function steady(rate: number, seconds: number) {
  const chunks: EventChunk[] = [];
  let made = 0;
  for (const chunk of generate('benign', { accounts: ACCOUNTS, duration: '7d' }).batches()) {
    if (made >= rate * seconds) break;
    chunks.push(chunk);
    made += chunk.count;
  }
  if (made < rate * seconds) throw new Error(`a week of traffic is less than ${rate * seconds} events`);
  let [at, from, sent] = [0, 0, 0];
  return {
    write: async (writer: OutputWriter, due: number): Promise<number> => {
      while (sent < due) {
        const chunk = chunks[at]!;
        const to = Math.min(chunk.count, from + due - sent);
        await writer.write(stamped(slice(chunk, from, to), systemClock.now()));
        sent += to - from;
        from = to;
        if (from === chunk.count) [at, from] = [at + 1, 0];
      }
      return sent;
    },
  };
}

/** The chunk's events as if they happened now: the time comes first in each. */
function stamped(chunk: EventChunk, nowMs: number): EventChunk {
  const bytes = Buffer.from(chunk.bytes);
  const stamp = `{"@timestamp":"${new Date(nowMs).toISOString()}"`;
  for (let i = 0; i < chunk.count; i += 1) {
    const start = i === 0 ? 0 : chunk.ends[i - 1]!;
    if (bytes[start + stamp.length] !== COMMA) throw new Error('the time does not stand where it did');
    bytes.write(stamp, start);
  }
  return { ...chunk, bytes, times: new Float64Array(chunk.count).fill(nowMs) };
}

const COMMA = 0x2c;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const task = JSON.parse(process.argv[2] ?? '{}') as ProducerTask;
  process.send!(await produce(task));
  process.disconnect();
}
