/** A log that is read again, in another order or by other rules: the same alerts, under the ids they had. */

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Alert } from '../../src/alert/alert.ts';
import type { Pipeline, PipelineOptions } from '../../src/pipeline/pipeline.ts';
import { SnapshotFile } from '../../src/pipeline/snapshot-file.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { AlertSink } from '../../src/sink/sink.ts';
import type { AssignedPartition, EventBatch } from '../../src/source/source.ts';
import { ALL_RULES, event } from './cli/fixtures.ts';
import { mappingOf } from './event/mapping/support.ts';
import { batch, type Item, scripted, T0 } from './scripted-pipeline.ts';

const stop = new AbortController().signal;
const read = (second: number) => event(second, 'record-view', { service: { name: 'kairos' } });

/** Keeps the newest state of each alert, as the table does. */
function table() {
  const rows = new Map<string, Alert>();
  let writes = 0;
  const sink: AlertSink = {
    open: async () => {},
    stored: async (ids) => new Map(ids.flatMap((id) => (rows.has(id) ? [[id, rows.get(id)!]] : []))),
    alertsSince: async (since) =>
      [...rows.values()].filter(({ rule, lastEventAt }) => lastEventAt >= (since.get(rule) ?? Infinity)),
    writeAlerts: async (alerts) => {
      writes += 1;
      for (const alert of alerts) {
        if (alert.version >= (rows.get(alert.alertId)?.version ?? 0)) rows.set(alert.alertId, alert);
      }
    },
    writeEvents: async () => {},
    close: async () => {},
  };
  return { rows, sink, writes: () => writes };
}

const anew = (partition: number): AssignedPartition => ({
  partition,
  committedOffset: undefined,
  metadata: undefined,
});
const committed = (partition: number, committedOffset: number): AssignedPartition => ({
  partition,
  committedOffset,
  metadata: { newestEventTime: T0 + 4000, oldestOpen: T0 + 2000 },
  endOffset: committedOffset,
});

/** Two partitions of one account: 0, 2, 4 and 1, 3 seconds. Three reads in ten seconds are an alert. */
async function live(sink: AlertSink): Promise<void> {
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [anew(0), anew(1)] };
      yield batch(0, 1, read(0));
      yield batch(1, 1, read(1));
      yield batch(0, 2, read(2));
      yield batch(1, 2, read(3));
      yield batch(0, 3, read(4));
    },
    options: { sink },
  });
  await pipeline.run(stop);
}

test('an alert keeps its id though its episode opens at another event', async () => {
  const { rows, sink, writes } = table();
  await live(sink);
  expect([...rows.values()]).toMatchObject([{ status: 'firing', crossedAt: T0 + 2000, events: 5 }]);
  const before = writes();
  const { pipeline, commits } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, 3), committed(1, 2)] };
      yield batch(0, 3, read(0), read(2), read(4));
      // An alert of three seconds to four: half of it is still to be read.
      expect([writes(), commits]).toEqual([before, []]);
      yield batch(1, 2, read(1), read(3));
      yield batch(1, 3, read(5));
    },
    rewinds: true,
    options: { sink },
  });
  await pipeline.run(stop);
  expect([...rows.values()]).toMatchObject([{ status: 'firing', crossedAt: T0 + 2000, events: 6 }]);
  expect(commits.at(-1)).toMatchObject({ partition: 1, nextOffset: 3 });
});

test('events accepted before are accepted again by a clock that is behind, and windows are whole', async () => {
  const { rows, sink } = table();
  await live(sink);
  let now = T0 - 7_200_000;
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, 3), committed(1, 2)] };
      yield batch(0, 3, read(0), read(2), read(4));
      yield batch(1, 2, read(1), read(3));
      now = T0 + 3_600_000;
      yield batch(1, 3, read(5));
    },
    rewinds: true,
    options: { sink, clock: { now: () => now, elapsed: () => 0 } },
  });
  await pipeline.run(stop);
  expect([...rows.values()]).toMatchObject([{ status: 'firing', crossedAt: T0 + 2000, events: 6 }]);
});

