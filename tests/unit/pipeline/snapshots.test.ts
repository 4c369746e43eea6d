/** A pipeline that goes on from saved state, and all for which it reads the log again instead. */

import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import type { Pipeline, PipelineOptions } from '../../../src/pipeline/pipeline.ts';
import type { SnapshotEvent } from '../../../src/pipeline/pipeline-observer.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { SavingPace } from '../../../src/pipeline/saving-pace.ts';
import { type SnapshotOptions, STATE_CODES } from '../../../src/pipeline/snapshots.ts';
import { SnapshotFile } from '../../../src/pipeline/snapshot-file.ts';
import { UnfinishedSnapshot } from '../../../src/pipeline/unfinished-snapshot.ts';
import type { AssignedPartition, ReadPosition } from '../../../src/source/source.ts';
import { ALL_RULES, event } from '../cli/fixtures.ts';
import { batch, type Item, scripted, T0 } from '../scripted-pipeline.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-state-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const stop = new AbortController().signal;
const read = (second: number): string =>
  event(second, 'record-view', { 'service.name': 'folder', 'event.id': `read-${second}` });

interface Run {
  readonly partitions: readonly AssignedPartition[];
  readonly batches?: readonly Parameters<typeof batch>[];
  readonly options?: Partial<PipelineOptions>;
  /** Whether the source still holds what came after the saved state. Default yes. */
  readonly holds?: boolean;
  readonly commit?: () => Promise<void>;
  /** The engine is loaded, and nothing else was waited for since the file was read. */
  readonly onLoaded?: () => void;
}

/** Runs a pipeline to the end of its script; three reads in ten seconds are an alert. */
async function run({ partitions, batches = [], options, holds = true, commit, onLoaded }: Run) {
  const told: SnapshotEvent[] = [];
  const resumed: ReadPosition[] = [];
  const alerts: { readonly rule: string; readonly events: number }[] = [];
  const restored: number[] = [];
  let rewinds = 0;
  const { pipeline, source } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions };
      for (const args of batches) yield batch(...args);
    },
    observer: {
      snapshot: (told_) => told.push(told_),
      alerts: (written) => alerts.push(...written.map(({ alert }) => alert)),
      batch: (counts) => restored.push(counts.restored),
    },
    options: {
      snapshots: { file: new SnapshotFile(join(folder, 'state')), intervalMs: 60_000, group: 'vigie' },
      ...options,
    },
  });
  source.resume = async (positions) => {
    onLoaded?.();
    if (holds) resumed.push(...positions);
    return holds;
  };
  source.rewind = async () => {
    rewinds += 1;
    return true;
  };
  if (commit !== undefined) source.commit = commit;
  await pipeline.run(stop);
  return { told, resumed, alerts, rewinds, restored: restored.reduce((sum, count) => sum + count, 0) };
}

function assigned(partition: number, committedOffset?: number): AssignedPartition {
  const metadata = committedOffset === undefined ? undefined : { newestEventTime: T0 };
  return { partition, committedOffset, metadata, endOffset: 10 };
}

/** Two reads, committed. */
const before: Run = { partitions: [assigned(0)], batches: [[0, 2, read(1), read(2)]] };
const state = (): string => join(folder, 'state');

test('goes on from what was saved: two reads before the restart and one after it are three', async () => {
  const first = await run(before);
  expect(first.told).toMatchObject([{ kind: 'saved', takenAtMs: T0 + 3_600_000 }]);
  const second = await run({ partitions: [assigned(0, 2)], batches: [[0, 3, read(3)]] });
  expect(second.told).toMatchObject([{ kind: 'loaded' }, { kind: 'saved' }]);
  expect(second).toMatchObject({ rewinds: 0, restored: 0, alerts: [{ events: 3 }] });
});

test('what was committed after it is read again, counted as restored, and saved once it is', async () => {
  await run(before);
  const second = await run({
    partitions: [assigned(0, 4)],
    batches: [
      [0, 3, read(3)],
      [0, 5, read(4), read(5)],
    ],
  });
  expect(second.resumed).toEqual([{ partition: 0, nextOffset: 2, landmark: undefined }]);
  expect(second).toMatchObject({ rewinds: 0, restored: 2 });
  expect(second.alerts.at(-1)).toMatchObject({ events: 5 });
  const third = await run({ partitions: [assigned(0, 5)] });
  expect(third.resumed).toMatchObject([{ nextOffset: 5 }]);
});

