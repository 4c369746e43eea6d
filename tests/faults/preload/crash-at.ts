/**
 * Loaded before `vigie run` (NODE_OPTIONS=--import): kills the process at a named step of the protocol, the n-th
 * time that it gets there, FAULT_CRASH=STEP:N. It puts itself around the methods and file operations that the steps
 * consist of; the program itself knows nothing of it.
 */

import { writeSync } from 'node:fs';
import fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { ClickHouseSink } from '../../../src/sink/clickhouse-sink.ts';
import { DeadLetterTopic } from '../../../src/sink/dead-letter-topic.ts';
import { RefusedRows } from '../../../src/sink/refused-rows.ts';
import { Spool } from '../../../src/sink/spool/spool.ts';
import { KafkaSource } from '../../../src/source/kafka-source.ts';
import { Snapshots } from '../../../src/pipeline/snapshots.ts';
import { Telemetry } from '../../../src/service/telemetry.ts';
import type { CrashStep } from '../crash-steps.ts';

const [step, nth] = (process.env['FAULT_CRASH'] ?? '').split(':') as [CrashStep, string];
let left = Number(nth);

/** The process is at this step. Does not return when it is the one. */
function at(reached: CrashStep): void {
  if (reached !== step) return;
  left -= 1;
  if (left > 0) return;
  writeSync(2, `${JSON.stringify({ level: 50, msg: 'crash point', step })}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Whether the next arrival at this step is the one, for steps that are half of something. */
function isDue(reached: CrashStep): boolean {
  return reached === step && left <= 1;
}

type Method = (this: unknown, ...args: never[]) => unknown;

/** Puts `around` in the place of a method; it is given the one that was there, to be called as it was or otherwise. */
function wrap<T extends object>(
  prototype: T,
  name: keyof T & string,
  around: (
    original: (others?: readonly unknown[]) => unknown,
    args: readonly unknown[],
    self: unknown,
  ) => unknown,
): void {
  const method = prototype[name] as Method;
  const wrapped = function wrapped(this: unknown, ...args: never[]): unknown {
    return around((others = args) => method.apply(this, others as never[]), args, this);
  };
  prototype[name] = wrapped as T[keyof T & string];
}

/** A request that is under way: sent, most likely executed, and not yet answered. */
async function sent(reached: CrashStep, request: Promise<unknown>): Promise<void> {
  if (!isDue(reached)) {
    at(reached);
    return;
  }
  request.catch(() => undefined);
  await delay(2);
  at(reached);
}

wrap(ClickHouseSink.prototype, 'writeAlerts', async (write) => {
  at('alerts-computed');
  const written = write() as Promise<void>;
  await sent('alerts-sent', written);
  await written;
  at('alerts-written');
});
wrap(Telemetry.prototype, 'alerts', (tell) => {
  tell();
  at('alerts-told');
});
wrap(ClickHouseSink.prototype, 'writeEvents', async (write) => {
  await write();
  at('archive-written');
});
wrap(DeadLetterTopic.prototype, 'write', async (write) => {
  const written = write() as Promise<void>;
  await sent('letters-sent', written);
  await written;
  at('letters-written');
});
wrap(KafkaSource.prototype, 'commit', async (commit) => {
  const committed = commit() as Promise<void>;
  await sent('commit-sent', committed);
  await committed;
  at('committed');
});
wrap(Snapshots.prototype, 'load', async (load) => {
  const loaded = await load();
  if (loaded !== undefined) at('state-loaded');
  return loaded;
});
wrap(Telemetry.prototype, 'batch', (tell, [batch]) => {
  tell();
  if ((batch as { restored: number }).restored > 0) at('reading-again');
});
wrap(Telemetry.prototype, 'restore', (tell, [state]) => {
  tell();
  if (state === 'finished') at('read-again');
});
wrap(Spool.prototype, 'drop', async (drop) => {
  at('spooled-rows-sent');
  await drop();
});
wrap(RefusedRows.prototype, 'setAside', async (setAside) => {
  const path = await setAside();
  at('row-set-aside');
  return path;
});

const STATE = /[\\/]\.state\.unfinished$/;
const SPOOLED = /\.spool$/;
const paths = new WeakMap<FileHandle, string>();
/** Spool files whose head is being written. */
const headless = new WeakSet<FileHandle>();

const { open, rename, rm } = fs;
fs.open = async (path, flags, mode) => {
  const file = await open(path, flags, mode);
  paths.set(file, String(path));
  if (STATE.test(String(path))) at('state-begun');
  if (SPOOLED.test(String(path)) && flags === 'wx+') {
    headless.add(file);
    at('spool-file-made');
  }
  return file;
};
fs.rename = async (from, to) => {
  const state = STATE.test(String(from));
  if (state) at('state-synced');
  await rename(from, to);
  if (state) at('state-renamed');
};
fs.rm = async (path, options) => {
  await rm(path, options);
  if (SPOOLED.test(String(path))) at('spool-file-deleted');
};
syncBuiltinESMExports();

const self = await open(import.meta.filename);
const handles = Object.getPrototypeOf(self) as FileHandle;
await self.close();

const pathOf = (file: unknown): string => paths.get(file as FileHandle) ?? '';

/** Of any length, so also of one that cuts the header; the same in every run. */
const partOf = (length: number): number => Math.ceil(length * ((1 + (length % 7)) / 8));

wrap(handles, 'writev', async (write, args, file) => {
  if (!STATE.test(pathOf(file))) return write();
  const [pieces] = args as [readonly Uint8Array[]];
  if (isDue('state-half-written')) {
    const bytes = Buffer.concat(pieces);
    await write([[bytes.subarray(0, partOf(bytes.length))]]);
  }
  at('state-half-written');
  return write();
});
wrap(handles, 'write', async (write, args, file) => {
  if (!SPOOLED.test(pathOf(file)) || headless.has(file as FileHandle)) return write();
  const [bytes, from, length, position] = args as [Uint8Array, number, number, number?];
  if (isDue('spool-record-half-written')) await write([bytes, from, partOf(length), position]);
  at('spool-record-half-written');
  return write();
});
wrap(handles, 'sync', async (sync, _args, file) => {
  if (STATE.test(pathOf(file))) at('state-written');
  await sync();
});
wrap(handles, 'datasync', async (sync, _args, file) => {
  const record = SPOOLED.test(pathOf(file)) && !headless.delete(file as FileHandle);
  if (record) at('spool-record-written');
  await sync();
  if (record) at('spool-record-synced');
});