test('episodes that raise no alert are not kept while alerts wait for the rest of their events', async () => {
  const text = ALL_RULES.replaceAll(/level: \w+/g, 'level: informational');
  let kept = -1;
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, 3), committed(1, 2)] };
      yield batch(0, 3, read(0), read(2), read(4));
      expect(pipeline.engine.tracker.open.size).toBe(1);
      kept = pipeline.engine.tracker.changed.size;
      yield batch(1, 2, read(1), read(3));
    },
    rewinds: true,
    options: { sink: table().sink, ruleSet: parseRules([{ file: 'rules.yml', text }]) },
  });
  await pipeline.run(stop);
  expect(kept).toBe(0);
});

test('two stored alerts that turn out to be one episode are merged', async () => {
  const { rows, sink } = table();
  await live(sink);
  const [whole] = [...rows.values()];
  rows.clear();
  // As a rule left them that had seen only parts of the log.
  const part = { ...whole!, events: 3, version: 24, lastEventAt: T0 + 2000 };
  const [over, going] = [
    { ...part, alertId: 'over', status: 'resolved', version: 25 },
    { ...part, alertId: 'going', crossedAt: T0 + 3000, lastEventAt: T0 + 4000 },
  ] as const;
  for (const alert of [over, going]) rows.set(alert.alertId, alert);
  const told: unknown[] = [];
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, 3), committed(1, 2)] };
      yield batch(0, 3, read(0), read(2), read(4));
      yield batch(1, 2, read(1), read(3));
      yield batch(1, 3, read(5));
    },
    rewinds: true,
    options: { sink },
    observer: {
      alerts: (written) => told.push(...written.map(({ alert: { alertId, status } }) => [alertId, status])),
    },
  });
  await pipeline.run(stop);
  expect([...rows.values()]).toMatchObject([
    { alertId: 'over', status: 'firing', crossedAt: T0 + 2000, events: 6 },
    { alertId: 'going', status: 'merged', mergedInto: 'over' },
  ]);
  expect(told).toContainEqual(['going', 'merged']);
});

test('an alert that merges now, though it had grown further in another order before, does not stay open', async () => {
  const { rows, sink } = table();
  const inTurn = async (): Promise<void> => {
    const { pipeline } = scripted({
      async *items() {
        yield { kind: 'assignment', partitions: [anew(0), anew(1)] };
        yield batch(0, 3, ...[100, 101, 102].map(read));
        yield batch(1, 3, ...[60, 61, 62].map(read));
        yield batch(1, 12, ...[66, 70, 74, 78, 82, 86, 90, 94, 98].map(read));
      },
      options: { sink, latenessMs: 120_000 },
    });
    await pipeline.run(stop);
  };
  await inTurn();
  const merged = [...rows.values()].find(({ status }) => status === 'merged')!;
  rows.clear();
  // As a process left it that was killed, and for which it was the first of the two and had all the events but the last.
  rows.set(merged.alertId, { ...merged, status: 'firing', mergedInto: '', events: 11, version: 88 });
  await inTurn();
  expect(rows.get(merged.alertId)).toMatchObject({ status: 'merged' });
  expect([...rows.values()].filter(({ status }) => status === 'firing')).toHaveLength(1);
});

test('committed messages that no longer exist do not hold back alerts for ever', async () => {
  const { rows, sink } = table();
  const { pipeline } = scripted({
    async *items(time) {
      yield { kind: 'assignment', partitions: [committed(0, 3), committed(1, 2)] };
      yield batch(0, 3, read(0), read(2), read(4));
      yield { kind: 'idle' };
      expect(rows.size).toBe(0);
      time.elapsedMs += 30_000;
      yield { kind: 'idle' };
    },
    rewinds: true,
    options: { sink },
  });
  await pipeline.run(stop);
  expect([...rows.values()]).toMatchObject([{ status: 'firing', events: 3 }]);
});

