/**
 * Processes of `vigie run` as shipped, on a topic, with their own consumer group, database and data folders. Their
 * usage is read from outside, starting just before they join the group.
 */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { systemClock } from '../../src/clock.ts';
import { type Ended, type Env, type Running, start } from '../../tests/support/cli.ts';
import { usageOf } from '../usage.ts';
import type { Log } from './log.ts';
import type { World } from './world.ts';

const KEY = '00112233445566778899aabbccddeeff';
const POLL_MS = 50;
const SHARDS = 8;

export interface Form {
  readonly processes: number;
  /** Groups are divided among the processes, through a topic of signals. */
  readonly signals: boolean;
  readonly archive?: boolean;
  readonly spool?: boolean;
  /** Uses the connection to ClickHouse that can be made to fail. */
  readonly faulty?: boolean;
  /** Rule files; the shipped ones if absent. */
  readonly rules?: readonly string[];
  readonly env?: Env;
}

export class Deployment {
  readonly database: string;
  readonly running: readonly Running[];
  readonly #world: World;
  readonly #topic: string;
  readonly #form: Form;
  readonly #group: string;
  readonly #signals: string;
  readonly #folder: string;
  readonly #ended: Ended[] = [];
  #cpuBefore: readonly number[] = [];

  private constructor(world: World, log: Pick<Log, 'topic' | 'lists'>, form: Form) {
    const name = randomUUID().slice(0, 8);
    this.#world = world;
    this.#topic = log.topic;
    this.#form = form;
    this.#group = `group-${name}`;
    this.#signals = `signals-${name}`;
    this.#folder = join(world.folder, name);
    this.database = `vigie_${name}`;
    const { clickHouse, faultyClickHouse } = world;
    this.running = Array.from({ length: form.processes }, (_, i) => {
      const folder = join(this.#folder, String(i));
      const rules = form.rules === undefined ? [] : ['--rules', ...form.rules];
      const running = start(['run', '--data-dir', folder, '--lists', log.lists, ...rules], {
        KAFKA_BROKERS: world.brokers.join(),
        VIGIE_TOPIC: log.topic,
        VIGIE_GROUP: this.#group,
        VIGIE_PSEUDONYM_KEY: KEY,
        CLICKHOUSE_URL: form.faulty === true ? faultyClickHouse.url : clickHouse.url,
        CLICKHOUSE_USER: clickHouse.username,
        CLICKHOUSE_PASSWORD: clickHouse.password,
        CLICKHOUSE_DATABASE: this.database,
        VIGIE_ARCHIVE: String(form.archive === true),
        // These events are old: a time to live would delete them at once.
        VIGIE_ARCHIVE_DAYS: '0',
        ...(form.signals
          ? { VIGIE_SIGNALS_TOPIC: this.#signals, VIGIE_SIGNALS_PARTITIONS: String(SHARDS) }
          : {}),
        ...(form.spool === true ? { VIGIE_SPOOL: join(folder, 'spool') } : {}),
        ...form.env,
      });
      void running.ended.then((ended) => this.#ended.push(ended));
      return running;
    });
  }

  /** Resolves once all are about to join the group. */
  static async start(world: World, log: Pick<Log, 'topic' | 'lists'>, form: Form): Promise<Deployment> {
    const deployment = new Deployment(world, log, form);
    await Promise.all(deployment.running.map((running) => running.message('running')));
    deployment.#cpuBefore = deployment.#cpuNow();
    return deployment;
  }

  /** CPU seconds of all processes since they were about to join, user and system. */
  get cpuSeconds(): number {
    return this.#cpuNow().reduce((sum, now, i) => sum + now - (this.#cpuBefore[i] ?? 0), 0);
  }

  #cpuNow(): number[] {
    return this.running.map(({ pid }) => usageOf(pid)?.cpuSeconds ?? Number.NaN);
  }

  /** Peak memory of the largest process so far. */
  get peakMiB(): number {
    return Math.max(...this.running.map(({ pid }) => usageOf(pid)?.peakMiB ?? Number.NaN));
  }

  /** When the first process was assigned partitions, ms of wall time. */
  async joinedAt(): Promise<number> {
    const lines = await Promise.all(this.running.map((running) => running.message('joined group')));
    return Math.min(...lines.map(({ time }) => Date.parse(time)));
  }

  /** Number of partition assignments; one per process if they joined together. */
  get assignments(): number {
    const lines = this.running.flatMap(({ logs }) =>
      logs.filter(({ msg }) => msg.startsWith('joined group')),
    );
    return this.#form.signals ? lines.length / 2 : lines.length;
  }

  /** Resolves with the wall time once everything in the topic has been read, judged and committed. */
  async done(): Promise<number> {
    const { signals } = this.#form;
    await this.#committed(signals ? `${this.#group}-match` : this.#group, this.#topic);
    if (signals) await this.#committed(`${this.#group}-correlate`, this.#signals);
    return systemClock.now();
  }

  async #committed(groupId: string, topic: string): Promise<void> {
    const ends = await this.#world.ends(topic);
    await this.until(async () => {
      const committed = await this.#world.committed(groupId, topic);
      return ends.every((end, partition) => (committed[partition] ?? 0) >= end);
    });
  }

  /** Waits until `holds`. Throws if a process ends that nobody stopped. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) {
      const [gone] = this.#ended;
      if (gone !== undefined) {
        throw new Error(
          `vigie run ended by itself, with ${gone.code ?? gone.signal}:\n${gone.stderr.slice(-3000)}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  /** Sum over all processes; 0 while there is no value. */
  async metric(name: string): Promise<number> {
    // A busy process may close a connection just as it is reused.
    const ask = (running: Running) => running.metric(name).catch(() => running.metric(name));
    const values = await Promise.all(this.running.map(ask));
    return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  }

  /** Rule, group and crossing of every alert that was not merged into another, sorted. */
  async alerts(): Promise<string[]> {
    const rows = await this.#world.rows<{ alert: string }>(
      `SELECT toJSONString(tuple(rule, group_fields, crossed_at)) AS alert FROM ${this.database}.alerts FINAL
WHERE status != 'merged' ORDER BY alert`,
    );
    return rows.map(({ alert }) => alert);
  }

  async archived(): Promise<number> {
    const [row] = await this.#world.rows<{ n: string | number }>(
      `SELECT uniqExact(event_id) AS n FROM ${this.database}.access_events`,
    );
    return Number(row?.n);
  }

  /** Stops all processes in turn, and deletes what they stored. */
  async stop(): Promise<void> {
    for (const running of this.running) {
      const { code, stderr } = await running.signal('SIGTERM');
      if (code !== 0)
        throw new Error(`vigie run ended with ${code} when it was stopped:\n${stderr.slice(-3000)}`);
    }
    await this.#world.dropDatabase(this.database);
    if (this.#form.signals) await this.#world.deleteTopics(this.#signals);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
