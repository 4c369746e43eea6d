/**
 * Several processes that share the partitions of a log and hand them over, without a broker, a database or a disk. They
 * start, end, are killed, or are halted until others have their partitions and then continue as if nothing had
 * happened.
 */

import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Alert } from '../../src/alert/alert.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import { MatchStage } from '../../src/scale-out/match-stage.ts';
import { Shards } from '../../src/scale-out/shards.ts';
import { signalIntake } from '../../src/scale-out/signal-intake.ts';
import { silentSink } from '../unit/scripted-pipeline.ts';
import { impatient, impatience } from './killed-pipeline.ts';
import { GroupMember, type MemberOptions, type Message, ScriptedGroup } from './scripted-group.ts';
import { AlertTable, type Disk, ScriptedProcess, snapshotsOn } from './scripted-process.ts';

export interface MovingWorld {
  readonly ruleSet: RuleSet;
  /** Rules that replace the others at some time. */
  readonly nextRules?: RuleSet;
  readonly latenessMs: number;
  /** By partition, in order of arrival. */
  readonly logs: readonly (readonly Message[])[];
  /** Returns a whole number from 0 to below `below`. */
  readonly random: (below: number) => number;
  readonly saves: boolean;
  /**
   * True if all partitions always belong to one process, and no process completes a write that was in flight before the
   * handover: ids of groups that lie in several partitions require it.
   */
  readonly together?: boolean;
  /** Correlates in this many shards, from a signals topic. */
  readonly shards?: number;
}

/** Machines, each with a disk. */
const MACHINES = 3;
/** Far more than any case needs. */
const MOST_STEPS = 20_000;

/** The rows of alerts at the end. */
export async function movedOutcome(world: MovingWorld, moves: number): Promise<Alert[]> {
  const stage = new Stage(world);
  stage.begin(0);
  for (let move = 0; move < moves; move += 1) {
    await stage.play(world.random(20));
    stage.move();
  }
  await stage.finish();
  return [...stage.table.rows.values()];
}

/** One running process. */
class Running {
  readonly process = new ScriptedProcess();
  readonly stop = new AbortController();
  readonly members: GroupMember[] = [];
  readonly #turns: Turns[] = [];
  #isHeld = false;
  /** True once it has ended or died. */
  isOver = false;
  /** The error that it ended with on its own. */
  failure: unknown;
  /** What happens when rule files change. */
  replaceRules: (ruleSet: RuleSet) => void = () => undefined;

  member(group: ScriptedGroup, options: Omit<MemberOptions, 'act' | 'turn'>): GroupMember {
    const turns = new Turns();
    const member = new GroupMember(group, { ...options, act: this.process.act, turn: () => turns.next() });
    this.members.push(member);
    this.#turns.push(turns);
    return member;
  }

  run(work: Promise<unknown>): void {
    void Promise.race([this.process.died, work])
      .catch((error: unknown) => {
        this.failure = error;
      })
      .finally(() => {
        this.isOver = true;
      });
  }

  /** The process reads nothing until it goes on. `halts`: writes about to happen wait as well. */
  hold(halts: boolean): void {
    this.#isHeld = true;
    if (halts) this.process.halt();
  }

