/**
 * What a sink with a spool does, told by what reaches the one behind it. That is made up here, because it has to
 * fail at chosen moments; with the real ClickHouse: tests/integration/sink-spool.test.ts.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Alert } from '../../../src/alert/alert.ts';
import { systemClock } from '../../../src/clock.ts';
import { VigieError } from '../../../src/errors.ts';
import { ApartSink } from '../../../src/sink/apart-sink.ts';
import { RefusedRows } from '../../../src/sink/refused-rows.ts';
import type { AlertSink, ArchivedEvent, StoredAlerts } from '../../../src/sink/sink.ts';
import { DiskSpool, MIN_SPOOL_BYTES } from '../../../src/sink/spool/disk-spool.ts';
import { writeAt } from '../../../src/sink/spool/segment.ts';
import type { WriteAt } from '../../../src/sink/spool/segment.ts';
import { SpoolingSink } from '../../../src/sink/spooling-sink.ts';
import type { SpoolingSinkHooks } from '../../../src/sink/spooling-sink.ts';
import { alertFixture } from '../../support/alert-fixture.ts';
import { event } from '../cli/fixtures.ts';
import { batch, scripted } from '../scripted-pipeline.ts';

// Much of it waits for the disk, which others use too.
vi.setConfig({ testTimeout: 120_000 });

const RAW_ID = 'NIR-1850675123456';
const never = new AbortController().signal;

/** Takes rows, or throws what it is told to. */
class Behind implements AlertSink {
  fault: VigieError | undefined;
  /** While it is there, nothing is answered until the wait is given up. */
  silence: PromiseWithResolvers<void> | undefined;
  opened = 0;
  /** How long writing events took last, in turns of the event loop. */
  turns = 0;
  refuses: (eventId: string) => boolean = () => false;
  readonly sent: string[] = [];
  readonly alerts: Alert[] = [];
  /** What it says is stored, whoever wrote it. */
  readonly known = new Map<string, Pick<Alert, 'detectedAt' | 'version'>>();

  async open(signal?: AbortSignal): Promise<void> {
    await this.#speak(signal);
    this.#answer();
    this.opened += 1;
  }

  async stored(): Promise<StoredAlerts> {
    this.#answer();
    return this.known;
  }

  async writeAlerts(alerts: readonly Alert[]): Promise<void> {
    this.#answer();
    this.alerts.push(...alerts);
    for (const { alertId, version } of alerts) this.sent.push(`alert ${alertId} ${version}`);
  }

  async writeEvents(events: readonly ArchivedEvent[], signal?: AbortSignal): Promise<void> {
    await this.#speak(signal);
    // Now long, now short.
    this.turns = (this.turns * 7 + 3) % 11;
    for (let turns = this.turns; turns > 0; turns--) await setImmediate();
    this.#answer();
    if (events.some(({ eventId }) => this.refuses(eventId))) throw rowRefused;
    for (const { eventId } of events) this.sent.push(`event ${eventId}`);
  }

  async close(): Promise<void> {}

  async #speak(signal: AbortSignal | undefined): Promise<void> {
    if (this.silence === undefined) return;
    const givenUp = new Promise<never>((_, fail) => {
      signal?.addEventListener('abort', () => fail(new VigieError('SINK_ABORTED', 'given up')));
    });
    await Promise.race([this.silence.promise, givenUp]);
  }

  #answer(): void {
    if (this.fault !== undefined) throw this.fault;
  }
}

const away = new VigieError('CLICKHOUSE_UNREACHABLE', 'nobody there', { retryable: true });
const forbidden = new VigieError('CLICKHOUSE_FORBIDDEN', 'no right to write', { remedy: 'Grant it.' });
const rowRefused = new VigieError('CLICKHOUSE_ROW_REFUSED', 'it violates a constraint');
const archived = (eventId: string, text = ''): ArchivedEvent => ({ eventId, time: 1, fields: { text } });

