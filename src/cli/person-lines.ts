/**
 * Affected persons as lines: CSV for a spreadsheet, or one JSON object each. Whoever chooses an organisation's name
 * must not be able to choose what a spreadsheet computes or what a terminal does.
 */

import type { AffectedPerson } from '../affected/person-table.ts';
import { jsonLine, plain } from './terminal.ts';

export interface PersonLines {
  /** '' if there is none. */
  readonly head: string;
  readonly line: (person: AffectedPerson) => string;
}

/** `withIds`: adds a column with the portal's own id of the person. */
export function csvLines(withIds: boolean): PersonLines {
  const ids = (id: string): string[] => (withIds ? [id] : []);
  const head = ['pseudonym', ...ids('id'), 'reads', 'first_read', 'last_read'];
  return {
    head: csvLine([...head, 'applications', 'organisations', 'categories']),
    line: ({ pseudonym, id, reads, firstRead, lastRead, applications, organisations, categories }) =>
      csvLine([
        pseudonym,
        ...ids(id),
        String(reads),
        isoTime(firstRead),
        isoTime(lastRead),
        ...[applications, organisations, categories].map((values) => values.join(' | ')),
      ]),
  };
}

export function jsonLines(withIds: boolean): PersonLines {
  return {
    head: '',
    line: ({ id, pseudonym, reads, firstRead, lastRead, ...shown }) =>
      jsonLine({
        pseudonym,
        ...(withIds ? { id } : {}),
        reads,
        firstRead: isoTime(firstRead),
        lastRead: isoTime(lastRead),
        ...shown,
      }),
  };
}

/**
 * The beginning of a formula: at the start of a cell, or after a character that separates cells in the spreadsheets of
 * some countries.
 */
const FORMULA = /(^|[;,|])(\s*)(?=[=+\-@＝＋－＠])/gu;

function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}

function csvCell(text: string): string {
  const harmless = plain(text).replaceAll(FORMULA, `$1$2'`);
  return /[",;]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
