/**
 * Processes a backlog of the demo's traffic: with a loop that only counts, with one process, with one that also
 * archives, and with one, two and four that divide groups among them. All run in every round, one after the other.
 *
 * Every form must find the same alerts, including the theft, and read every message.
 */

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { median } from '../rounds.ts';
import type { Goal, Result, Table } from '../section.ts';
import { runBare } from './bare.ts';
import { Deployment, type Form } from './deployment.ts';
import { demoLog, type Log, PARTITIONS } from './log.ts';
import type { World } from './world.ts';

export interface ThroughputOptions {
  readonly events: number;
  readonly rounds: number;
  readonly idleSeconds: number;
  /** Short names of forms; default: all. */
  readonly forms?: readonly string[] | undefined;
  readonly env?: Form['env'];
}

const BARE = 'bare';
/** By short name. */
const FORMS: Readonly<Record<string, Form & { readonly is: string }>> = {
  one: { is: 'one process', processes: 1, signals: false },
  archive: { is: 'one process, with the archive', processes: 1, signals: false, archive: true },
  scaled1: { is: 'one process, scaled out', processes: 1, signals: true },
  scaled2: { is: 'two processes, scaled out', processes: 2, signals: true },
  scaled4: { is: 'four processes, scaled out', processes: 4, signals: true },
};
export const FORM_NAMES: readonly string[] = Object.keys(FORMS);

interface Pass {
  readonly perSecond: number;
  readonly cpuMicros: number;
  /** Without what the processes use when idle. */
  readonly busyMicros: number;
  readonly peakMiB: number;
  readonly idleShare: number;
  readonly assignments: number;
}

export async function throughput(
  world: World,
  { events, rounds, idleSeconds, forms = FORM_NAMES, env }: ThroughputOptions,
): Promise<Result> {
  const log = await demoLog(world, 'bench-demo', events);
  const passes = new Map<string, Pass[]>([BARE, ...forms].map((name) => [name, []]));
  let proof: string | undefined;
  for (let round = 0; round < rounds; round += 1) {
    passes.get(BARE)!.push(await barePass(world, log));
    for (const name of forms) {
      const form = { ...FORMS[name]!, ...(env === undefined ? {} : { env }) };
      const { pass, alerts } = await measured(world, log, form, idleSeconds);
      passes.get(name)!.push(pass);
      const hash = createHash('sha256').update(alerts.join('\n')).digest('hex');
      proof ??= hash;
      if (hash !== proof) throw new Error(`${name} found other alerts than ${forms[0]}: ${alerts.length}`);
    }
  }
  await world.deleteTopics(log.topic);
  return { tables: [tableOf(log, passes)], goals: goalsOf(passes) };
}

async function barePass(world: World, log: Log): Promise<Pass> {
  const { messages, seconds, cpuSeconds } = await runBare(world.brokers, log.topic, PARTITIONS, log.messages);
  if (messages !== log.messages) throw new Error(`the bare loop counted ${messages} of ${log.messages}`);
  const micros = (cpuSeconds * 1e6) / messages;
  const none = { peakMiB: Number.NaN, idleShare: Number.NaN, assignments: 1 };
  return { perSecond: messages / seconds, cpuMicros: micros, busyMicros: micros, ...none };
}

async function measured(
  world: World,
  log: Log,
  form: Form,
  idleSeconds: number,
): Promise<{ readonly pass: Pass; readonly alerts: readonly string[] }> {
  const deployment = await Deployment.start(world, log, form);
  const joined = await deployment.joinedAt();
  const seconds = ((await deployment.done()) - joined) / 1000;
  const cpu = deployment.cpuSeconds;
  await delay(idleSeconds * 1000);
  const idleShare = (deployment.cpuSeconds - cpu) / idleSeconds;
  const { peakMiB, assignments } = deployment;
  // Messages re-read after a rebalance are counted again.
  const consumed = await deployment.metric('vigie_events_consumed_total');
  const letters = await deployment.metric('vigie_dead_letters_total');
  if (consumed < log.messages || (assignments === form.processes && consumed > log.messages)) {
    throw new Error(`${consumed} of ${log.messages} messages were taken`);
  }
  if (letters > 0) throw new Error(`${letters} events of the demo became dead letters`);
  const alerts = await deployment.alerts();
  if (!alerts.some((alert) => alert.includes(log.thief))) {
    throw new Error('the theft was not caught: the benchmark measures nothing');
  }
  if (form.archive === true && (await deployment.archived()) !== log.messages) {
    throw new Error(`${await deployment.archived()} of ${log.messages} events are in the archive`);
  }
  await deployment.stop();
  const micros = (of: number): number => (of * 1e6) / log.messages;
  const pass = {
    perSecond: log.messages / seconds,
    cpuMicros: micros(cpu),
    busyMicros: micros(cpu - idleShare * seconds),
    peakMiB,
    idleShare,
    assignments,
  };
  return { pass, alerts };
}

function tableOf(log: Log, passes: ReadonlyMap<string, readonly Pass[]>): Table {
  const rows = [...passes].map(([name, all]) => ({
    name: FORMS[name]?.is ?? 'kafkajs that only counts',
    figures: Object.fromEntries(
      Object.entries({
        'messages/s': middle(all, 'perSecond'),
        '× bare': ratio(passes, 'perSecond', name, BARE),
        'CPU µs/event': middle(all, 'cpuMicros'),
        'without idle': middle(all, 'busyMicros'),
        '× bare, CPU': ratio(passes, 'busyMicros', name, BARE),
        '× one process': ratio(passes, 'busyMicros', name, 'one'),
        '× one scaled out': ratio(passes, 'busyMicros', name, 'scaled1'),
        'idle, cores': middle(all, 'idleShare'),
        'peak MiB each': middle(all, 'peakMiB'),
        assignments: middle(all, 'assignments'),
      }).filter(([, figure]) => !Number.isNaN(figure)),
    ),
  }));
  const messages = log.messages.toLocaleString('en-GB');
  const title = `the demo's traffic: ${messages} events of ${Math.round(log.bytesEach)} bytes in ${PARTITIONS} partitions`;
  return { title, rows };
}

function goalsOf(passes: ReadonlyMap<string, readonly Pass[]>): Goal[] {
  const together = (form: string, one: string, atMost: number): Goal => ({
    name: `${FORMS[form]!.is}, CPU per event, × ${FORMS[one]!.is}`,
    got: ratio(passes, 'busyMicros', form, one),
    atMost,
  });
  const goals: Goal[] = [
    {
      name: 'one process, messages a second, × the loop that only counts',
      got: ratio(passes, 'perSecond', 'one', BARE),
      atLeast: 0.6,
    },
    ...['scaled1', 'one'].flatMap((one) => [together('scaled2', one, 1.15), together('scaled4', one, 1.25)]),
  ];
  return goals.filter(({ got }) => !Number.isNaN(got));
}

/** Median of the ratios within a round; NaN if one of the two was not measured. */
function ratio(
  passes: ReadonlyMap<string, readonly Pass[]>,
  figure: keyof Pass,
  of: string,
  to: string,
): number {
  const [ours = [], theirs = []] = [passes.get(of), passes.get(to)];
  if (ours.length === 0 || theirs.length === 0) return Number.NaN;
  return median(ours.map((pass, round) => pass[figure] / theirs[round]![figure]));
}

function middle(all: readonly Pass[], figure: keyof Pass): number {
  return all.length === 0 ? Number.NaN : median(all.map((pass) => pass[figure]));
}