let folder: string;
let behind: Behind;
let sink: SpoolingSink;
let spool: DiskSpool;
/** Rows that were set aside. */
let aside: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-spool-'));
  behind = new Behind();
  aside = [];
  await start();
});
afterEach(async () => {
  await sink.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(hooks: SpoolingSinkHooks = {}, write?: WriteAt, patienceMs?: number): Promise<void> {
  spool = await DiskSpool.open({ folder, maxBytes: MIN_SPOOL_BYTES, write });
  const refused = new RefusedRows(join(folder, 'refused'));
  sink = new SpoolingSink({
    sink: new ApartSink(behind, refused, (_error, table, path) => aside.push(`${table} ${path}`)),
    spool,
    clock: systemClock,
    hooks,
    ...(patienceMs === undefined ? {} : { patienceMs }),
    sleep: async (_ms, signal) => {
      await setImmediate();
      signal?.throwIfAborted();
    },
  });
}

async function restart(hooks: SpoolingSinkHooks, write?: WriteAt, patienceMs?: number): Promise<void> {
  await sink.close();
  await start(hooks, write, patienceMs);
}

test('while nothing waits, rows go straight to the table and the disk is not touched', async () => {
  await sink.open();
  await sink.writeAlerts([alertFixture({ alertId: 'a', version: 1 })]);
  await sink.writeEvents([archived('e')]);
  expect(behind.sent).toEqual(['alert a 1', 'event e']);
  expect(spool.bytes).toBe(0);
});

test('nobody waits for a silent server longer than the patience, at the start or later', async () => {
  const states: string[] = [];
  await restart({ onState: (state) => states.push(state) }, undefined, 20);
  behind.silence = Promise.withResolvers();
  await sink.open();
  await sink.writeEvents([archived('first')]);
  expect([states, behind.opened, behind.sent]).toEqual([['away'], 0, []]);
  behind.silence.resolve();
  behind.silence = undefined;
  await sink.drained(never);
  expect([states, behind.opened]).toEqual([['away', 'sending', 'direct'], 1]);
  behind.silence = Promise.withResolvers();
  await sink.writeEvents([archived('second')]);
  expect(states.at(-1)).toBe('away');
  behind.silence.resolve();
  behind.silence = undefined;
  await sink.drained(never);
  // Whoever was away may have come back without tables.
  expect([behind.opened, behind.sent]).toEqual([2, ['event first', 'event second']]);
});

test('a start that waits for a server ends when it is stopped, and when the sink is closed', async () => {
  await restart({}, undefined, 600_000);
  behind.silence = Promise.withResolvers();
  const stop = new AbortController();
  const opening = sink.open(stop.signal);
  stop.abort();
  await expect(opening).rejects.toMatchObject({ code: 'SINK_ABORTED' });
  const closed = sink.open();
  await restart({});
  await closed;
});

test('alerts that waited are sent before events that waited longer, each alert in its last state', async () => {
  await sink.open();
  behind.fault = away;
  await sink.writeEvents([archived('e1')]);
  await sink.writeAlerts([alertFixture({ alertId: 'a', version: 1 })]);
  await sink.writeAlerts([alertFixture({ alertId: 'a', version: 2 }), alertFixture({ alertId: 'b' })]);
  await sink.writeEvents([archived('e2')]);
  behind.fault = undefined;
  await sink.drained(never);
  expect(behind.sent).toEqual(['alert a 2', 'alert b 1', 'event e1', 'event e2']);
});

test('an alert that waited in several states is sent in the last of them, detected when it was first', async () => {
  await sink.open();
  behind.fault = away;
  await sink.writeAlerts([alertFixture({ alertId: 'a', version: 16, detectedAt: 200 })]);
  await sink.writeAlerts([alertFixture({ alertId: 'a', version: 8, detectedAt: 100 })]);
  behind.fault = undefined;
  await sink.drained(never);
  expect(behind.alerts).toMatchObject([{ version: 16, detectedAt: 100 }]);
});

test('an alert that waited follows what others stored of it meanwhile', async () => {
  await sink.open();
  behind.fault = away;
  await sink.writeAlerts([alertFixture({ alertId: 'a', version: 41, status: 'resolved', detectedAt: 200 })]);
  behind.known.set('a', { version: 56, detectedAt: 100 });
  behind.fault = undefined;
  await sink.drained(never);
  expect(behind.alerts).toMatchObject([{ version: 57, status: 'resolved', detectedAt: 100 }]);
});

test('whenever the table comes and goes, its rows arrive in the order of their writes, and none is lost', async () => {
  await sink.open();
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('write' as const) },
    { weight: 4, arbitrary: fc.constantFrom('fails' as const, 'works' as const) },
    { weight: 3, arbitrary: fc.record({ turns: fc.integer({ min: 1, max: 30 }) }) },
  );
  let n = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80 }), async (steps) => {
      behind.sent.length = 0;
      const written: string[] = [];
      for (const it of steps) {
        if (it === 'fails') behind.fault = away;
        else if (it === 'works') behind.fault = undefined;
        else if (it === 'write') {
          await sink.writeEvents([archived(String((n += 1)))]);
          written.push(`event ${n}`);
        } else for (let turns = it.turns; turns > 0; turns--) await setImmediate();
      }
      behind.fault = undefined;
      await sink.drained(never);
      expect(behind.sent).toEqual(written);
      expect(spool.isEmpty).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('a row that goes straight to the table does not overtake one that is still being spooled', async () => {
  const gate = Promise.withResolvers<void>();
  const states: string[] = [];
  await restart({ onState: (state) => states.push(state) }, async (...write) => {
    await gate.promise;
    await writeAt(...write);
  });
  await sink.open();
  behind.fault = away;
  const first = sink.writeEvents([archived('first')]);
  await expect.poll(() => states).toContain('away');
  behind.fault = undefined;
  await expect.poll(() => states).toContain('sending');
  gate.resolve();
  await first;
  await sink.writeEvents([archived('second')]);
  await sink.drained(never);
  expect(behind.sent).toEqual(['event first', 'event second']);
  expect(spool.isEmpty).toBe(true);
});

test('what somebody must repair ends the start, and later makes rows wait until it is repaired', async () => {
  behind.fault = forbidden;
  await expect(sink.open()).rejects.toMatchObject({ code: 'CLICKHOUSE_FORBIDDEN' });
  behind.fault = undefined;
  const refusals: string[] = [];
  await restart({ onRefused: ({ code }) => refusals.push(code) });
  await sink.open();
  behind.fault = forbidden;
  await sink.writeAlerts([alertFixture({ alertId: 'a' })]);
  await expect.poll(() => refusals.length).toBeGreaterThan(1);
  expect(new Set(refusals)).toEqual(new Set(['CLICKHOUSE_FORBIDDEN']));
  behind.fault = undefined;
  await sink.drained(never);
  expect(behind.sent).toEqual(['alert a 1']);
});

test('a row that is refused for what it holds is set aside, and the others do not wait for it', async () => {
  await sink.open();
  behind.refuses = (eventId) => eventId === 'e7' || eventId === 'e20';
  const ids = Array.from({ length: 30 }, (_, i) => `e${i}`);
  await sink.writeEvents(ids.map((id) => archived(id, 'why not')));
  await sink.drained(never);
  const sent = ids.filter((id) => !behind.refuses(id)).map((id) => `event ${id}`);
  expect(behind.sent.toSorted()).toEqual(sent.toSorted());
  const path = join(folder, 'refused', 'access_events.ndjson');
  expect(aside).toEqual([`access_events ${path}`, `access_events ${path}`]);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    ['e7', 'e20'].map((id) => ({ event_id: id, time: 1, other: { text: ['why not'] } })),
  );
  expect(spool.isEmpty).toBe(true);
});

