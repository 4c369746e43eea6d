/** Named parts of a statement. */

import { indented } from './sql-text.ts';

export interface Part {
  readonly name: string;
  readonly about: string;
  readonly sql: string;
}

export function select(columns: readonly string[], rest: string): string {
  return `SELECT\n${indented(columns.join(',\n'))}\n${rest}`;
}

/** Window clause over the rows of one group in this order. */
export function rowsOver(keys: readonly string[], order: string, frame = ''): string {
  const group = keys.length === 0 ? '' : `PARTITION BY ${keys.join(', ')} `;
  return `OVER (${group}ORDER BY ${order}${frame && ` ${frame}`})`;
}
