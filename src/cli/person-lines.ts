/**
 * Affected persons as lines: CSV for a spreadsheet, or one JSON object each. Whoever chooses the name of an
 * organisation must choose neither what a spreadsheet computes nor what a terminal does.
 */

import type { AffectedPerson } from '../affected/person-table.ts';
import { jsonLine, plain } from './terminal.ts';

export interface PersonLines {
  /** '' where there is none. */
  readonly head: string;
  readonly line: (person: AffectedPerson) => string;
}

/** `withIds`: with a column for what the portal calls the person. */
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

/** What begins a formula, at the start of a cell or behind what spreadsheets of some countries part cells by. */
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