test('heartbeats get their turn while a large state is loaded', async () => {
  const users = Array.from({ length: 20_000 }, (_, i) =>
    event(1, 'record-view', { 'service.name': 'folder', 'event.id': `read-${i}`, 'user.id': `u${i}` }),
  );
  await run({ partitions: [assigned(0)], batches: [[0, users.length, ...users]] });
  let turns = 0;
  let loaded = 0;
  let next = global.setImmediate(function turn() {
    turns += 1;
    next = global.setImmediate(turn);
  });
  class Counting extends SnapshotFile {
    override async open() {
      const stored = await super.open();
      turns = 0;
      return stored;
    }
  }
  const { told } = await run({
    partitions: [assigned(0, users.length)],
    options: { snapshots: { file: new Counting(state()), intervalMs: 60_000, group: 'vigie' } },
    onLoaded: () => (loaded = turns),
  });
  clearImmediate(next);
  expect(told).toMatchObject([{ kind: 'loaded' }]);
  expect(loaded).toBeGreaterThanOrEqual(users.length / 1000);
});

test('events wait for saving whose disk is far behind', async () => {
  const gate = Promise.withResolvers<void>();
  // No real disk can be made to fall that far behind here.
  const relieve = vi.spyOn(UnfinishedSnapshot.prototype, 'relieve').mockReturnValue(gate.promise);
  const batches: number[] = [];
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [assigned(0)] };
      for (let offset = 1; offset <= 4; offset += 1) {
        batches.push(offset);
        yield batch(0, offset, read(offset));
      }
    },
    options: { snapshots: { file: new SnapshotFile(state()), intervalMs: 0, group: 'vigie' } },
  });
  const running = pipeline.run(stop);
  try {
    await expect.poll(() => relieve.mock.calls.length).toBe(1);
    await delay(50);
    expect(batches).toEqual([1, 2]);
  } finally {
    gate.resolve();
    relieve.mockRestore();
  }
  await running;
  expect(batches).toEqual([1, 2, 3, 4]);
});

const manyUsers = Array.from({ length: 5_000 }, (_, i) =>
  event(1, 'record-view', { 'service.name': 'folder', 'event.id': `read-of-${i}`, 'user.id': `other-${i}` }),
);

test('a process that ends waits until its state is saved, without the pauses for events', async () => {
  // Each look at the clock is a second later, so every step seems to have earned a pause of nine.
  let elapsedMs = 0;
  const clock = { now: () => T0 + 3_600_000, elapsed: () => (elapsedMs += 1_000) };
  const { told } = await run({
    partitions: [assigned(0)],
    batches: [[0, manyUsers.length, ...manyUsers]],
    options: { clock },
  });
  expect(told).toMatchObject([{ kind: 'saved' }]);
});

/** A pipeline that begins to save two reads and many users' one; `meanwhile` yields what comes before it is saved. */
function savingMany(
  meanwhile: (pipeline: Pipeline) => Generator<Item>,
  pacing: Pick<SnapshotOptions, 'pace'> = {},
) {
  const told: SnapshotEvent[] = [];
  const many = manyUsers.length + 2;
  const { pipeline } = scripted({
    async *items(time) {
      yield { kind: 'assignment', partitions: [assigned(0)] };
      time.elapsedMs = 60_000;
      yield batch(0, many, ...manyUsers, read(1), read(2));
      for (const item of meanwhile(pipeline)) {
        yield item;
        await setImmediate();
      }
    },
    observer: {
      snapshot(event_) {
        told.push(event_);
        if (told.length === 1) copyFileSync(state(), join(folder, 'first'));
      },
    },
    options: {
      snapshots: { file: new SnapshotFile(state()), intervalMs: 60_000, group: 'vigie', ...pacing },
    },
  });
  return { pipeline, told, many };
}

test('after each step of saving, events have the time that the pace gives them', async () => {
  let asked = 0;
  class Counting extends SavingPace {
    override after(stepMs: number): number {
      asked += 1;
      return super.after(stepMs);
    }
  }
  const pace = new Counting({ now: () => 0, elapsed: () => 0 });
  const { pipeline, told, many } = savingMany(
    function* () {
      for (let i = 1; told.length === 0; i += 1) yield batch(0, many + i, read(3 + (i % 7)));
    },
    { pace },
  );
  await pipeline.run(stop);
  expect(asked).toBeGreaterThanOrEqual(manyUsers.length / 1000);
});

