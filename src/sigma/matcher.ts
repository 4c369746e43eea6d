/**
 * Compiles all rules together into closures over an event's slots.
 *
 * A predicate that several places share is evaluated at most once per event; an event that matches nothing causes
 * no allocation here. Guarantee: the same answers as evaluating each rule on its own.
 */

import type { EventRecord, FieldTable } from '../event/record.ts';
import { Lists } from '../lookup/list.ts';
import type { Condition, Detection } from './ast.ts';
import { compileListed, workClock } from './list-predicates.ts';
import { literalOf } from './pattern.ts';
import { anywhere, compileAnyOf, compileReference, compileTest } from './predicate.ts';
import type { BaseRule } from './rule.ts';
import { RuleIndex } from './rule-index.ts';
import { isOff } from './working-hours.ts';

export interface Matcher {
  readonly rules: readonly BaseRule[];
  /** Indexes into `rules` of those that matched, ascending; as many as `match` returned, valid until its next call. */
  readonly matched: Int32Array;
  /** Evaluates all rules on an event and returns how many matched. */
  match(record: EventRecord): number;
}

type Predicate = (record: EventRecord) => boolean;

/** With fewer values, testing one after the other is cheaper than a set. */
const SET_FROM = 4;

/** Registers the fields that the rules need; build the decoder afterwards. `lists`: those the rules name. */
export function compileMatcher(
  rules: readonly BaseRule[],
  fields: FieldTable,
  lists: Lists = new Lists(),
): Matcher {
  const compiler = new Compiler(fields, lists);
  for (const rule of rules) compiler.count(rule);
  const predicates = rules.map((rule) => compiler.compile(rule));
  const index = new RuleIndex(rules, fields);
  const matched = new Int32Array(rules.length);
  const { candidates } = index;
  return {
    rules,
    matched,
    match(record) {
      compiler.nextEvent();
      const count = index.find(record);
      let found = 0;
      for (let i = 0; i < count; i++) {
        const rule = candidates[i]!;
        if (!predicates[rule]!(record)) continue;
        // Few rules match an event, so inserting in place keeps them sorted cheaply.
        let at = found++;
        while (at > 0 && matched[at - 1]! > rule) {
          matched[at] = matched[at - 1]!;
          at--;
        }
        matched[at] = rule;
      }
      return found;
    },
  };
}

class Compiler {
  readonly #fields: FieldTable;
  readonly #lists: Lists;
  readonly #uses = new Map<string, number>();
  readonly #shared = new Map<string, Predicate>();
  /** Keys of nodes, as rules may share nodes: those of a filter are in each rule that it applies to. */
  readonly #keys = new Map<Leaf, string>();
  readonly #grouped = new Map<Detection | AnyOf, readonly (Detection | AnyOf)[]>();
  #generation = 0;

  constructor(fields: FieldTable, lists: Lists) {
    this.#fields = fields;
    this.#lists = lists;
  }

  nextEvent(): void {
    this.#generation++;
  }

