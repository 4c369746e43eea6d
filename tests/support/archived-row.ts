/** Passes an archived event through a row of the table, without a database. */

import { ARCHIVED_FIELDS, columnOf, eventFromRow, eventToRow } from '../../src/sink/event-row.ts';
import type { ArchivedEvent } from '../../src/sink/sink.ts';

const EMPTY = { text: '', list: [], number: 0 };
const EMPTY_ROW: Record<string, unknown> = { other: {} };
for (const path of ARCHIVED_FIELDS) {
  const { name, kind } = columnOf(path)!;
  EMPTY_ROW[name] = EMPTY[kind];
}

/** An archived event as the table returns it: columns that it does not fill hold an empty value. */
export function throughTable(event: ArchivedEvent): ArchivedEvent {
  const { time, ...row } = eventToRow(event);
  return eventFromRow(
    JSON.parse(JSON.stringify({ ...EMPTY_ROW, ...row, atMs: time })) as Record<string, unknown>,
  );
}