test('a saving that is abandoned during a pause ends at once', async () => {
  const pace = new SavingPace({ now: () => 0, elapsed: () => 0 });
  // As if others had taken many steps: the next is due in minutes.
  for (let i = 0; i < 10_000; i += 1) pace.after(100);
  const { pipeline, told, many } = savingMany(
    function* (running) {
      yield batch(0, many + 1, read(3));
      running.replaceRules(parseRules([{ file: 'rules.yml', text: ALL_RULES.replace('gte: 3', 'gte: 4') }]));
      yield batch(0, many + 2, read(4));
    },
    { pace },
  );
  await pipeline.run(stop);
  expect(told).toMatchObject([{ kind: 'saved' }]);
});

test('events go on while state is saved, and the saved state is that of its offsets', async () => {
  let taken = 0;
  const { pipeline, told, many } = savingMany(function* () {
    for (; told.length === 0; taken += 1) yield batch(0, many + taken + 1, read(3 + (taken % 7)));
  });
  await pipeline.run(stop);
  expect(told).toMatchObject([{ kind: 'saved' }, { kind: 'saved' }]);
  expect(taken).toBeGreaterThan(3);
  renameSync(join(folder, 'first'), state());
  const { resumed, alerts } = await run({
    partitions: [assigned(0, many)],
    batches: [[0, many + 1, read(3)]],
  });
  expect(resumed).toMatchObject([{ nextOffset: many }]);
  expect(alerts).toMatchObject([{ events: 3 }]);
});

test('state that is being saved when rules change is given up, and that of the new rules is saved', async () => {
  const ruleSet = parseRules([{ file: 'rules.yml', text: ALL_RULES.replace('gte: 3', 'gte: 4') }]);
  const { pipeline, told, many } = savingMany(function* (running) {
    running.replaceRules(ruleSet);
    for (let i = 1; i < 20; i += 1) yield batch(0, many + i, read(3));
  });
  await pipeline.run(stop);
  expect(told).toMatchObject([{ kind: 'saved' }]);
  const { told: after } = await run({ partitions: [assigned(0, many + 19)], options: { ruleSet } });
  expect(after[0]).toMatchObject({ kind: 'loaded' });
  expect(readdirSync(folder).toSorted()).toEqual(['first', 'state']);
});

test('an alert that is open in saved state is written again', async () => {
  await run({ partitions: [assigned(0)], batches: [[0, 3, read(1), read(2), read(3)]] });
  const { alerts } = await run({ partitions: [assigned(0, 3)] });
  expect(alerts).toMatchObject([{ status: 'firing', events: 3 }]);
});

