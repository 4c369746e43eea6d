/**
 * Writes flushes through a spool, starting at a given one; reports after each that it may be committed, and in the end
 * that nothing is waiting. Meant to be killed at any moment.
 *
 *   node spooling-run.ts FOLDER URL USER PASSWORD DATABASE FIRST END
 */

import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import { DiskSpool, MIN_SPOOL_BYTES } from '../../src/sink/spool/disk-spool.ts';
import { SpoolingSink } from '../../src/sink/spooling-sink.ts';
import { writeFlush } from './spooled-flushes.ts';

const [folder, url, username, password, database, first, end] = process.argv.slice(2);
if (folder === undefined || database === undefined) throw new Error('see the head of this file');

const clickHouse = await openClickHouse({ url, username, password, database, dataDir: '' });
const sleep = () => delay(20);
const sink = new SpoolingSink({
  sink: new ClickHouseSink(clickHouse, { archiveDays: 0, sleep }),
  spool: await DiskSpool.open({ folder, maxBytes: MIN_SPOOL_BYTES }),
  clock: systemClock,
  patienceMs: 100,
  sleep,
});
await sink.open();
process.stdout.write('open\n');
for (let flush = Number(first); flush < Number(end); flush++) {
  await writeFlush(sink, flush);
  process.stdout.write(`${flush}\n`);
}
await sink.drained(new AbortController().signal);
process.stdout.write('drained\n');
await sink.close();
