/**
 * Vigie as a service: `vigie run` as shipped, on a real broker, writing to ClickHouse. What a backlog costs beside a
 * client that only counts, in one process and divided among several; how long an alert takes to be readable; how much
 * memory a backlog and an unreachable database take. Linux only (`/proc`).
 *
 * A section of `npm run bench`; as a program (`USAGE`), with other sizes and for profiling the processes.
 */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';

import { isReached, printResult, type Result, type Section, type Size } from './section.ts';
import { latency, type LatencyOptions, RULES } from './service/latency.ts';
import { memory, type MemoryOptions } from './service/memory.ts';
import { FORM_NAMES, throughput, type ThroughputOptions } from './service/throughput.ts';
import { World } from './service/world.ts';

const USAGE = `node bench/service.ts [--parts throughput,latency,memory] [--quick] [--json]
  throughput: [--events 1000000] [--rounds 1] [--forms ${FORM_NAMES.join()}] [--profile FOLDER]
  latency:    [--rates 2000,20000] [--seconds 60] [--probes 250] [--rules shipped|few] [--profile FOLDER]
  memory:     [--backlog 185,1000] [--minutes 60]`;
const PARTS = ['throughput', 'latency', 'memory'] as const;
type Part = (typeof PARTS)[number];

interface Plan {
  readonly parts: readonly Part[];
  readonly throughput: ThroughputOptions;
  readonly latency: LatencyOptions;
  readonly memory: MemoryOptions;
}

/** A pass over a million events takes minutes, long enough for steady figures. */
const MOST_ROUNDS = 3;

function planOf({ rounds, quick }: Size): Plan {
  return {
    parts: PARTS,
    throughput: {
      events: quick ? 100_000 : 1_000_000,
      rounds: quick ? 1 : Math.min(rounds, MOST_ROUNDS),
      idleSeconds: quick ? 2 : 5,
    },
    latency: {
      rates: quick ? [2000] : [2000, 5000, 10_000, 20_000],
      seconds: quick ? 30 : 60,
      warmUpSeconds: 10,
      probes: quick ? 200 : 250,
      rules: 'shipped',
    },
    memory: { rates: [185], seconds: quick ? 300 : 3600 },
  };
}

export const service: Section = {
  name: 'service',
  about: 'vigie run on a real broker: backlog, processes together, time until an alert is readable, memory',
  run: (size) => measured(planOf(size)),
};

async function measured(plan: Plan): Promise<Result> {
  const world = await World.open();
  if ('skip' in world) return { tables: [], goals: [], leftOut: world.skip };
  try {
    const measure = {
      throughput: () => throughput(world, plan.throughput),
      latency: () => latency(world, plan.latency),
      memory: () => memory(world, plan.memory),
    };
    const results: Result[] = [];
    for (const part of plan.parts) results.push(await measure[part]());
    return {
      tables: results.flatMap(({ tables }) => tables),
      goals: results.flatMap(({ goals }) => goals),
    };
  } finally {
    await world.close();
  }
}

/** The command line's plan. Wrong usage prints the usage and ends with exit code 2. */
function typed(): { readonly plan: Plan; readonly json: boolean } {
  const { values } = parseArgs({
    options: {
      parts: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '1' },
      events: { type: 'string' },
      forms: { type: 'string' },
      rates: { type: 'string' },
      seconds: { type: 'string' },
      probes: { type: 'string' },
      rules: { type: 'string', default: 'shipped' },
      backlog: { type: 'string' },
      minutes: { type: 'string' },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  const [rounds] = numbers('rounds', values.rounds, []);
  const usual = planOf({ rounds: rounds!, quick: values.quick });
  const profile = values.profile === undefined ? undefined : resolve(values.profile);
  const env = profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` };
  const plan: Plan = {
    parts: chosen(values.parts, PARTS) as readonly Part[],
    throughput: {
      ...usual.throughput,
      rounds: rounds!,
      events: numbers('events', values.events, [usual.throughput.events])[0]!,
      forms: chosen(values.forms, FORM_NAMES),
      env,
    },
    latency: {
      ...usual.latency,
      rates: numbers('rates', values.rates, usual.latency.rates),
      seconds: numbers('seconds', values.seconds, [usual.latency.seconds])[0]!,
      probes: numbers('probes', values.probes, [usual.latency.probes])[0]!,
      rules: chosen(values.rules, Object.keys(RULES))[0] as keyof typeof RULES,
      env,
    },
    memory: {
      rates: numbers('backlog', values.backlog, usual.memory.rates),
      seconds: numbers('minutes', values.minutes, [usual.memory.seconds / 60])[0]! * 60,
    },
  };
  return { plan, json: values.json };
}

function numbers(option: string, text: string | undefined, fallback: readonly number[]): readonly number[] {
  const all = text?.split(',').map(Number) ?? fallback;
  const wrong = all.find((each) => !(each >= 1));
  if (wrong !== undefined) throw new Error(`--${option}: ${text} is no number from 1 on`);
  return all;
}

function chosen(text: string | undefined, known: readonly string[]): readonly string[] {
  const names = text?.split(',') ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${known.join(', ')}`);
  return names;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  let asked: ReturnType<typeof typed>;
  try {
    asked = typed();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nusage: ${USAGE}`);
    process.exit(2);
  }
  const result = await measured(asked.plan);
  const goals = result.goals.map((goal) => ({ ...goal, reached: isReached(goal) }));
  if (asked.json) console.log(JSON.stringify({ ...result, goals }, null, 2));
  else printResult(result);
}