test('if hundreds of rows are refused they wait until the table is repaired', async () => {
  let refusals = 0;
  await restart({
    onRefused: () => {
      refusals += 1;
      // Repaired.
      if (refusals === 2) behind.refuses = () => false;
    },
  });
  await sink.open();
  behind.refuses = () => true;
  const ids = Array.from({ length: 300 }, (_, i) => `e${i}`);
  await sink.writeEvents(ids.map((id) => archived(id)));
  await sink.drained(never);
  expect(refusals).toBe(2);
  expect(existsSync(join(folder, 'refused'))).toBe(false);
  expect(behind.sent).toEqual(ids.map((id) => `event ${id}`));
});

test('a full spool holds the writer back, says so, and nothing is lost when there is room again', async () => {
  const codes: string[] = [];
  let recovered = 0;
  await restart({
    onSpoolRetry: ({ code }) => codes.push(code),
    onSpoolRecovered: () => (recovered += 1),
  });
  await sink.open();
  behind.fault = away;
  const written: string[] = [];
  let waiting: Promise<void> | undefined;
  for (let i = 0; codes.length === 0; i++) {
    written.push(`event ${i}`);
    waiting = sink.writeEvents([archived(String(i), randomBytes(2_500_000).toString('base64'))]);
    await Promise.race([waiting, expect.poll(() => codes.length, { timeout: 60_000 }).toBeGreaterThan(0)]);
  }
  expect(new Set(codes)).toEqual(new Set(['SPOOL_FULL']));
  expect(spool.bytes).toBeLessThanOrEqual(MIN_SPOOL_BYTES);
  behind.fault = undefined;
  await waiting;
  await sink.drained(never);
  expect(behind.sent).toEqual(written);
  expect(recovered).toBe(1);
});

