/**
 * Whether a second thread pays off, with the simplest honest prototypes: (a) a thread that decodes and sends records to
 * the one that has the windows; (b) two threads with half of the accounts each, the log split beforehand. A second
 * thread is meant to save wall time, so that is measured here, beside the CPU time of both; on a machine whose cores do
 * other work, only the CPU time is meaningful. Vigie itself uses none of these.
 */

import { Worker } from 'node:worker_threads';
import { systemClock } from '../src/clock.ts';
import { Engine } from '../src/detect/engine.ts';
import { Pseudonyms } from '../src/event/pseudonyms.ts';
import { type FieldValue, FieldTable } from '../src/event/record.ts';
import type { Answer, Records, Task } from './cores-worker.ts';
import { inRepository, passOver, PSEUDONYM_KEY, rulesNamed } from './path.ts';
import { median } from './rounds.ts';
import { NS, type Section, type Size, type Table } from './section.ts';
import { LATENESS_MS, usual, type Workload } from './workload.ts';

const EVENTS = 200_000;

export const cores: Section = {
  name: 'cores',
  about: 'one thread, decode in a thread of its own, two threads with half of the accounts each',
  async run(size) {
    const log = usual({ events: size.quick ? EVENTS / 10 : EVENTS });
    return { tables: [await measured('three', log, size), await measured('shipped', log, size)], goals: [] };
  },
};

interface Way {
  readonly name: string;
  /** Returns the number of alerts. */
  readonly run: () => Promise<number>;
}

async function measured(rules: string, log: Workload, { rounds }: Size): Promise<Table> {
  const workers = [new Thread(), new Thread()];
  const whole = shared(log.bytes);
  const halves = halvesOf(log).map(shared);
  const ruleSet = rulesNamed(rules);
  const ways: Way[] = [
    { name: 'one thread', run: async () => passOver(log.bytes, ruleSet).alerts.length },
    { name: 'decode apart', run: () => decodeApart(workers[0]!, rules, whole) },
    {
      name: 'half of the accounts each',
      run: async () => {
        const [first, second] = await Promise.all(
          workers.map((worker, i) => worker.ask({ kind: 'path', rules, bytes: halves[i]! })),
        );
        return first! + second!;
      },
    },
  ];
  const cpu: number[][] = ways.map(() => []);
  const wall: number[][] = ways.map(() => []);
  const alerts = new Set<number>();
  for (let round = -1; round < rounds; round += 1) {
    for (const [i, way] of ways.entries()) {
      const since = systemClock.elapsed();
      const before = process.cpuUsage();
      alerts.add(await way.run());
      const { user, system } = process.cpuUsage(before);
      if (round < 0) continue;
      cpu[i]!.push(user + system);
      wall[i]!.push(systemClock.elapsed() - since);
    }
  }
  await Promise.all(workers.map((worker) => worker.stop()));
  // Groups by other keys than the account exist in both halves; only the rules of `three` all group by account.
  if (rules === 'three' && alerts.size > 1) throw new Error(`not the same alerts: ${[...alerts].join(', ')}`);
  return {
    title: `${rules} rules, ${log.events.toLocaleString('en-GB')} events`,
    rows: ways.map(({ name }, i) => ({
      name,
      figures: {
        [NS]: (median(cpu[i]!) * 1000) / log.events,
        'wall ns/event': (median(wall[i]!) * 1e6) / log.events,
        'CPU × one thread': median(cpu[i]!.map((own, round) => own / cpu[0]![round]!)),
        'wall × one thread': median(wall[i]!.map((own, round) => own / wall[0]![round]!)),
      },
    })),
  };
}

async function decodeApart(worker: Thread, rules: string, bytes: SharedArrayBuffer): Promise<number> {
  const ruleSet = rulesNamed(rules);
  const fields = new FieldTable();
  const engine = new Engine({ ruleSet, fields, hashKey: PSEUDONYM_KEY, latenessMs: LATENESS_MS });
  const record = fields.newRecord();
  const alerts = new Set<string>();
  const note = (): void => {
    for (const { alertId } of engine.tracker.changed) alerts.add(alertId);
    engine.tracker.changed.clear();
  };
  await worker.ask({ kind: 'decode', rules, bytes }, ({ times, slots, persons }) => {
    for (let i = 0; i < times.length; i += 1) {
      record.time = times[i]!;
      const own = slots[i]! as FieldValue[];
      for (let s = 0; s < own.length; s += 1) record.slots[s] = own[s];
      const words = persons[i];
      if (words !== undefined)
        record.slots[engine.evidence.personSlot] = new Pseudonyms(words, words.length / 2);
      engine.process(record, 0);
    }
    note();
  });
  engine.finish();
  note();
  return alerts.size;
}

class Thread {
  readonly #worker = new Worker(inRepository('cores-worker.ts'));

  /** Resolves with the task's result once it is done. */
  ask(task: Task, take: (records: Records) => void = () => undefined): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const listen = (answer: Answer): void => {
      if (answer.kind === 'records') {
        take(answer);
        return;
      }
      this.#worker.off('message', listen).off('error', reject);
      resolve(answer.alerts);
    };
    this.#worker.on('message', listen);
    this.#worker.once('error', reject);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(task);
    return promise;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

function shared(bytes: Buffer): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

/** Splits the lines by the last character of the account: even or odd code. */
function halvesOf({ bytes, starts, events }: Workload): Buffer[] {
  const halves: Buffer[][] = [[], []];
  for (let i = 0; i < events; i += 1) {
    const line = bytes.subarray(starts[i], starts[i + 1]);
    halves[(accountOf(line).at(-1)?.charCodeAt(0) ?? 0) % 2]!.push(line);
  }
  return halves.map((lines) => Buffer.concat(lines));
}

function accountOf(line: Buffer): string {
  try {
    const event = JSON.parse(line.toString()) as { user?: { id: string }; 'user.id'?: string };
    return event['user.id'] ?? event.user?.id ?? '';
  } catch {
    return ''; // A truncated line.
  }
}