  /** First pass: counts the uses of each predicate, so that only shared ones pay for remembering their result. */
  count(rule: BaseRule): void {
    this.#detections(rule.condition, rule, (leaf) => {
      const key = this.#keyOf(leaf, rule);
      this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    });
  }

  compile(rule: BaseRule): Predicate {
    return this.#condition(rule.condition, rule);
  }

  #detections(condition: Condition, rule: BaseRule, visit: (leaf: Leaf) => void): void {
    const walk = (node: Detection | AnyOf): void => {
      if ('part' in node) walk(node.part);
      else if ('parts' in node) for (const part of this.#partsOf(node)) walk(part);
      else visit(node);
    };
    if (condition.kind === 'ref') walk(rule.detections.get(condition.name)!);
    else if (condition.kind === 'not') this.#detections(condition.part, rule, visit);
    else for (const part of condition.parts) this.#detections(part, rule, visit);
  }

  #condition(node: Condition, rule: BaseRule): Predicate {
    if (node.kind === 'ref') return this.#detection(rule.detections.get(node.name)!, rule);
    if (node.kind === 'not') return negated(this.#condition(node.part, rule));
    return joined(
      node.kind,
      node.parts.map((part) => this.#condition(part, rule)),
    );
  }

  #detection(node: Detection | AnyOf, rule: BaseRule): Predicate {
    if ('part' in node) return negated(this.#detection(node.part, rule));
    if ('parts' in node) {
      return joined(
        node.kind,
        this.#partsOf(node).map((part) => this.#detection(part, rule)),
      );
    }
    const key = this.#keyOf(node, rule);
    if (this.#uses.get(key) === 1) return this.#leaf(node, rule);
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = this.#remembering(this.#leaf(node, rule));
      this.#shared.set(key, shared);
    }
    return shared;
  }

  #keyOf(leaf: Leaf, rule: BaseRule): string {
    // A time is read in the rule's own zone.
    if (leaf.kind === 'off-hours' || ('test' in leaf && leaf.test.kind === 'time'))
      return JSON.stringify([leaf, rule.timezone]);
    let key = this.#keys.get(leaf);
    if (key === undefined) this.#keys.set(leaf, (key = JSON.stringify(leaf)));
    return key;
  }

  #partsOf(node: Group): readonly (Detection | AnyOf)[] {
    let parts = this.#grouped.get(node);
    if (parts === undefined) this.#grouped.set(node, (parts = grouped(node)));
    return parts;
  }

  #remembering(predicate: Predicate): Predicate {
    let generation = -1;
    let result = false;
    return (record) => {
      if (generation !== this.#generation) {
        result = predicate(record);
        generation = this.#generation;
      }
      return result;
    };
  }

  #leaf(node: Leaf, rule: BaseRule): Predicate {
    if (node.kind === 'listed') return compileListed(this.#lists.known(node.list), this.#fields);
    if (node.kind === 'off-hours') {
      const state = workClock(node.hours, rule.timezone, this.#lists);
      return ({ time }) => isOff(state(time));
    }
    if (node.kind === 'keyword') {
      this.#fields.wantWhole();
      if (node.test.kind === 'reference') return this.#keywordReference(node.test);
      const holds = compileTest(node.test, rule.timezone);
      return (record) => anywhere(record.whole, holds);
    }
    const slot = this.#fields.slot(node.path);
    if (node.kind === 'any-of') {
      const holds = compileAnyOf(node.literals);
      return (record) => holds(record.slots[slot]);
    }
    if (node.test.kind === 'reference') {
      const other = this.#fields.slot(node.test.path);
      const holds = compileReference(node.test);
      return (record) => holds(record.slots[slot], record.slots[other]);
    }
    const holds = compileTest(node.test, rule.timezone);
    return (record) => holds(record.slots[slot]);
  }

  #keywordReference(test: Parameters<typeof compileReference>[0]): Predicate {
    const other = this.#fields.slot(test.path);
    const holds = compileReference(test);
    return (record) => anywhere(record.whole, (value) => holds(value, record.slots[other]));
  }
}

/** A field that equals any of many texts, ignoring letter case. */
interface AnyOf {
  readonly kind: 'any-of';
  readonly path: string;
  readonly literals: readonly string[];
}

type Leaf = AnyOf | Extract<Detection, { readonly kind: 'field' | 'keyword' | 'off-hours' | 'listed' }>;

type Group = Extract<Detection, { readonly parts: unknown }>;

/** The parts of a node. Under `or`, plain texts of one field are combined into one part if there are many parts. */
function grouped(node: Group): readonly (Detection | AnyOf)[] {
  if (node.kind === 'and' || node.parts.length < SET_FROM) return node.parts;
  const literals = new Map<string, string[]>();
  const others: (Detection | AnyOf)[] = [];
  for (const part of node.parts) {
    const plain = part.kind === 'field' && part.test.kind === 'text' && !part.test.cased;
    const literal = plain ? literalOf(part.test.pattern) : undefined;
    if (part.kind !== 'field' || literal === undefined) {
      others.push(part);
      continue;
    }
    const same = literals.get(part.path);
    if (same === undefined) literals.set(part.path, [literal]);
    else same.push(literal);
  }
  for (const [path, texts] of literals) others.push({ kind: 'any-of', path, literals: texts });
  return others;
}

function negated(predicate: Predicate): Predicate {
  return (record) => !predicate(record);
}

function joined(kind: 'and' | 'or', parts: readonly Predicate[]): Predicate {
  const [first, second] = parts;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined && second !== undefined && parts.length === 2) {
    if (kind === 'and') return (record) => first(record) && second(record);
    return (record) => first(record) || second(record);
  }
  const stop = kind === 'or';
  return (record) => {
    for (const part of parts) if (part(record) === stop) return stop;
    return !stop;
  };
}
