/**
 * Does what `vigie run` does with its data folder, and nothing else: opens the embedded database, stores the alert
 * given as JSON, and answers operators. Ends with its standard input.
 *
 *   node hold-data-folder.ts FOLDER ALERT
 */

import type { Alert } from '../../src/alert/alert.ts';
import { systemClock } from '../../src/clock.ts';
import { ClickHouseAlertStore } from '../../src/sink/alert-store.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import { startControl } from '../../src/sink/control.ts';
import { takeStandardInput } from '../../src/source/standard-input.ts';

const [dataDir, alert] = process.argv.slice(2);
if (dataDir === undefined || alert === undefined) throw new Error('usage: hold-data-folder.ts FOLDER ALERT');

const input = takeStandardInput();
const clickHouse = await openClickHouse({ database: 'vigie', dataDir });
const sink = new ClickHouseSink(clickHouse);
await sink.open();
await sink.writeAlerts([JSON.parse(alert) as Alert]);
const store = new ClickHouseAlertStore(clickHouse, systemClock);
const control = await startControl({ dataDir, store, command: 'hold-data-folder', clock: systemClock });
process.stdout.write(`${control.path}\n`);

for await (const _chunk of input.chunks);
await control.close();
await sink.close();
