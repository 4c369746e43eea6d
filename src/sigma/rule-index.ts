/**
 * Finds the rules worth evaluating for an event, so that cost follows the number of candidates, not of rules.
 *
 * Each rule is filed under the keys of its requirement: fields that equal a text, hold a literal, or are present
 * at all. Rules without a requirement are always candidates. Guarantee: a rule that matches an event is among the
 * event's candidates.
 */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldTable, FieldValue } from '../event/record.ts';
import { fold } from './fold.ts';
import { LiteralIndex } from './literal-index.ts';
import { Requirements } from './requirement.ts';
import type { BaseRule } from './rule.ts';

/** With fewer rules looking for literals in a field, evaluating each of them costs less than searching the value. */
const SEARCH_FROM = 4;

/** The rules filed under one field. */
class IndexedField {
  readonly slot: number;
  readonly byText = new Map<string, number[]>();
  readonly byNumber = new Map<number, number[]>();
  readonly byLiteral = new Map<string, number[]>();
  readonly present: number[] = [];
  literals: LiteralIndex | undefined;

  constructor(slot: number) {
    this.slot = slot;
  }
}

export class RuleIndex {
  readonly #fields: readonly IndexedField[];
  readonly #always: readonly number[];
  readonly #stamps: Float64Array;
  readonly #add: (rules: readonly number[] | undefined) => void;
  #generation = 0;
  /** Rule indexes in the order found; only as many entries as `find()` returned are valid. */
  readonly candidates: Int32Array;
  #count = 0;

  constructor(rules: readonly BaseRule[], table: FieldTable) {
    const requirements = new Requirements(rules);
    const searched = searchedFields(rules, requirements);
    const fields = new Map<string, IndexedField>();
    const always: number[] = [];
    const keysOf = requirements.finder((path) => searched.has(path));
    for (const [i, rule] of rules.entries()) {
      const keys = keysOf(rule);
      if (keys === undefined) always.push(i);
      for (const { kind, path, text } of keys ?? []) {
        const field = fields.get(path) ?? new IndexedField(table.slot(path));
        fields.set(path, field);
        if (kind === 'present') field.present.push(i);
        else if (kind === 'holds') add(field.byLiteral, text, i);
        else file(field, text, i);
      }
    }
    for (const field of fields.values()) {
      if (field.byLiteral.size > 0) field.literals = new LiteralIndex(field.byLiteral);
    }
    this.#fields = [...fields.values()];
    this.#always = always;
    this.#stamps = new Float64Array(rules.length);
    this.candidates = new Int32Array(rules.length);
    this.#add = (found) => {
      if (found === undefined) return;
      for (const rule of found) {
        if (this.#stamps[rule] === this.#generation) continue;
        this.#stamps[rule] = this.#generation;
        this.candidates[this.#count++] = rule;
      }
    };
  }

  /** Fills `candidates` for an event and returns how many there are; each rule at most once. */
  find(record: EventRecord): number {
    this.#generation++;
    this.#count = 0;
    for (const rule of this.#always) this.candidates[this.#count++] = rule;
    for (const field of this.#fields) {
      const value = record.slots[field.slot];
      if (value === undefined) continue;
      if (field.present.length > 0) this.#add(field.present);
      this.#look(field, value);
    }
    return this.#count;
  }

  #look(field: IndexedField, value: FieldValue): void {
    if (value === null) return;
    if (typeof value === 'string') this.#lookText(field, fold(value));
    else if (typeof value === 'number') {
      this.#add(field.byNumber.get(value));
      field.literals?.search(fold(String(value)), this.#add);
    } else if (typeof value === 'boolean') this.#lookText(field, String(value));
    else if (Array.isArray(value)) for (const element of value) this.#look(field, element);
    else if (value instanceof Pseudonyms) {
      for (let i = 0; i < value.length; i++) this.#lookText(field, value.text(i));
    }
  }

  #lookText(field: IndexedField, text: string): void {
    if (field.byText.size > 0) this.#add(field.byText.get(text));
    field.literals?.search(text, this.#add);
  }
}

/** The fields in which enough rules would look for literals. */
function searchedFields(rules: readonly BaseRule[], requirements: Requirements): ReadonlySet<string> {
  const counts = new Map<string, number>();
  const keysOf = requirements.finder(() => true);
  for (const rule of rules) {
    const paths = new Set<string>();
    for (const { kind, path } of keysOf(rule) ?? []) if (kind === 'holds') paths.add(path);
    for (const path of paths) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count >= SEARCH_FROM).map(([path]) => path));
}

function file(field: IndexedField, text: string, rule: number): void {
  add(field.byText, text, rule);
  // A number in an event equals the text it prints as, folded here like the key: 1e+21 is such a text, 1E21 is not.
  const number = Number(text);
  if (fold(String(number)) === text) add(field.byNumber, number, rule);
}

function add<Key>(map: Map<Key, number[]>, key: Key, rule: number): void {
  const rules = map.get(key);
  if (rules === undefined) map.set(key, [rule]);
  else if (rules.at(-1) !== rule) rules.push(rule);
}