test('rules that change right after everything was read again leave alerts their ids', async () => {
  const { rows, sink } = table();
  await live(sink);
  const written = Promise.withResolvers<void>();
  const retitled = ALL_RULES.replaceAll(/^title: /gm, 'title: Other ');
  const { pipeline } = scripted({
    async *items(time) {
      yield { kind: 'assignment', partitions: [committed(0, 3), committed(1, 2)] };
      yield batch(0, 3, read(0), read(2), read(4));
      time.elapsedMs += 1000;
      // Was not committed: it is written, which takes until the other partition has been read again, too.
      yield batch(0, 4, read(6));
      pipeline.replaceRules(parseRules([{ file: 'rules.yml', text: retitled }]));
      setTimeout(written.resolve);
      yield batch(1, 2, read(1), read(3));
      yield batch(1, 3, read(5));
    },
    rewinds: true,
    options: {
      sink: { ...sink, writeEvents: () => written.promise },
      archive: true,
      flushIntervalMs: 1000,
    },
  });
  await pipeline.run(stop);
  expect([...rows.values()]).toMatchObject([
    { title: 'Other Three reads in ten seconds', status: 'firing', crossedAt: T0 + 2000, events: 7 },
  ]);
});

test('a committed range that ends without an event is finished, so that waiting rules come into force', async () => {
  let readTo = 0;
  const told: string[] = [];
  const { pipeline, source } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, 5)] };
      yield { kind: 'idle' };
      expect(told).toEqual(['started']);
      yield batch(0, 3, read(0), read(2), read(4));
      yield { kind: 'idle' };
      expect(told).toEqual(['started']);
      // The marks of transactions, or what was aborted: the source passes over them.
      readTo = 5;
      pipeline.replaceRules(parseRules([{ file: 'rules.yml', text: ALL_RULES }]));
      yield { kind: 'idle' };
    },
    rewinds: true,
    observer: { restore: (state) => told.push(state), rules: () => told.push('rules') },
  });
  source.caughtUp = () => readTo === 5;
  await pipeline.run(stop);
  expect(told).toEqual(['started', 'finished', 'rules']);
});

test.each([
  ['only the first event', committed(0, 1)],
  ['nothing', anew(0)],
])('a stored alert keeps its id if %s was committed before the kill', async (_, first) => {
  const { rows, sink } = table();
  await live(sink);
  const [id] = rows.keys();
  const { pipeline } = scripted({
    async *items() {
      const partitions = [
        { ...first, endOffset: 3 },
        { ...anew(1), endOffset: 2 },
      ];
      yield { kind: 'assignment', partitions };
      yield batch(0, 1, read(0));
      yield { kind: 'idle' };
      yield batch(1, 2, read(1), read(3));
      yield batch(0, 3, read(2), read(4));
    },
    rewinds: true,
    options: { sink },
  });
  await pipeline.run(stop);
  expect([...rows.values()]).toMatchObject([{ alertId: id, crossedAt: T0 + 2000, events: 5 }]);
});

test('a stored alert keeps its id if nothing is read again because state was saved at the last commit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-again-'));
  const { rows, sink } = table();
  const life = async (partitions: AssignedPartition[], ...batches: EventBatch[]) => {
    const file = new SnapshotFile(join(folder, 'state'));
    const { pipeline, source } = scripted({
      async *items() {
        yield { kind: 'assignment', partitions: partitions.map((each) => ({ ...each, endOffset: 2 })) };
        yield* batches;
      },
      options: { sink, snapshots: { file, intervalMs: 60_000, group: 'vigie' } },
    });
    source.resume = async () => true;
    await pipeline.run(stop);
  };
  const [before, kept] = [join(folder, 'state'), join(folder, 'kept')];
  await life([anew(0), anew(1)], batch(0, 1, read(0)), batch(1, 1, read(1)));
  copyFileSync(before, kept);
  await life([committed(0, 1), committed(1, 1)], batch(0, 2, read(2)));
  const [id] = rows.keys();
  // It was killed with rows written, and nothing committed or saved.
  copyFileSync(kept, before);
  await life([committed(0, 1), committed(1, 1)], batch(1, 2, read(3)), batch(0, 2, read(2)));
  expect([...rows.values()]).toMatchObject([{ alertId: id, crossedAt: T0 + 2000, events: 4 }]);
  rmSync(folder, { recursive: true });
});

