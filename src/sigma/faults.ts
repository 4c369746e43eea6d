/**
 * Where faults of rule files are collected. Nothing throws on a faulty rule: every stage reports what it
 * finds at its place and goes on, so that one pass over a file shows all there is to correct.
 */

import type { Fault } from './rule.ts';

/** A place in a file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The faults of one file. */
export class Faults {
  readonly file: string;
  readonly all: Fault[] = [];
  #errors = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** Number of errors so far: equal before and after a step means that the step found none. */
  get errors(): number {
    return this.#errors;
  }

  error(place: Place, code: string, message: string): void {
    this.#errors++;
    this.#add(place, code, message, 'error');
  }

  warning(place: Place, code: string, message: string): void {
    this.#add(place, code, message, 'warning');
  }

  #add(place: Place, code: string, message: string, severity: Fault['severity']): void {
    const { line, column } = place;
    this.all.push({ file: this.file, line, column, code, message, severity });
  }
}

/** A given value for a message: quoted, on one line, shortened. */
export function shown(value: string): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}