test('state that was not committed is not kept', async () => {
  const { told } = await run({
    ...before,
    commit: () => Promise.reject(new VigieError('KAFKA_GENERATION_LOST', 'rebalanced', { retryable: true })),
  });
  expect(told).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

describe('the log is read again', () => {
  /** The folder is another one in each test. */
  const stateFile = {
    open: () => new SnapshotFile(state()).open(),
    begin: () => new SnapshotFile(state()).begin(),
    get path() {
      return state();
    },
  } as SnapshotFile;
  const refusals: { readonly name: string; readonly code: string; readonly next: Partial<Run> }[] = [
    {
      name: 'other partitions',
      code: 'STATE_PARTITIONS',
      next: { partitions: [assigned(0, 2), assigned(1, 7)] },
    },
    {
      name: 'one partition in the place of another',
      code: 'STATE_PARTITIONS',
      next: { partitions: [assigned(1, 2)] },
    },
    {
      name: 'another group',
      code: 'STATE_SOURCE',
      next: {
        options: {
          snapshots: { file: stateFile, intervalMs: 60_000, group: 'other' },
        },
      },
    },
    { name: 'a group that stands before it', code: 'STATE_OFFSETS', next: { partitions: [assigned(0, 1)] } },
    { name: 'a group that stands nowhere', code: 'STATE_OFFSETS', next: { partitions: [assigned(0)] } },
    {
      name: 'a topic that is another one',
      code: 'STATE_OFFSETS',
      next: { partitions: [{ ...assigned(0, 2), gap: { cause: 'recreated', fromOffset: 2, toOffset: 0 } }] },
    },
    { name: 'a log that lost what came after it', code: 'STATE_OFFSETS', next: { holds: false } },
    {
      name: 'another key',
      code: 'STATE_KEY',
      next: { options: { pseudonymKey: new Uint8Array(16).fill(1) } },
    },
    { name: 'another lateness', code: 'STATE_SETTINGS', next: { options: { latenessMs: 1 } } },
    { name: 'other person fields', code: 'STATE_SETTINGS', next: { options: { personFields: ['x'] } } },
    {
      name: 'a rule that fires otherwise',
      code: 'STATE_RULES',
      next: {
        options: {
          ruleSet: parseRules([{ file: 'rules.yml', text: ALL_RULES.replace('gte: 3', 'gte: 4') }]),
        },
      },
    },
  ];

  test.each(refusals)('for $name', async ({ code, next }) => {
    await run(before);
    const { told, rewinds } = await run({ partitions: [assigned(0, 2)], ...next });
    expect(told[0]).toMatchObject({ kind: 'refused', code });
    const committed = (next.partitions ?? [assigned(0, 2)]).filter(
      (each) => each.committedOffset !== undefined,
    );
    expect(rewinds).toBe(committed.length);
  });

  test.each([
    ['fewer partitions', 'STATE_PARTITIONS', [assigned(0, 2)]],
    [
      'a partition that others read meanwhile, of which it had seen nothing',
      'STATE_OFFSETS',
      [assigned(0, 2), assigned(1, 5)],
    ],
  ])('for %s', async (_, code, partitions) => {
    await run({ ...before, partitions: [assigned(0), assigned(1)] });
    const { told } = await run({ partitions });
    expect(told[0]).toMatchObject({ kind: 'refused', code });
  });

  test('for a file that is torn or something else', async () => {
    await run(before);
    const whole = readFileSync(state());
    for (const [bytes, code] of [
      [whole.subarray(0, whole.length - 1), 'STATE_TORN'],
      [Buffer.alloc(0), 'STATE_TORN'],
      [Buffer.from('something else'), 'STATE_FOREIGN'],
    ] as const) {
      writeFileSync(state(), bytes);
      const { told } = await run({ partitions: [assigned(0, 2)] });
      expect(told).toMatchObject([{ kind: 'refused', code }]);
    }
  });

  test('for a file that cannot be read', async () => {
    const file = new SnapshotFile(folder);
    const { told } = await run({
      partitions: [assigned(0, 2)],
      options: { snapshots: { file, intervalMs: 1, group: 'g' } },
    });
    expect(told).toMatchObject([{ kind: 'refused', code: 'STATE_UNREADABLE' }]);
  });
});

test('every reason stands in docs/recovery.md', () => {
  const page = readFileSync(new URL('../../../docs/recovery.md', import.meta.url), 'utf8');
  expect(STATE_CODES.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});

test('state that cannot be written is reported, and the pipeline goes on', async () => {
  writeFileSync(join(folder, 'file'), '');
  const file = new SnapshotFile(join(folder, 'file', 'state'));
  const { told } = await run({ ...before, options: { snapshots: { file, intervalMs: 1, group: 'vigie' } } });
  expect(told).toMatchObject([{ kind: 'refused' }, { kind: 'failed', code: 'STATE_UNWRITABLE' }]);
});

test.runIf(existsSync('/dev/full'))(
  'state that finds its disk full names the file, which the system does not',
  async () => {
    symlinkSync('/dev/full', join(folder, '.state.unfinished'));
    const file = new SnapshotFile(state());
    const { told } = await run({
      ...before,
      options: { snapshots: { file, intervalMs: 1, group: 'vigie' } },
    });
    expect(told.at(-1)).toMatchObject({
      code: 'STATE_UNWRITABLE',
      reason: expect.stringMatching(`^${state()}: ENOSPC`),
    });
  },
);

test('a file that a dead writer left unfinished is not read, and the next saving removes it', async () => {
  await run(before);
  writeFileSync(join(folder, '.state.unfinished'), 'half');
  const { told } = await run({ partitions: [assigned(0, 2)], batches: [[0, 3, read(3)]] });
  expect(told).toMatchObject([{ kind: 'loaded' }, { kind: 'saved' }]);
  expect(readdirSync(folder)).toEqual(['state']);
});
