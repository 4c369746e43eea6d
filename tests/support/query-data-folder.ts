/**
 * Runs one query on the embedded database of a data folder and prints its rows as NDJSON. In its own process, because a
 * process can open only one folder.
 *
 *   node query-data-folder.ts FOLDER SQL
 */

import { openClickHouse } from '../../src/sink/client.ts';

const [dataDir, sql] = process.argv.slice(2);
if (dataDir === undefined || sql === undefined) throw new Error('usage: query-data-folder.ts FOLDER SQL');

const clickHouse = await openClickHouse({ database: 'vigie', dataDir });
const result = await clickHouse.client.query({ query: sql, format: 'JSONEachRow' });
process.stdout.write(await result.text());
await clickHouse.close();
