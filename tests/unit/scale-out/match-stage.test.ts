/** The match stage: what is sent before what is committed, and what becomes of it when something fails. */

import { describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { MatchStage } from '../../../src/scale-out/match-stage.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { SignalReader } from '../../../src/signal/signal-reader.ts';
import type { Assignment, Commit, EventBatch, Idle } from '../../../src/source/source.ts';
import { ALL_RULES } from '../cli/fixtures.ts';
import { batch, T0 } from '../scripted-pipeline.ts';

type Item = EventBatch | Assignment | Idle;

const none = async (): Promise<void> => {};
const ruleSet = parseRules([{ file: 'rules.yml', text: ALL_RULES }]);
const event = (seconds: number): string =>
  JSON.stringify({ '@timestamp': new Date(T0 + 1000 * seconds).toISOString(), user: { id: `u-${seconds}` } });

interface Script {
  readonly items: (time: { elapsedMs: number }, stage: MatchStage) => AsyncGenerator<Item>;
  readonly commit?: (commits: readonly Commit[]) => Promise<void>;
  readonly send?: () => Promise<void>;
  readonly stop?: AbortController;
}

/** Runs to the end of the script; what was done, in order. */
async function run({ items, commit = none, send = none, stop = new AbortController() }: Script) {
  const time = { elapsedMs: 0 };
  const done: string[] = [];
  const told = new Map<number, string[]>();
  const reader = new SignalReader(new FieldTable(), []);
  const read = (shard: number, message: Buffer): void => {
    const own = told.get(shard) ?? [];
    told.set(shard, own);
    let place = '';
    reader.read(message, 0, message.length, {
      head: () => undefined,
      begin: (partition, epoch, from) => (place = `${partition}:${epoch === 7 ? '' : 'new:'}${from}`),
      signal: () => undefined,
      end: (next, _newest, idle) => own.push(`${place}-${next}${idle ? ' idle' : ''}`),
    });
  };
  const stage: MatchStage = new MatchStage({
    source: {
      name: 'scripted',
      type: 'kafka',
      read: () => items(time, stage),
      rewind: async () => false,
      commit: async (commits) => {
        await commit(commits);
        done.push(
          `commit ${commits.map(({ partition, nextOffset }) => `${partition}@${nextOffset}`).join()}`,
        );
      },
      close: none,
    },
    signals: {
      send: async (messages) => {
        await send();
        messages.forEach((own, shard) => own.forEach((message) => read(shard, message)));
        if (messages.flat().length > 0) done.push('send');
      },
    },
    shards: 2,
    keyCheck: 1,
    sink: { writeEvents: none },
    deadLetters: {
      write: async (letters) => {
        done.push(`${letters.length} letters`);
      },
      close: none,
    },
    ruleSet,
    pseudonymKey: new Uint8Array(16),
    timestampField: '@timestamp',
    personFields: [],
    maxEventBytes: 1000,
    mapping: undefined,
    maxFutureMs: 300_000,
    archive: false,
    idleTimeoutMs: 30_000,
    flushIntervalMs: 0,
    clock: { now: () => T0 + 3_600_000, elapsed: () => time.elapsedMs },
    observer: {
      assigned: () => {},
      batch: () => {},
      deadLetter: () => {},
      gap: () => {},
      matched: () => {},
      lag: () => {},
      rules: () => {},
    },
  });
  const summary = await stage.run(stop.signal).catch((error: unknown) => error);
  return { done, told, summary };
}

const known = (partition: number, committedOffset: number) => ({
  partition,
  committedOffset,
  position: committedOffset,
  metadata: { newestEventTime: T0, epoch: 7 },
});

describe('the match stage', () => {
  test('commits when all shards have what it read, events or none, and dead letters are written', async () => {
    const { done, told, summary } = await run({
      async *items(time) {
        yield { kind: 'assignment', partitions: [known(0, 5)], total: 1 };
        time.elapsedMs += 100;
        yield batch(0, 8, event(1), '{"torn', event(2));
      },
    });
    expect(done.filter((what, i) => what !== done[i - 1]).slice(-3)).toEqual([
      'send',
      '1 letters',
      'commit 0@8',
    ]);
    expect([...told.values()].map((own) => own.at(-1))).toEqual(['0:5-8', '0:5-8']);
    expect(summary).toMatchObject({ events: 3, accepted: 2, deadLetters: 1 });
  });

  test('commits the epoch of a partition before any signal carries it', async () => {
    const { done } = await run({
      async *items(time) {
        yield {
          kind: 'assignment',
          partitions: [{ partition: 3, committedOffset: undefined, metadata: undefined, position: 2 }],
        };
        time.elapsedMs += 100;
        yield batch(3, 3, event(1));
      },
    });
    expect(done[0]).toBe('commit 3@2');
    expect(done[1]).toBe('send');
  });

  test('ends when it is stopped while nobody answers its first commit, and sends nothing of that partition', async () => {
    const stop = new AbortController();
    const { done, summary } = await run({
      stop,
      async *items(time) {
        yield {
          kind: 'assignment',
          partitions: [{ partition: 3, committedOffset: undefined, metadata: undefined, position: 2 }],
        };
        time.elapsedMs += 100;
      },
      commit: (commits) => {
        if (commits.length === 0) return none();
        stop.abort();
        return new Promise(() => undefined);
      },
    });
    expect(done.filter((what) => what !== 'commit ')).toEqual([]);
    expect(summary).toMatchObject({ events: 0 });
  }, 2000);

  test('commits nothing of an assignment that has ended while its signals were sent', async () => {
    const sent = Promise.withResolvers<void>();
    const { done } = await run({
      async *items(time) {
        yield { kind: 'assignment', partitions: [known(0, 5)], total: 1 };
        time.elapsedMs += 100;
        yield batch(0, 8, event(1));
        setTimeout(sent.resolve);
        // Of a topic that was created anew.
        yield { kind: 'assignment', partitions: [known(0, 0)], total: 1 };
        yield batch(0, 1, event(2));
      },
      send: () => sent.promise,
    });
    expect(done.filter((what) => what.startsWith('commit'))).not.toContain('commit 0@8');
    expect(done.at(-1)).toBe('commit 0@1');
  });

  test('sends nothing of a partition that moves away before its epoch is committed', async () => {
    let asked = 0;
    const { told } = await run({
      async *items() {
        yield {
          kind: 'assignment',
          partitions: [{ partition: 3, committedOffset: undefined, metadata: undefined, position: 0 }],
        };
        yield { kind: 'idle' };
      },
      commit: async () => {
        asked += 1;
        throw new VigieError('KAFKA_GENERATION_LOST', 'gone', { retryable: true });
      },
    });
    expect(asked).toBe(1);
    expect(told.size).toBe(0);
  });

  test('commits nothing after signals could not be sent, and ends with the reason', async () => {
    const { done, summary } = await run({
      async *items(time) {
        yield { kind: 'assignment', partitions: [known(0, 5)] };
        time.elapsedMs += 100;
        yield batch(0, 6, event(1));
        time.elapsedMs += 100;
        yield { kind: 'idle' };
      },
      send: async () => {
        throw new VigieError('KAFKA_FORBIDDEN', 'no right to write');
      },
    });
    expect(done).toEqual([]);
    expect(summary).toMatchObject({ code: 'KAFKA_FORBIDDEN' });
  });

  test('keeps its rules when waiting ones are taken back during a sending', async () => {
    const sent = Promise.withResolvers<void>();
    const inForce: RuleSet[] = [];
    const { summary } = await run({
      async *items(time, stage) {
        yield { kind: 'assignment', partitions: [known(0, 5)] };
        time.elapsedMs += 100;
        yield batch(0, 6, event(1));
        stage.replaceRules(parseRules([]));
        setTimeout(() => {
          stage.replaceRules(undefined);
          sent.resolve();
        }, 20);
        yield { kind: 'idle' };
        inForce.push(stage.ruleSet);
        yield batch(0, 7, event(2));
      },
      send: () => sent.promise,
    });
    expect(inForce).toEqual([ruleSet]);
    expect(summary).toMatchObject({ accepted: 2 });
  });

  test('marks no partition as idle while signals cannot be sent', async () => {
    const sent = Promise.withResolvers<void>();
    const { told } = await run({
      async *items(time) {
        yield { kind: 'assignment', partitions: [known(0, 5), known(1, 9)] };
        time.elapsedMs += 100;
        yield batch(0, 6, event(1));
        setTimeout(() => {
          time.elapsedMs += 120_000;
          sent.resolve();
        });
        yield batch(0, 7, event(2));
        time.elapsedMs += 100;
        yield batch(0, 8, event(3));
        time.elapsedMs += 100;
        yield batch(0, 9, event(4));
      },
      send: () => sent.promise,
    });
    expect(told.get(0)!.length).toBeGreaterThan(1);
    expect(told.get(0)!.filter((stretch) => stretch.endsWith('idle'))).toEqual([]);
  });

  test('marks a silent partition as idle, also for shards that begin later', async () => {
    const { told } = await run({
      async *items(time) {
        yield { kind: 'assignment', partitions: [known(0, 5), known(1, 9)] };
        time.elapsedMs += 100;
        yield batch(0, 6, event(1));
        for (let offset = 7; offset <= 67; offset += 1) {
          time.elapsedMs += 1000;
          yield batch(0, offset, event(offset));
        }
      },
    });
    const idle = told.get(0)!.filter((stretch) => stretch === '1:9-9 idle');
    expect(idle.length).toBeGreaterThan(1);
    expect(told.get(0)!.filter((stretch) => stretch.startsWith('0:') && stretch.endsWith('idle'))).toEqual(
      [],
    );
  });
});
