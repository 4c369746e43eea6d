/**
 * One deployment of `vigie run`, as it ships, for one round: a topic, a group, a database and data folders of its
 * own, and the processes that are started in it. What it ends with is an `Outcome`, to be compared with another.
 */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '../support/cli.ts';
import type { Ended, Running } from '../support/cli.ts';
import { environmentOf } from './environment.ts';
import type { DeploymentOptions, StartOptions } from './environment.ts';
import { membersOf, removeDead } from './group-members.ts';
import { END } from './input.ts';
import type { Input, LogMessage } from './input.ts';
import type { Outcome } from './outcome.ts';
import { committedOf, endsOf } from './readers.ts';
import type { Reader } from './readers.ts';
import type { World } from './world.ts';

const PATIENCE_MS = 150_000;
/** Far less than the broker takes at once. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** At most so long between two flushes, ms. */
const FLUSH_MS = 1100;
/** By default. */
const LATENESS_MS = 60_000;
/** What a stop may take, the goodbye to the group included, ms. */
const STOP_MS = 10_000;

/** A process of it. */
export interface Member {
  readonly running: Running;
  readonly slot: number;
  /** Set when it ended. */
  ended?: Ended;
  /** It was told to end, or to die. */
  expected: boolean;
}

export class Deployment {
  readonly database: string;
  readonly world: World;
  readonly folder: string;
  readonly members: Member[] = [];
  readonly topic: string;
  /** The first one reads the input. */
  readonly #readers: readonly [Reader, ...Reader[]];
  readonly #group: string;
  readonly #signals: string;
  #input: Input;
  #over = false;
  readonly #options: DeploymentOptions;
  readonly #since = Date.now();
  /** How many messages of the input there are in the topic. */
  produced = 0;
  producedBytes = 0;