test('a writer that waits for room can be stopped; nothing was acknowledged', async () => {
  await sink.open();
  behind.fault = away;
  const stop = new AbortController();
  const rows = Array.from({ length: 8 }, (_, i) =>
    archived(String(i), randomBytes(2_500_000).toString('base64')),
  );
  const writing = sink.writeEvents(rows, stop.signal);
  await expect.poll(() => spool.bytes, { timeout: 60_000 }).toBeGreaterThan(MIN_SPOOL_BYTES * 0.6);
  stop.abort();
  await expect(writing).rejects.toMatchObject({ code: 'SINK_ABORTED' });
});

test('closing waits for rows that are on their way to the disk, and the next start finds them there', async () => {
  const gate = Promise.withResolvers<void>();
  let begun = false;
  await restart({}, async (...write) => {
    begun = true;
    await gate.promise;
    await writeAt(...write);
  });
  await sink.open();
  behind.silence = Promise.withResolvers();
  const text = randomBytes(2_500_000).toString('base64');
  const writing = sink.writeEvents(['a', 'b', 'c'].map((eventId) => archived(eventId, text)));
  let written = false;
  void writing.then(() => (written = true));
  const closing = sink.close();
  await expect.poll(() => begun).toBe(true);
  gate.resolve();
  await closing;
  expect(written).toBe(true);
  behind.silence = undefined;
  await start();
  await sink.open();
  await sink.drained(never);
  expect(behind.sent).toEqual(['event a', 'event b', 'event c']);
});

test('closing ends the wait of a writer for room; nothing was acknowledged', async () => {
  const codes: string[] = [];
  await restart({ onSpoolRetry: ({ code }) => codes.push(code) });
  await sink.open();
  behind.fault = away;
  const rows = Array.from({ length: 8 }, (_, i) =>
    archived(String(i), randomBytes(2_500_000).toString('base64')),
  );
  const refused = expect(sink.writeEvents(rows)).rejects.toMatchObject({ code: 'SPOOL_FULL' });
  await expect.poll(() => codes, { timeout: 60_000 }).toContain('SPOOL_FULL');
  await sink.close();
  await refused;
  await start();
});

test('of persons, the spool holds pseudonyms only', async () => {
  await sink.open();
  behind.fault = away;
  const read = (second: number) =>
    event(second, 'record-view', {
      service: { name: 's' },
      portal: { records: { ids: [RAW_ID], count: 1 } },
    });
  const { pipeline } = scripted({
    async *items() {
      yield {
        kind: 'assignment',
        partitions: [{ partition: 0, committedOffset: undefined, metadata: undefined }],
      };
      yield batch(0, 3, read(0), read(1), read(2));
    },
    options: { sink, archive: true, personFields: ['portal.records.ids'] },
  });
  await pipeline.run(never);
  const text = JSON.stringify([(await spool.alerts.first())?.rows, (await spool.events.first())?.rows]);
  expect(text).toContain('record-view');
  expect(text).toContain('Three reads in ten seconds');
  expect(text).toMatch(/"portal.records.ids":\["[0-9a-f]{16}"\]/);
  expect(text).not.toContain(RAW_ID);
});
