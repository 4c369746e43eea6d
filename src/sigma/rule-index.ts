/**
 * Finds the rules worth evaluating for an event, so that cost follows candidates and not the rule count.
 *
 * A rule that can only match when some field equals one of a few texts is filed under those texts; of several
 * such fields, the one that tells the loaded rules apart best. Rules without one are always candidates.
 * Guarantee: a rule that matches an event is among the event's candidates.
 */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldTable, FieldValue } from '../event/record.ts';
import type { Condition, Detection } from './ast.ts';
import { fold } from './fold.ts';
import { literalOf } from './pattern.ts';
import type { BaseRule } from './rule.ts';

/** Field → folded texts: the rule needs the field to equal one of them. */
type Requirements = ReadonlyMap<string, ReadonlySet<string>>;

const NONE: Requirements = new Map();

/** What has to be true of an event for the rule to match, as far as equalities say. */
function requirements(rule: BaseRule): Requirements {
  const ofDetection = (node: Detection): Requirements => {
    switch (node.kind) {
      case 'and':
      case 'or':
        return combine(node.kind, node.parts.map(ofDetection));
      case 'field': {
        const literal = node.test.kind === 'text' ? literalOf(node.test.pattern) : undefined;
        return literal === undefined ? NONE : new Map([[node.path, new Set([fold(literal)])]]);
      }
      default:
        return NONE;
    }
  };
  const ofCondition = (node: Condition): Requirements => {
    if (node.kind === 'not') return NONE;
    if (node.kind === 'ref') return ofDetection(rule.detections.get(node.name)!);
    return combine(node.kind, node.parts.map(ofCondition));
  };
  return ofCondition(rule.condition);
}

function combine(kind: 'and' | 'or', parts: readonly Requirements[]): Requirements {
  const [first, ...others] = parts;
  if (first === undefined) return NONE;
  const combined = new Map(first);
  if (kind === 'and') {
    for (const other of others) {
      for (const [path, texts] of other) {
        const known = combined.get(path);
        if (known === undefined || texts.size < known.size) combined.set(path, texts);
      }
    }
    return combined;
  }
  for (const [path, texts] of first) {
    const all = new Set(texts);
    const everywhere = others.every((other) => {
      for (const text of other.get(path) ?? []) all.add(text);
      return other.has(path);
    });
    if (everywhere) combined.set(path, all);
    else combined.delete(path);
  }
  return combined;
}

/** The rules filed under one field. */
interface IndexedField {
  readonly slot: number;
  readonly byText: Map<string, number[]>;
  readonly byNumber: Map<number, number[]>;
}

export class RuleIndex {
  readonly #fields: readonly IndexedField[];
  readonly #always: readonly number[];
  readonly #stamps: Float64Array;
  #generation = 0;
  /** Rule indexes in the order found; only the first `find()` entries count. */
  readonly candidates: Int32Array;
  #count = 0;

  constructor(rules: readonly BaseRule[], table: FieldTable) {
    const all = rules.map(requirements);
    const distinct = new Map<string, Set<string>>();
    for (const needs of all) {
      for (const [path, texts] of needs) {
        const seen = distinct.get(path) ?? new Set();
        for (const text of texts) seen.add(text);
        distinct.set(path, seen);
      }
    }
    const fields = new Map<string, IndexedField>();
    const always: number[] = [];
    for (const [rule, needs] of all.entries()) {
      let best: { path: string; texts: ReadonlySet<string>; share: number } | undefined;
      for (const [path, texts] of needs) {
        // The share of values seen in rules that lead to this one: the smaller, the more it excludes.
        const share = texts.size / distinct.get(path)!.size;
        if (best === undefined || share < best.share) best = { path, texts, share };
      }
      if (best === undefined) {
        always.push(rule);
        continue;
      }
      const field = fields.get(best.path) ?? {
        slot: table.slot(best.path),
        byText: new Map(),
        byNumber: new Map(),
      };
      fields.set(best.path, field);
      for (const text of best.texts) file(field, text, rule);
    }
    this.#fields = [...fields.values()];
    this.#always = always;
    this.#stamps = new Float64Array(rules.length);
    this.candidates = new Int32Array(rules.length);
  }

  /** Fills `candidates` for an event and returns how many there are; each rule at most once. */
  find(record: EventRecord): number {
    this.#generation++;
    this.#count = 0;
    for (const rule of this.#always) this.candidates[this.#count++] = rule;
    for (const field of this.#fields) this.#look(field, record.slots[field.slot]);
    return this.#count;
  }

  #look(field: IndexedField, value: FieldValue | undefined): void {
    if (value === undefined || value === null) return;
    if (typeof value === 'string') this.#add(field.byText.get(fold(value)));
    else if (typeof value === 'number') this.#add(field.byNumber.get(value));
    else if (typeof value === 'boolean') this.#add(field.byText.get(value ? 'true' : 'false'));
    else if (Array.isArray(value)) for (const element of value) this.#look(field, element);
    else if (value instanceof Pseudonyms) {
      for (let i = 0; i < value.length; i++) this.#add(field.byText.get(value.text(i)));
    }
  }

  #add(rules: readonly number[] | undefined): void {
    if (rules === undefined) return;
    for (const rule of rules) {
      if (this.#stamps[rule] === this.#generation) continue;
      this.#stamps[rule] = this.#generation;
      this.candidates[this.#count++] = rule;
    }
  }
}

function file(field: IndexedField, text: string, rule: number): void {
  add(field.byText, text, rule);
  // A number in an event equals the text it prints as, which may be upper case: 1e+21 is folded, 1E21 is not it.
  const number = Number(text);
  if (fold(String(number)) === text) add(field.byNumber, number, rule);
}

function add<Key>(map: Map<Key, number[]>, key: Key, rule: number): void {
  const rules = map.get(key);
  if (rules === undefined) map.set(key, [rule]);
  else rules.push(rule);
}
