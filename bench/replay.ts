/**
 * Generating: events per CPU second of every generator, and of the benign country over one week and over eight weeks of
 * 10,000 accounts in one run. If memory is bounded and every day costs the same, the two differ only in their labels.
 *
 * A theft is measured alone (no background), from the call to its end or to 400,000 events, so its setup counts. The
 * rate is the median of three passes after a warm-up pass. Memory is what remains after a collection, sampled once per
 * simulated week. Run: `node --expose-gc bench/replay.ts`; `npm run bench` prints the generators' part.
 */

import { pathToFileURL } from 'node:url';

import { generate, SCENARIOS } from '../replay/index.ts';
import { median } from './rounds.ts';
import { NS, type Section } from './section.ts';

interface GeneratorRow {
  readonly generator: string;
  /** Events measured. */
  readonly events: number;
  readonly bytesPerEvent: number;
  readonly eventsPerCpuSecond: number;
}

const MEASURED_EVENTS = 400_000;
const PASSES = 3;

export const generators: Section = {
  name: 'generators',
  about: 'what vigie replay generates a second, each scenario alone',
  run: () => ({
    tables: [
      {
        title: 'generators, each alone',
        rows: measured().map(({ generator, eventsPerCpuSecond, bytesPerEvent }) => ({
          name: generator,
          figures: {
            [NS]: 1e9 / eventsPerCpuSecond,
            'events/CPU s': eventsPerCpuSecond,
            bytes: bytesPerEvent,
          },
        })),
      },
    ],
    goals: [],
  }),
};

/** One row per scenario of `vigie replay`. */
function measured(): GeneratorRow[] {
  return Object.keys(SCENARIOS).map((name) => {
    pass(name);
    const passes = Array.from({ length: PASSES }, () => pass(name));
    return { ...passes[0]!, eventsPerCpuSecond: median(passes.map((row) => row.eventsPerCpuSecond)) };
  });
}

function pass(generator: string): GeneratorRow {
  const options = generator === 'benign' ? { accounts: 10_000 } : { accounts: 0 };
  globalThis.gc?.();
  const before = process.cpuUsage();
  let events = 0;
  let bytes = 0;
  for (const chunk of generate(generator, options).batches()) {
    events += chunk.count;
    bytes += chunk.bytes.length;
    if (events >= MEASURED_EVENTS) break;
  }
  const { user, system } = process.cpuUsage(before);
  return {
    generator,
    events,
    bytesPerEvent: Math.round(bytes / events),
    eventsPerCpuSecond: Math.round((events / (user + system)) * 1e6),
  };
}

interface WeeksRow {
  readonly weeks: number;
  readonly events: number;
  readonly eventsPerCpuSecond: number;
  /** Largest sample, MB: heap and buffers, including the labels so far. */
  readonly heldMegabytes: number;
  /** Size of the labels as JSON, MB. */
  readonly labelsMegabytes: number;
}

function weeksOf(weeks: number, accounts: number): WeeksRow {
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
  console.table(measured());
  console.table([1, 8, 1, 8].map((weeks) => weeksOf(weeks, 10_000)));
}
