/**
 * CSV text → the rows of a lookup list, or all that is wrong with it: a list with a fault is not loaded, not even
 * in part.
 *
 * The first line that is no comment names the columns. Lines that begin with `#` are comments. Cells are separated
 * by commas, or by semicolons if the header has only those, as spreadsheets in French write.
 */

import { plural } from '../figures.ts';
import { CsvError, parse } from 'csv-parse/sync';
import { fieldNameFault } from '../sigma/field-name.ts';
import type { ListContents, ListFault } from './list.ts';

/** Larger files are refused. */
export const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** Most faults listed for one list: nobody reads more. */
const MAX_LISTED = 100;

export function parseList(
  text: string,
): { readonly contents: ListContents } | { readonly faults: readonly ListFault[] } {
  const rows: string[][] = [];
  const lines: number[] = [];
  try {
    parse(text, {
      bom: true,
      comment: '#',
      comment_no_infix: true,
      delimiter: delimiterOf(text),
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (row: string[], { lines: line }) => {
        rows.push(row);
        lines.push(line);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = Number((error as { lines?: unknown }).lines ?? 1);
    return { faults: [{ line, code: 'CSV_SYNTAX', message: error.message }] };
  }
  const columns = rows.shift();
  const headerLine = lines.shift() ?? 1;
  if (columns === undefined) {
    const message = 'the file has no header; its first line names the fields of the events to compare with';
    return { faults: [{ line: 1, code: 'LIST_HEADER', message }] };
  }
  const faults: ListFault[] = headerFaults(columns).map((message) => ({
    line: headerLine,
    code: 'LIST_HEADER',
    message,
  }));
  for (const [r, row] of rows.entries()) {
    if (faults.length >= MAX_LISTED) break;
    const line = lines[r]!;
    const empty = row.indexOf('');
    if (row.length !== columns.length) {
      const message = `the row has ${plural(row.length, 'cell')}; the header has ${columns.length}: ${columns.join(', ')}`;
      faults.push({ line, code: 'CSV_SYNTAX', message });
    } else if (empty >= 0) {
      const message = `the cell of ${columns[empty]!} is empty; write a value or remove the row`;
      faults.push({ line, code: 'EMPTY_CELL', message });
    }
  }
  return faults.length > 0 ? { faults } : { contents: { columns, rows, lines } };
}

function delimiterOf(text: string): ',' | ';' {
  const header = /^(?!#)[^\r\n]*\S[^\r\n]*$/m.exec(text)?.[0] ?? '';
  return header.includes(';') && !header.includes(',') ? ';' : ',';
}

function headerFaults(columns: readonly string[]): string[] {
  return columns.flatMap((column, c) => {
    if (column === '') return [`column ${c + 1} has no name; name the event field it is compared with`];
    // No event has such a field, so the list would silently match nothing.
    if (column.includes('\t'))
      return [`${JSON.stringify(column)} holds a tab; part the cells by commas or semicolons`];
    if (columns.indexOf(column) < c) return [`two columns are called ${column}`];
    const fault = fieldNameFault(column);
    return fault === undefined ? [] : [fault];
  });
}
