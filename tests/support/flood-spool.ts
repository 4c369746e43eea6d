/**
 * Writes rows through a spool while ClickHouse is unreachable, and reports the memory that the process holds.
 *
 *   node --expose-gc flood-spool.ts FOLDER BATCHES
 *
 * One line of JSON after each tenth of the batches: `text` written so far, bytes of the `spool`, bytes `held`.
 */

import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import type { ArchivedEvent } from '../../src/sink/sink.ts';
import { DiskSpool } from '../../src/sink/spool/disk-spool.ts';
import { SpoolingSink } from '../../src/sink/spooling-sink.ts';

const [folder, batches] = process.argv.slice(2);
if (folder === undefined || global.gc === undefined) throw new Error('see the head of this file');

// Nobody listens on the port of the discard service.
const clickHouse = await openClickHouse({ url: 'http://127.0.0.1:9', database: 'vigie', dataDir: '' });
const spool = await DiskSpool.open({ folder, maxBytes: 1024 ** 3 });
const sink = new SpoolingSink({
  sink: new ClickHouseSink(clickHouse),
  spool,
  clock: systemClock,
  patienceMs: 50,
});
await sink.open();
let text = 0;
for (let done = 1; done <= Number(batches); done++) {
  const rows = Array.from({ length: 2000 }, (_, i): ArchivedEvent => {
    return { eventId: `${done}-${i}`, time: done, fields: { text: randomBytes(1500).toString('base64') } };
  });
  await sink.writeEvents(rows);
  text += 2000 * 2000;
  if (done % (Number(batches) / 10) !== 0) continue;
  global.gc();
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ text, spool: spool.bytes, held: heapUsed + external })}\n`);
}
await sink.close();
