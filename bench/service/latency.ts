/**
 * From produced to readable: at a steady rate, accounts cross a rule at known events, while ClickHouse is queried
 * repeatedly for the alerts it has. The time runs from handing a crossing event to the producer's client to the first
 * answer that contains its alert, so it includes the way into the broker, and up to one polling interval too much.
 *
 * Every one of the alerts must appear, exactly once.
 */

import { fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { systemClock } from '../../src/clock.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import type { Env } from '../../tests/support/cli.ts';
import { inRepository } from '../path.ts';
import type { Goal, Result, TableRow } from '../section.ts';
import { Deployment } from './deployment.ts';
import { PARTITIONS } from './log.ts';
import { PROBE, type ProducerReport, type ProducerTask } from './producer.ts';
import type { World } from './world.ts';

export interface LatencyOptions {
  /** Events per second; each rate is measured. */
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly probes: number;
  readonly rules: keyof typeof RULES;
  readonly env?: Env;
}

/**
 * Rule files, or the shipped ones. `few`: three windows per account, the rule that the probes cross, and the rules it
 * needs.
 */
export const RULES = {
  shipped: undefined,
  few: [
    'rules/three.yml',
    '../rules/events/account-creation.yml',
    '../rules/accounts/bulk-account-creation.yml',
    '../rules/accounts/bulk-habilitation-grants.yml',
    '../rules/events/habilitation-grant.yml',
  ].map(inRepository),
};

/** bulk_account_creation */
const RULE = 'e0d2e495-de60-464f-8a99-1346157b3160';
/** A query costs ClickHouse some 20 ms of a core that the detector should have. */
const POLL_MS = 100;
/** Time without a new alert after which the rest count as missing. */
const PATIENCE_MS = 120_000;
/** Share of the rate that must have been sent. */
const KEPT = 0.98;
/** The rate of the goal. */
const GOAL_RATE = 20_000;

export async function latency(world: World, options: LatencyOptions): Promise<Result> {
  const rows: TableRow[] = [];
  const goals: Goal[] = [];
  for (const rate of options.rates) {
    const row = await measured(world, rate, options);
    rows.push(row);
    const sent = row.figures['sent/s']!;
    if (rate === GOAL_RATE) {
      // A producer that does not keep the rate says nothing about it.
      goals.push(
        { name: `events a second sent, of ${rate}`, got: sent, atLeast: KEPT * rate },
        {
          name: `produced to readable at ${Math.round(sent)} events a second, ${options.rules} rules, p99, s`,
          got: row.figures['p99 ms']! / 1000,
          atMost: 1,
        },
      );
    }
  }
  const title = `produced to readable in ClickHouse, ${options.rules} rules, ${options.probes} alerts each, asked every ${POLL_MS} ms`;
  return { tables: [{ title, rows }], goals };
}

async function measured(
  world: World,
  rate: number,
  { seconds, warmUpSeconds, probes, rules, env = {} }: LatencyOptions,
): Promise<TableRow> {
  const topic = `bench-rate-${rate}`;
  await world.createTopic(topic, PARTITIONS);
  const files = RULES[rules];
  const form = { processes: 1, signals: false, env, ...(files && { rules: files }) };
  const deployment = await Deployment.start(world, { topic, lists: NO_LISTS }, form);
  await deployment.joinedAt();
  const watch = new Watch(world, deployment.database);
  const cpu = deployment.cpuSeconds;
  const task = { brokers: world.brokers, topic, rate, seconds, probes, warmUpSeconds };
  const [report] = await Promise.all([
    produced(task).then(async (sent) => {
      const used = (deployment.cpuSeconds - cpu) / sent.seconds;
      const waiting = sent.messages - (await deployment.metric('vigie_events_consumed_total'));
      await deployment.done();
      return { ...sent, used, waiting };
    }),
    watch.run(probes),
  ]);
  const alerts = await deployment.alerts();
  const told = alerts.filter((alert) => alert.includes(`"${RULE}"`) && alert.includes(PROBE));
  if (told.length !== probes) throw new Error(`${told.length} alerts of ${probes} accounts`);
  const meanMs = async (name: string): Promise<number> =>
    (1000 * (await deployment.metric(`${name}_sum`))) / (await deployment.metric(`${name}_count`));
  const inVigie = await meanMs('vigie_processing_to_acknowledge_seconds');
  const insert = await meanMs('vigie_sink_batch_seconds');
  const letters = await deployment.metric('vigie_dead_letters_total');
  if (letters > 0) throw new Error(`${letters} events of the demo became dead letters`);
  await deployment.stop();
  await world.deleteTopics(topic);
  const delays = report.probes.map(([account, atMs]) => watch.at.get(account)! - atMs).sort((a, b) => a - b);
  const at = (share: number): number =>
    delays[Math.min(delays.length - 1, Math.ceil(share * delays.length) - 1)]!;
  return {
    name: `${rate.toLocaleString('en-GB')} events a second`,
    figures: {
      'p50 ms': at(0.5),
      'p99 ms': at(0.99),
      'max ms': at(1),
      'sent/s': report.messages / report.seconds,
      'behind ms': report.behindMs,
      'waiting at the end': report.waiting,
      'cores used': report.used,
      'taken to stored, mean ms': inVigie,
      'insert, mean ms': insert,
      'asking, mean ms': watch.meanMs,
    },
  };
}

/** The lists exist, but are empty. */
const NO_LISTS = fileURLToPath(new URL('../../rules/lists', import.meta.url));

function produced(task: ProducerTask): Promise<ProducerReport> {
  const { promise, resolve, reject } = Promise.withResolvers<ProducerReport>();
  const child = fork(fileURLToPath(new URL('producer.ts', import.meta.url)), [JSON.stringify(task)]);
  child.on('message', (message) => resolve(message as ProducerReport));
  child.on('error', reject);
  child.on('exit', (code) => reject(new Error(`the producer ended with ${code} and no report`)));
  return promise;
}

/** Queries which alerts can be read, and notes when each first appeared. */
class Watch {
  /** Wall time by account, ms. */
  readonly at = new Map<string, number>();
  readonly #world: World;
  readonly #database: string;
  #asked = 0;
  #askedMs = 0;

  constructor(world: World, database: string) {
    this.#world = world;
    this.#database = database;
  }

  /** Mean duration of a query. */
  get meanMs(): number {
    return this.#askedMs / this.#asked;
  }

  /** Runs until this many accounts have an alert. */
  async run(accounts: number): Promise<void> {
    const { url, username, password } = this.#world.clickHouse;
    const { client } = await openClickHouse({ url, username, password, database: 'default', dataDir: '' });
    const query = `SELECT DISTINCT group_fields['user.id'] AS account FROM ${this.#database}.alerts
WHERE rule = '${RULE}' AND startsWith(assumeNotNull(group_fields['user.id']), '${PROBE}')`;
    let foundAt = systemClock.elapsed();
    while (this.at.size < accounts) {
      const since = systemClock.elapsed();
      const result = await client.query({ query, format: 'JSONEachRow' });
      const now = systemClock.now();
      for (const { account } of await result.json<{ account: string }>()) {
        if (this.at.has(account)) continue;
        this.at.set(account, now);
        foundAt = since;
      }
      if (since - foundAt > PATIENCE_MS) throw new Error(`${this.at.size} of ${accounts} alerts can be read`);
      this.#asked += 1;
      this.#askedMs += systemClock.elapsed() - since;
      await delay(Math.max(0, POLL_MS - (systemClock.elapsed() - since)));
    }
    await client.close();
  }
}
