/** What a statement may be long: ClickHouse refuses longer ones (`max_query_size`) before it reads their settings. */

import type { RuleMeta } from '../sigma/rule.ts';
import { notCompiled } from './refusal.ts';

/** Less than ClickHouse's default of 256 KiB, because a client appends settings and a format. */
export const MOST_STATEMENT_BYTES = 255 * 1024;

/** The longest part of a statement that a rule's values or a list make. */
export class LongestPart {
  #bytes = 0;
  #rule: RuleMeta | undefined;
  #place = '';

  /** Returns `sql`, made of what is at this place in the rule. */
  note(rule: RuleMeta, place: string, sql: string): string {
    const bytes = Buffer.byteLength(sql);
    if (bytes > this.#bytes) {
      this.#bytes = bytes;
      this.#rule = rule;
      this.#place = place;
    }
    return sql;
  }

  /** Throws HUNT_NOT_COMPILED, naming this part, if the statement is too long. */
  check(rule: RuleMeta, statement: string): void {
    const bytes = Buffer.byteLength(statement);
    if (bytes <= MOST_STATEMENT_BYTES) return;
    const why = `the statement has ${bytes} bytes, ${this.#bytes} of them for this, and ClickHouse takes at most ${MOST_STATEMENT_BYTES}`;
    throw notCompiled(this.#rule ?? rule, this.#place, why);
  }
}