  private constructor(world: World, input: Input, options: DeploymentOptions) {
    const name = randomUUID().slice(0, 8);
    this.world = world;
    this.topic = `portal-${name}`;
    this.#group = `group-${name}`;
    this.#signals = `signals-${name}`;
    this.#readers =
      options.signals === undefined
        ? [{ group: this.#group, topic: this.topic }]
        : [
            { group: `${this.#group}-match`, topic: this.topic },
            { group: `${this.#group}-correlate`, topic: this.#signals },
          ];
    this.database = `vigie_${name}`;
    this.folder = join(world.folder, name);
    this.#input = input;
    this.#options = options;
  }

  static async create(world: World, input: Input, options: DeploymentOptions = {}): Promise<Deployment> {
    const deployment = new Deployment(world, input, options);
    await world.createTopic(deployment.topic, input.partitions);
    return deployment;
  }

  start(options: StartOptions = {}): Member {
    const names = {
      topic: this.topic,
      group: this.#group,
      signals: this.#signals,
      database: this.database,
      folder: this.folder,
    };
    const folder = join(this.folder, String(options.slot ?? 0));
    const running = start(
      ['run', '--data-dir', folder, '--rules', ...this.#input.rules],
      environmentOf(this.world, names, this.#options, options),
    );
    const member: Member = { running, slot: options.slot ?? 0, expected: options.crash !== undefined };
    void running.ended.then((ended) => {
      member.ended = ended;
    });
    this.members.push(member);
    return member;
  }

  /** That it reads. */
  get topics(): string[] {
    return this.#readers.map(({ topic }) => topic);
  }

  /** Of the input that is in the topic. */
  get share(): number {
    return this.produced / this.#input.messages.length;
  }

  /** As much more of the input as is missing to that share, at an even pace over `ms`. */
  feed(share: number, ms: number): Promise<void> {
    const feeding = this.#feed(share, ms);
    // Whoever awaits it may be thrown out before.
    feeding.catch(() => undefined);
    return feeding;
  }

  async #feed(share: number, ms: number): Promise<void> {
    const { messages } = this.#input;
    const end = Math.round(share * messages.length);
    const missingBytes = bytesOf(messages.slice(this.produced, end));
    const pieces = Math.max(1, Math.round(ms / 60), Math.ceil(missingBytes / PIECE_BYTES));
    const size = Math.ceil((end - this.produced) / pieces);
    while (this.produced < end && !this.#over) {
      const piece = messages.slice(this.produced, Math.min(end, this.produced + size));
      this.produced += piece.length;
      this.producedBytes += bytesOf(piece);
      await this.produce(piece);
      if (this.produced < end) await delay(ms / pieces);
    }
  }

  /** Another log, into the topic that was made anew. */
  async feedAnew(input: Input, ms: number): Promise<void> {
    this.#input = input;
    this.produced = 0;
    await this.feed(1, ms);
  }

  async produce(messages: readonly LogMessage[]): Promise<void> {
    await this.world.produce(this.topic, messages);
  }

  /** Resolves when it has joined its group, or groups; and when it ends before. */
  async joined({ running }: Member): Promise<void> {
    const all = this.#readers.map(({ group }) => running.message(`joined group ${group}`));
    await Promise.race([Promise.all(all), running.ended]);
  }

  /** Nobody is joining, and all know their partitions. */
  async isStable(): Promise<boolean> {
    const { groups } = await this.world.admin.describeGroups(this.#readers.map(({ group }) => group));
    return groups.every(({ state }) => state === 'Stable');
  }

  /** Has it killed, and the group know it, if it is to be `told`. Also where it has died by itself, at its crash point. */
  async kill(member: Member, told = true): Promise<Ended> {
    member.expected = true;
    const ended = await member.running.signal('SIGKILL');
    if (told) await this.forgetDead();
    return ended;
  }

  /** Has the group know of all who died. */
  async forgetDead(): Promise<void> {
    const dead = new Set(this.members.filter(({ ended }) => ended !== undefined).flatMap(memberIdsOf));
    const living = this.members.filter(({ ended }) => ended === undefined);
    // A process that was killed while it joined never said under which name.
    const isAlive = (id: string): boolean => !dead.has(id) && living.length > 0;
    await this.#remove(isAlive);
  }

  /** Has the group believe that a process is dead that only stands still. */
  async expel(running: Running): Promise<void> {
    const names = new Set(memberIdsOf({ running }));
    await this.#remove((id) => !names.has(id));
  }

  async #remove(isAlive: (memberId: string) => boolean): Promise<void> {
    const { admin, brokers } = this.world;
    await Promise.all(this.#readers.map(({ group }) => removeDead(admin, brokers, group, isAlive)));
  }

  /** Ends it in order: exit code 0, within the time that is promised, and out of the group. */
  async stop(member: Member): Promise<Ended> {
    member.expected = true;
    const since = Date.now();
    const ended = await member.running.signal('SIGTERM');
    const ms = Date.now() - since;
    if (ended.code !== 0) {
      throw new Error(
        `a stop ended with ${ended.code ?? ended.signal} instead of 0:\n${ended.stderr.slice(-2000)}`,
      );
    }
    if (ms > STOP_MS) throw new Error(`a stop took ${ms} ms, more than ${STOP_MS}`);
    const members = await Promise.all(this.#readers.map(({ group }) => membersOf(this.world.admin, group)));
    const left = members.flat();
    const stayed = memberIdsOf(member).filter((id) => left.includes(id));
    if (stayed.length > 0) throw new Error(`it ended without leaving the group: ${stayed.join()}`);
    return ended;
  }

  /**
   * Waits until everything is committed, and until whoever had to read something again has done so; then stops all
   * that run.
   */
  async finish(): Promise<void> {
    await this.allCommitted();
    const running = this.members.filter(({ ended }) => ended === undefined);
    for (const member of running) await this.#judged(member);
    if (this.#options.spool === true) {
      for (const { running: process } of running) {
        await this.until(
          'the spool is empty',
          async () => (await process.metric('vigie_sink_spool_bytes')) === 0,
        );
      }
    }
    for (const member of running) await this.stop(member);
  }

  /** Windows that moved to it are whole again, and its watermark is at the end of the log. */
  async #judged({ running }: Member): Promise<void> {
    const end = (END - LATENESS_MS) / 1000;
    const restoring = (): boolean => isRestoring(running, this.#readers.at(-1)!.topic);
    for (let before = -1; before !== assignmentsOf(running) || restoring();) {
      await this.until('windows are restored', () => !restoring());
      before = assignmentsOf(running);
      // The figure may be of the assignment before, until the next flush.
      await delay(FLUSH_MS);
      await this.until(
        'everything is judged',
        async () => restoring() || (await running.metric('vigie_watermark_timestamp_seconds')) === end,
      );
    }
  }

  /** Signals last: they are all there only when all of the input is matched. */
  async allCommitted(): Promise<void> {
    const { admin } = this.world;
    for (const reader of this.#readers) {
      await this.until(`everything in ${reader.topic} is committed`, async () => {
        const [committed, ends] = await Promise.all([
          committedOf(admin, reader),
          endsOf(admin, reader.topic),
        ]);
        return committed.join() === ends.join();
      });
    }
  }

  /** Offsets of the input. */
  committed(): Promise<number[]> {
    return committedOf(this.world.admin, this.#readers[0]);
  }

  /** Fails when it takes too long, or when a process ends that nobody has told to. */
  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (;;) {
      const gone = this.members.find(({ ended, expected }) => ended !== undefined && !expected);
      if (gone?.ended !== undefined) {
        const { code, signal, stderr } = gone.ended;
        throw new Error(`a process ended by itself, with ${code ?? signal}:\n${stderr.slice(-3000)}`);
      }
      if (await holds()) return;
      const { patienceMs = PATIENCE_MS } = this.#options;
      if (Date.now() - this.#since > patienceMs) {
        const { admin } = this.world;
        const places = this.#readers.map(async (reader) => {
          const [committed, ends] = [await committedOf(admin, reader), await endsOf(admin, reader.topic)];
          return `${reader.group}: committed ${committed.join()} of ${ends.join()}`;
        });
        const reached = (await Promise.all([...places, ...this.#standings()])).join('; ');
        throw new Error(`after ${patienceMs / 1000} s it was still waited until ${what}; ${reached}`);
      }
      await delay(50);
    }
  }

  /** How far each process that runs says it is. */
  #standings(): Promise<string>[] {
    return this.members
      .filter(({ ended }) => ended === undefined)
      .map(async ({ running, slot }) => {
        const { text } = await running.get('/metrics').catch(() => ({ text: '' }));
        const lines = text.split('\n').filter((line) => /^vigie_(?:watermark|lag|shard)/.test(line));
        const { text: ready } = await running.get('/readyz').catch(() => ({ text: '' }));
        return `slot ${slot}: ${lines.join(', ')}, ${ready.trim()}`;
      });
  }

  /** Everything that it left. `letters`: as many dead letters as there should be, which are waited for a while. */
  async outcome(letters = Infinity): Promise<Outcome> {
    const { database, world } = this;
    const [alerts, events] = await Promise.all([
      world.rows(database, `SELECT * FROM ${database}.alerts FINAL ORDER BY alert_id`),
      world.rows(database, `SELECT event_id FROM ${database}.access_events FINAL ORDER BY event_id`),
    ]);
    for (let waited = 0; waited < 40 && world.lettersOf(this.topic).size < letters; waited++) await delay(50);
    const told = this.members.flatMap(({ running }) =>
      running.logs.flatMap(({ alertId }) => (typeof alertId === 'string' ? [alertId] : [])),
    );
    return {
      alerts: alerts.map(({ detected_at: _wallTime, ...row }) => row),
      eventIds: events.map((row) => String(row['event_id'])),
      letters: world.lettersOf(this.topic),
      told: new Set(told),
    };
  }

  async killAll(): Promise<void> {
    for (const member of this.members) {
      member.expected = true;
      if (member.ended === undefined) await member.running.signal('SIGKILL');
    }
  }

  /** Ends whatever still runs, and gives back the room. */
  async end(): Promise<void> {
    this.#over = true;
    await this.killAll();
    rmSync(this.folder, { recursive: true, force: true });
    await this.world.command(this.database, `DROP DATABASE IF EXISTS ${this.database}`);
  }
}

function bytesOf(messages: readonly LogMessage[]): number {
  return messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
}

function assignmentsOf({ logs }: Running): number {
  return logs.filter(({ msg }) => msg.startsWith('joined group')).length;
}

/** Each shard that it has been given at last restores windows of its own. `topic`: the one that has windows. */
function isRestoring({ logs }: Running, topic: string): boolean {
  const joined = logs.findLastIndex((line) => line.msg.startsWith('joined group') && line['topic'] === topic);
  if (joined < 0) return true;
  const shards = new Set<unknown>();
  for (const { msg, shard } of logs.slice(joined)) {
    if (msg.startsWith('restoring windows')) shards.add(shard);
    if (msg.startsWith('windows restored')) shards.delete(shard);
  }
  return shards.size > 0;
}

/** The names that it had in the group. */
function memberIdsOf({ running }: Pick<Member, 'running'>): string[] {
  return running.logs.flatMap(({ memberId }) => (typeof memberId === 'string' ? [memberId] : []));
}
