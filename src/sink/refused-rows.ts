/** Rows that ClickHouse refuses for their content, in files that `INSERT … FORMAT JSONEachRow` takes, one per table. */

import { join } from 'node:path';
import type { Alert } from '../alert/alert.ts';
import { messageOf, VigieError } from '../errors.ts';
import { alertToRow } from './alert-row.ts';
import type { SinkTable } from './clickhouse-sink.ts';
import { eventToRow } from './event-row.ts';
import { LineFile } from './line-file.ts';
import type { ArchivedEvent } from './sink.ts';

export class RefusedRows {
  readonly #files: Readonly<Record<SinkTable, LineFile>>;

  /** The folder is created with the first row. */
  constructor(folder: string) {
    this.#files = {
      alerts: new LineFile(join(folder, 'alerts.ndjson')),
      access_events: new LineFile(join(folder, 'access_events.ndjson')),
    };
  }

  /** Returns the file's path once the row is on the disk. Throws VigieError ROW_LOST if the row cannot be kept. */
  async setAside(table: SinkTable, row: Alert | ArchivedEvent): Promise<string> {
    const file = this.#files[table];
    const values = 'alertId' in row ? alertToRow(row) : eventToRow(row);
    try {
      await file.append(`${JSON.stringify(values)}\n`);
    } catch (error) {
      const message = `a row that ${table} refuses cannot be kept in ${file.path}: ${messageOf(error)}`;
      throw new VigieError('ROW_LOST', message, {
        remedy:
          'Make the folder writable for this user, with free space: the row is read from the source again.',
        cause: error,
      });
    }
    return file.path;
  }

  async close(): Promise<void> {
    for (const file of Object.values(this.#files)) await file.close();
  }
}
