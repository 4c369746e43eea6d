/**
 * Collects the faults of rule files. Nothing throws on a faulty rule: every stage reports what it finds at its
 * place and goes on, so that one pass over a file shows everything there is to correct.
 */

import type { Fault } from './rule.ts';

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Most errors, and most warnings, listed for one file: nobody reads more. */
const MAX_LISTED = 1_000;

/** The faults of one file. */
export class Faults {
  readonly file: string;
  readonly all: Fault[] = [];
  #errors = 0;
  #warnings = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** Number of errors so far. A step that leaves it unchanged found none. */
  get errors(): number {
    return this.#errors;
  }

  /** True once further errors are counted but not listed: whoever searches for more can stop. */
  get full(): boolean {
    return this.#errors >= MAX_LISTED;
  }

  error(place: Place, code: string, message: string): void {
    this.#list(++this.#errors, place, code, message, 'error');
  }

  warning(place: Place, code: string, message: string): void {
    this.#list(++this.#warnings, place, code, message, 'warning');
  }

  #list(count: number, place: Place, code: string, message: string, severity: Fault['severity']): void {
    if (count <= MAX_LISTED) this.#add(place, code, message, severity);
    if (count === MAX_LISTED + 1) {
      const text = `the file has more than ${MAX_LISTED} ${severity}s; the others are not listed: correct these first`;
      this.#add(place, 'TOO_MANY_FAULTS', text, severity);
    }
  }

  #add(place: Place, code: string, message: string, severity: Fault['severity']): void {
    const { line, column } = place;
    this.all.push({ file: this.file, line, column, code, message, severity });
  }
}

/** Formats a given value for a message: quoted, on one line, shortened. */
export function shown(value: string): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}
