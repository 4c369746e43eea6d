/**
 * Why an event does or doesn't match a rule: its condition as a tree, each node with its truth and each test with
 * the event's value.
 *
 * Invariant: the verdict is the production matcher's, and the root of the tree agrees with it. Persons' ids appear
 * as pseudonyms, because the decoder hands out nothing else.
 */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldTable, FieldValue } from '../event/record.ts';
import { Lists } from '../lookup/list.ts';
import { formatCondition } from '../sigma/ast.ts';
import type { Condition, Detection, Test } from '../sigma/ast.ts';
import { compileMatcher } from '../sigma/matcher.ts';
import { compileListed, workClock } from '../sigma/list-predicates.ts';
import { compileReference, compileTest, type ValuePredicate } from '../sigma/predicate.ts';
import type { BaseRule } from '../sigma/rule.ts';
import { isOff, type WorkingHours } from '../sigma/working-hours.ts';
import {
  listed,
  plain,
  referenceWords,
  relation,
  shortened,
  shownValue,
  wantedBy,
  workWords,
} from './words.ts';

/** A part of a rule and its result for one event. */
export interface Explanation {
  readonly holds: boolean;
  /** One line: the part's name, or for a test the event's value and how it compares with what is wanted. */
  readonly what: string;
  /** Path of the tested field. */
  readonly field?: string;
  /** The field's value; missing if the event has no such field. */
  readonly value?: unknown;
  readonly parts?: readonly Explanation[];
}

export interface MatchExplanation {
  /** The production matcher's verdict. */
  readonly matches: boolean;
  readonly tree: Explanation;
}

type Explain = (record: EventRecord) => Explanation;

/** Registers the fields that the rule needs; build the decoder afterwards. `lists`: those the rule names. */
export function compileExplanation(
  rule: BaseRule,
  fields: FieldTable,
  lists: Lists = new Lists(),
): (record: EventRecord) => MatchExplanation {
  const matcher = compileMatcher([rule], fields, lists);
  const explain = new Explainer(rule, fields, lists).condition(rule.condition);
  return (record) => ({ matches: matcher.match(record) > 0, tree: explain(record) });
}

type Leaf = Extract<Detection, { readonly kind: 'field' | 'keyword' }>;

class Explainer {
  readonly #rule: BaseRule;
  readonly #fields: FieldTable;
  readonly #lists: Lists;

  constructor(rule: BaseRule, fields: FieldTable, lists: Lists) {
    this.#rule = rule;
    this.#fields = fields;
    this.#lists = lists;
  }