/** So many reads by an account in an hour. */
const counting = (least: number) =>
  parseRules([
    {
      file: 'rules.yml',
      text: ALL_RULES.replace('gte: 3', `gte: ${least}`).replace('timespan: 10s', 'timespan: 1h'),
    },
  ]);
const reads = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => read(60 * (from + i)));

/** What is committed after a life, as the next one is told. */
async function left(
  script: (pipeline: () => Pipeline) => AsyncGenerator<Item>,
  options: Partial<PipelineOptions>,
): Promise<AssignedPartition> {
  const made: { pipeline?: Pipeline } = {};
  const { pipeline, commits } = scripted({
    items: () => script(() => made.pipeline!),
    rewinds: true,
    options: { maxFutureMs: 10 * 86_400_000, ...options },
  });
  made.pipeline = pipeline;
  await pipeline.run(stop);
  const { nextOffset: committedOffset, metadata } = commits.at(-1)!;
  return { partition: 0, committedOffset, metadata, endOffset: committedOffset };
}

test('a rule with a lower threshold since a restart reports what had crossed before and goes on', async () => {
  const { rows, sink } = table();
  const before = await left(
    async function* () {
      yield { kind: 'assignment', partitions: [anew(0)] };
      yield batch(0, 10, ...reads(0, 10));
    },
    { sink, ruleSet: counting(1000) },
  );
  const after = await left(
    async function* () {
      yield { kind: 'assignment', partitions: [before] };
      yield batch(0, 10, ...reads(0, 10));
      expect(rows.size).toBe(0);
      yield batch(0, 20, ...reads(10, 20));
    },
    { sink, ruleSet: counting(5) },
  );
  const told = [...rows.values()];
  expect(told).toMatchObject([{ status: 'firing', crossedAt: T0 + 240_000, events: 20 }]);
  await left(
    async function* () {
      yield { kind: 'assignment', partitions: [after] };
      yield batch(0, 20, ...reads(0, 20));
      yield batch(0, 21, ...reads(20, 21));
    },
    { sink, ruleSet: counting(5) },
  );
  expect([...rows.values()]).toMatchObject([{ alertId: told[0]!.alertId, status: 'firing', events: 21 }]);
});

test('an alert of a rule that began empty goes on when a restart makes its windows whole', async () => {
  const { rows, sink } = table();
  const before = await left(
    async function* (pipeline) {
      yield { kind: 'assignment', partitions: [anew(0)] };
      yield batch(0, 3, ...reads(0, 3));
      pipeline().replaceRules(counting(3));
      yield { kind: 'idle' };
      yield batch(0, 6, ...reads(3, 6));
    },
    { sink, ruleSet: counting(1000) },
  );
  expect([...rows.values()]).toMatchObject([{ status: 'firing', crossedAt: T0 + 300_000, events: 3 }]);
  await left(
    async function* () {
      yield { kind: 'assignment', partitions: [before] };
      yield batch(0, 6, ...reads(0, 6));
      yield batch(0, 7, ...reads(6, 7));
      yield batch(0, 8, event(86_400, 'login'));
      yield { kind: 'idle' };
    },
    { sink, ruleSet: counting(3) },
  );
  expect([...rows.values()]).toMatchObject([{ status: 'resolved', crossedAt: T0 + 120_000, events: 7 }]);
});

const garbled = (second: number) =>
  Buffer.from(`{"t":${T0 + 1000 * second},"k":"read","agent":"\xff"}`, 'latin1');

test('of a batch that spans the committed offset only the new part is counted, late events and replaced bytes too', async () => {
  let replaced = 0;
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, 2)] };
      yield batch(0, 4, garbled(100), garbled(1), garbled(2), garbled(101));
    },
    rewinds: true,
    options: {
      mapping: mappingOf(
        'input: json\ntime: {field: t, format: epoch_ms}\ncases: [{name: read, when: {k: read}, set: {event.action: record-view}}]',
      ),
    },
    observer: { batch: (counts) => (replaced += counts.replaced) },
  });
  expect(await pipeline.run(stop)).toMatchObject({ events: 2, accepted: 2, late: 1, replaced: 2 });
  expect(replaced).toBe(2);
});
