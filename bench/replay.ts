/**
 * Generating the benign country: events per CPU second and memory held, for one week and for eight weeks of
 * 10,000 accounts in one run. If memory is bounded and a day costs a day, the two differ in labels alone.
 *
 * Memory is what stays after a collection, sampled once a simulated week.
 * Run: `node --expose-gc bench/replay.ts`.
 */

import { pathToFileURL } from 'node:url';

import { generate } from '../replay/index.ts';

interface ReplayBenchRow {
  readonly weeks: number;
  readonly events: number;
  readonly eventsPerCpuSecond: number;
  /** Largest sample, MB: heap and buffers, the labels so far included. */
  readonly heldMegabytes: number;
  /** Size of the labels as JSON, MB. */
  readonly labelsMegabytes: number;
}

function run(weeks: number, accounts: number): ReplayBenchRow {
  const generated = generate('benign', { accounts, duration: `${7 * weeks}d` });
  let events = 0;
  let held = 0;
  let micros = 0;
  let week = -1;
  let before = process.cpuUsage();
  for (const chunk of generated.batches()) {
    events += chunk.count;
    const now = Math.floor(chunk.times[0]! / (7 * 86_400_000));
    if (now === week) continue;
    week = now;
    const { user, system } = process.cpuUsage(before);
    micros += user + system;
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    held = Math.max(held, heapUsed + external);
    before = process.cpuUsage();
  }
  const { user, system } = process.cpuUsage(before);
  micros += user + system;
  return {
    weeks,
    events,
    eventsPerCpuSecond: Math.round((events / micros) * 1e6),
    heldMegabytes: Math.round(held / 1e6),
    labelsMegabytes: JSON.stringify(generated.labels()).length / 1e6,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.table([1, 8, 1, 8].map((weeks) => run(weeks, 10_000)));
}