  condition(node: Condition): Explain {
    if (node.kind === 'ref') {
      const detection = this.#rule.detections.get(node.name)!;
      const parts = detection.kind === 'and' ? detection.parts : [detection];
      return joined(
        'and',
        node.name,
        parts.map((part) => this.#detection(part)),
      );
    }
    const what = shortened(formatCondition(node));
    if (node.kind === 'not') return negated(what, this.condition(node.part));
    return joined(
      node.kind,
      what,
      node.parts.map((part) => this.condition(part)),
    );
  }

  #detection(node: Detection): Explain {
    if (node.kind === 'not') return negated('not', this.#detection(node.part));
    if (node.kind === 'field' || node.kind === 'keyword') return this.#tests([node]);
    if (node.kind === 'listed') return this.#listed(node.list);
    if (node.kind === 'off-hours') return this.#offHours(node.hours);
    if (node.kind === 'and') {
      return joined(
        'and',
        'all of',
        node.parts.map((part) => this.#detection(part)),
      );
    }
    const alternatives = bySubject(node.parts).map((part) =>
      Array.isArray(part) ? this.#tests(part) : this.#detection(part),
    );
    return alternatives.length === 1 ? alternatives[0]! : joined('or', 'any of', alternatives);
  }

  /** Alternatives on one field, or keywords. */
  #tests(leaves: readonly Leaf[]): Explain {
    const [{ kind }] = leaves as [Leaf];
    const tests = leaves.map(({ test }) => this.#test(test));
    const wanted = listed(leaves.map(({ test }) => wantedBy(test)));
    if (kind === 'keyword') return keywordExplain(tests, `keyword${tests.length > 1 ? 's' : ''} ${wanted}`);
    const { path } = leaves[0] as Extract<Leaf, { readonly kind: 'field' }>;
    const slot = this.#fields.slot(path);
    return (record) => {
      const value = record.slots[slot];
      const fitting = tests.find((test) => test.holds(record)(value));
      const why =
        fitting === undefined && tests.length > 1
          ? `none of ${wanted}`
          : (fitting ?? tests[0]!).relation(value, record, fitting !== undefined);
      const subject = value === undefined ? `${path} is absent` : `${path} = ${shownValue(value)}`;
      return {
        holds: fitting !== undefined,
        what: `${subject}: ${why}`,
        field: path,
        ...(value === undefined ? {} : { value: plain(value) }),
      };
    };
  }

  #listed(name: string): Explain {
    const list = this.#lists.known(name);
    const holds = compileListed(list, this.#fields);
    const slots = list.columns.map((column) => [column, this.#fields.slot(column)] as const);
    return (record) => {
      const found = holds(record);
      const values = slots.map(([column, slot]) => {
        const value = record.slots[slot];
        return value === undefined ? `${column} is absent` : `${column} = ${shownValue(value)}`;
      });
      return { holds: found, what: `${values.join(', ')}: ${found ? 'in' : 'not in'} the list ${name}` };
    };
  }

  #offHours(hours: WorkingHours): Explain {
    const { timezone } = this.#rule;
    const state = workClock(hours, timezone, this.#lists);
    return ({ time }) => {
      const found = state(time);
      return { holds: isOff(found), what: workWords(found, time, timezone) };
    };
  }

  #test(test: Test): ExplainedTest {
    const { timezone } = this.#rule;
    if (test.kind === 'reference') {
      const slot = this.#fields.slot(test.path);
      const compare = compileReference(test);
      return {
        holds: (record) => (value) => compare(value, record.slots[slot]),
        relation: (_, record, holds) => {
          const other = record.slots[slot];
          if (other === undefined) return `${test.path} is absent`;
          return `${holds ? 'is' : 'is not'} ${referenceWords(test)} = ${shownValue(other)}`;
        },
      };
    }
    const holds = compileTest(test, timezone);
    return {
      holds: () => holds,
      relation: (value, _, met) => relation(test, timezone, value, met),
    };
  }
}

interface ExplainedTest {
  readonly holds: (record: EventRecord) => ValuePredicate;
  /** How the value compares with what is wanted, in words. */
  readonly relation: (value: FieldValue | undefined, record: EventRecord, holds: boolean) => string;
}

function keywordExplain(tests: readonly ExplainedTest[], wanted: string): Explain {
  return (record) => {
    for (const test of tests) {
      const holds = test.holds(record);
      for (const [path, value] of valuesIn(record.whole, '')) {
        if (!holds(value)) continue;
        const what = `${path} = ${shownValue(value)}: ${test.relation(value, record, true)}`;
        return { holds: true, what, field: path, value: plain(value) };
      }
    }
    return { holds: false, what: `${wanted}: in no value of the event` };
  };
}

/** Every value of an event with its path, however deep. */
function* valuesIn(
  value: FieldValue | undefined,
  path: string,
): Generator<readonly [string, FieldValue], void> {
  if (value === undefined || value === null) return;
  if (typeof value !== 'object' || value instanceof Pseudonyms) yield [path, value];
  else if (Array.isArray(value)) for (const element of value) yield* valuesIn(element, path);
  else {
    for (const [key, inner] of Object.entries(value))
      yield* valuesIn(inner, path === '' ? key : `${path}.${key}`);
  }
}

/** The alternatives, with those on the same field, and keywords, combined. */
function bySubject(parts: readonly Detection[]): (Detection | Leaf[])[] {
  const together = new Map<string, Leaf[]>();
  const result: (Detection | Leaf[])[] = [];
  for (const part of parts) {
    if (part.kind !== 'field' && part.kind !== 'keyword') {
      result.push(part);
      continue;
    }
    const subject = part.kind === 'keyword' ? 'keyword' : `field ${part.path}`;
    const same = together.get(subject);
    if (same !== undefined) {
      same.push(part);
      continue;
    }
    const leaves: Leaf[] = [part];
    together.set(subject, leaves);
    result.push(leaves);
  }
  return result;
}

function joined(kind: 'and' | 'or', what: string, explains: readonly Explain[]): Explain {
  return (record) => {
    const parts = explains.map((explain) => explain(record));
    const holds = kind === 'and' ? parts.every((part) => part.holds) : parts.some((part) => part.holds);
    return { holds, what, parts };
  };
}

function negated(what: string, explain: Explain): Explain {
  return (record) => {
    const part = explain(record);
    return { holds: !part.holds, what, parts: [part] };
  };
}
