/** Compares firings or alerts with what a case lists, whatever the order. */

import { expect } from 'vitest';
import { offsetMs, START, type Row } from './case-files.ts';

/**
 * Exactly as many rows, each equal in the columns that the case writes; a column that the case leaves out is
 * not specified. Times are ms since the epoch in `actual`.
 */
export function expectRows(actual: readonly Row[], expected: readonly Row[]): void {
  const columns = new Set(expected.flatMap((row) => Object.keys(row)));
  const written = expected.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [
        column,
        isTime(column) ? START + offsetMs(value) : value,
      ]),
    ),
  );
  const shown = actual.map((row) =>
    Object.fromEntries(
      Object.entries(row).filter(([column]) => expected.length === 0 || columns.has(column)),
    ),
  );
  expect(shown.map(sortable).sort()).toEqual(written.map(sortable).sort());
}

function isTime(column: string): boolean {
  return column === 'time' || column.endsWith('_at');
}

/** One line of text per row, with sorted columns and readable times. */
function sortable(row: Row): string {
  return Object.keys(row)
    .sort()
    .map((column) => {
      const value = row[column];
      return `${column}: ${isTime(column) ? new Date(Number(value)).toISOString() : JSON.stringify(value)}`;
    })
    .join(', ');
}