  goOn(): void {
    this.#isHeld = false;
    this.process.goOn();
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Halves that wait for their turn. */
  get waiting(): readonly Turns[] {
    return this.isOver || this.#isHeld ? [] : this.#turns.filter(({ waits }) => waits);
  }

  /** True if nothing is left to read, and everything read has been processed. */
  get isThrough(): boolean {
    return this.members.every(({ isThrough }) => isThrough) && this.#turns.every(({ waits }) => waits);
  }

  /** Ends the process like SIGTERM. */
  terminate(): void {
    this.stop.abort();
    for (const turns of this.#turns) turns.stop();
  }
}

class Turns {
  #waiting: PromiseWithResolvers<boolean> | undefined;
  #stopped = false;

  next(): Promise<boolean> {
    if (this.#stopped) return Promise.resolve(false);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  take(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(true);
  }

  stop(): void {
    this.#stopped = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(false);
  }
}

class Stage {
  readonly table = new AlertTable();
  readonly #world: MovingWorld;
  readonly #input: ScriptedGroup;
  readonly #signals: ScriptedGroup | undefined;
  readonly #disks = Array.from({ length: MACHINES }, (): Disk => new Map());
  readonly #running = new Map<number, Running>();
  #ruleSet: RuleSet;
  /** The time that brokers stamp on incoming messages. */
  #nowMs = -Infinity;
  #left = MOST_STEPS;

  constructor(world: MovingWorld) {
    const { logs, shards, ruleSet } = world;
    this.#world = world;
    this.#ruleSet = ruleSet;
    this.#input = new ScriptedGroup(logs);
    this.#signals =
      shards === undefined ? undefined : new ScriptedGroup(Array.from({ length: shards }, () => []));
  }

  get #groups(): ScriptedGroup[] {
    return this.#signals === undefined ? [this.#input] : [this.#input, this.#signals];
  }

  begin(machine: number): void {
    const running = new Running();
    this.#running.set(machine, running);
    if (this.#signals === undefined) this.#detect(running, this.#disks[machine]!);
    else this.#divide(running, this.#disks[machine]!, this.#signals);
    for (const group of this.#groups) this.#rebalance(group);
  }

  #member(running: Running, group: ScriptedGroup): GroupMember {
    const { random, together } = this.#world;
    return running.member(group, {
      random,
      learns: () => together === true || random(2) === 0,
      onRead: (timeMs) => (this.#nowMs = Math.max(this.#nowMs, timeMs)),
    });
  }

  /** A process that both matches and correlates. */
  #detect(running: Running, disk: Disk): void {
    const { latenessMs, saves } = this.#world;
    const { act } = running.process;
    const pipeline = impatient(this.#member(running, this.#input), {
      sink: this.table.sink(act),
      ruleSet: this.#ruleSet,
      latenessMs,
      snapshots: saves ? snapshotsOn(disk, 'state', act) : undefined,
    });
    running.replaceRules = (ruleSet) => pipeline.replaceRules(ruleSet);
    running.run(pipeline.run(running.stop.signal));
  }

  /** A process like `vigie run` with a signals topic. */
  #divide(running: Running, disk: Disk, signals: ScriptedGroup): void {
    const { latenessMs, saves, random } = this.#world;
    const { act } = running.process;
    const of = signals.logs.length;
    const ruleSet = this.#ruleSet;
    const match = new MatchStage({
      ...impatience(20),
      source: this.#member(running, this.#input),
      signals: {
        send: async (messages) => {
          const first = random(of);
          for (let i = 0; i < of; i += 1) {
            const shard = (first + i) % of;
            const sent = messages[shard]!.map((data) => ({ data, timeMs: this.#nowMs }));
            if (sent.length > 0) await act(() => signals.logs[shard]!.push(...sent));
          }
        },
      },
      shards: of,
      keyCheck: 1,
      sink: silentSink,
      deadLetters: { write: async () => {}, close: async () => {} },
      ruleSet,
    });
    const shards = new Shards(
      this.#member(running, signals),
      of,
      ruleSet,
      () => undefined,
      (index, _, lane, rules) => {
        const pipeline = impatient(lane, {
          sink: this.table.sink(act),
          ruleSet: rules,
          latenessMs,
          snapshots: saves ? snapshotsOn(disk, `state-shard-${index}`, act) : undefined,
          intakeOf: (inForce) =>
            signalIntake(
              {
                shard: { index, of },
                hashKey: new Uint8Array(16),
                keyCheck: 1,
                latenessMs,
                settings: '',
                onTaken: () => undefined,
                onTrouble: (trouble) => {
                  throw trouble;
                },
              },
              inForce,
            ),
        });
        return { pipeline, onEnd: () => undefined };
      },
    );
    running.replaceRules = (next) => {
      match.replaceRules(next);
      shards.replaceRules(next);
    };
    running.run(Promise.all([match.run(running.stop.signal), shards.run(running.stop.signal)]));
  }

  /** Something happens to one of the processes, or to the group. */
  move(): void {
    const { random, together } = this.#world;
    const machine = random(MACHINES);
    const running = this.#running.get(machine);
    if (running === undefined || running.isOver) return this.begin(machine);
    const { process } = running;
    switch (random(6)) {
      case 0:
        process.dieAfter(random(4));
        break;
      case 1:
        running.terminate();
        break;
      case 2:
        if (running.isHeld) running.goOn();
        else running.hold(together !== true);
        break;
      case 3:
        running.goOn();
        break;
      case 4:
        this.#ruleSet = this.#world.nextRules ?? this.#ruleSet;
        if (random(2) === 0) running.replaceRules(this.#ruleSet);
        break;
      default:
        break;
    }
    for (const group of this.#groups) if (random(3) > 0) this.#rebalance(group);
  }

  get #live(): Running[] {
    return [...this.#running.values()].filter(({ isOver }) => !isOver);
  }

  /** Rebalances among the processes that the group hears from. */
  #rebalance(group: ScriptedGroup): void {
    const { random, together } = this.#world;
    const live = this.#live.filter(({ isHeld, stop }) => !isHeld && !stop.signal.aborted);
    if (live.length === 0) return;
    const half = this.#groups.indexOf(group);
    const assigned = new Map(live.map(({ members }) => [members[half]!, [] as number[]]));
    const members = [...assigned.keys()];
    const one = members[random(members.length)]!;
    group.logs.forEach((_, partition) => {
      const to = together === true ? one : members[random(members.length)]!;
      assigned.get(to)!.push(partition);
    });
    group.assign(assigned);
  }

  /** Lets one process at a time take an item, `steps` times. */
  async play(steps: number): Promise<void> {
    const { random } = this.#world;
    for (let step = 0; step < steps; step += 1) {
      if ((this.#left -= 1) < 0) throw new Error('the processes get nowhere');
      for (const { failure } of this.#running.values()) if (failure !== undefined) throw failure;
      const waiting = this.#live.flatMap((running) => running.waiting);
      if (waiting.length > 0) waiting[random(waiting.length)]!.take();
      await (waiting.length === 0 || random(8) === 0 ? delay(2) : nextTurn());
      await nextTurn();
    }
  }

  /** The remaining processes read the rest. */
  async finish(): Promise<void> {
    for (const running of this.#live) running.goOn();
    for (;;) {
      const staying = this.#live.filter(({ stop }) => !stop.signal.aborted);
      const members = new Set(staying.flatMap((running) => running.members));
      // Processes that were dying may be dead by now.
      if (staying.length === 0) this.begin(MACHINES - 1);
      for (const group of this.#groups) {
        if (this.#left % 200 === 0 || group.members.some((member) => !members.has(member))) {
          this.#rebalance(group);
        }
      }
      if (this.#groups.every(({ isRead }) => isRead) && staying.every(({ isThrough }) => isThrough)) break;
      await this.play(1);
    }
    for (const running of this.#live) running.terminate();
    while (this.#live.length > 0) await this.play(1);
  }
}
