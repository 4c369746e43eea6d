/**
 * What must be true of an event for a rule to match, as keys that an index can look up.
 *
 * A requirement is a list of keys, at least one of which holds for every event that the rule matches. Of parts
 * joined by `and`, one is enough, so the most selective is taken; of parts joined by `or`, all keys are. Nothing
 * is known below a `not`.
 */

import type { Condition, Detection, Test } from './ast.ts';
import { fold } from './fold.ts';
import { LEAST_LITERAL } from './literal-index.ts';
import { literalOf } from './pattern.ts';
import type { BaseRule } from './rule.ts';

/** The field equals the folded text, holds the folded literal, or is present at all (`null` included). */
export interface Key {
  readonly kind: 'equals' | 'holds' | 'present';
  readonly path: string;
  /** Folded; empty for `present`. */
  readonly text: string;
}

interface Requirement {
  readonly keys: readonly Key[];
  /** Estimated share of events for which some key holds. */
  readonly share: number;
}

/** Chance that a literal of three characters occurs by accident; halves with each further one, down to LEAST_SHARE. */
const SHORT_LITERAL_SHARE = 0.02;
const LEAST_SHARE = 0.001;
const PRESENT_SHARE = 0.9;

/** Requirements of rules loaded together: what many of them ask for is assumed to be frequent. */
export class Requirements {
  readonly #rules: number;
  readonly #uses = new Map<string, Map<string, number>>();

  constructor(rules: readonly BaseRule[]) {
    this.#rules = rules.length;
    // A filter's selections are the same objects in all rules that it applies to.
    const rulesWith = new Map<Detection, number>();
    for (const { detections } of rules) {
      for (const each of detections.values()) rulesWith.set(each, (rulesWith.get(each) ?? 0) + 1);
    }
    for (const [detection, count] of rulesWith) this.#count(detection, count);
  }

  /**
   * Returns the function from a rule to its keys, undefined if any event may match. `literals`: whether a path may
   * have `holds` keys.
   */
  finder(literals: (path: string) => boolean): (rule: BaseRule) => readonly Key[] | undefined {
    const known = new Map<Detection, Requirement | undefined>();
    const ofSelection = (detection: Detection): Requirement | undefined => {
      if (!known.has(detection)) known.set(detection, this.#ofDetection(detection, literals));
      return known.get(detection);
    };
    return (rule) => {
      const ofCondition = (node: Condition): Requirement | undefined => {
        if (node.kind === 'not') return undefined;
        if (node.kind === 'ref') return ofSelection(rule.detections.get(node.name)!);
        return combined(node.kind, node.parts.map(ofCondition));
      };
      return ofCondition(rule.condition)?.keys;
    };
  }

  #ofDetection(node: Detection, literals: (path: string) => boolean): Requirement | undefined {
    switch (node.kind) {
      case 'and':
      case 'or':
        return combined(
          node.kind,
          node.parts.map((part) => this.#ofDetection(part, literals)),
        );
      case 'field': {
        const key = keyOf(node.path, node.test, literals(node.path));
        return key === undefined ? undefined : { keys: [key], share: this.#share(key) };
      }
      default:
        return undefined;
    }
  }

  #share(key: Key): number {
    if (key.kind === 'present') return PRESENT_SHARE;
    const texts = this.#uses.get(`${key.kind} ${key.path}`);
    const popularity = (texts?.get(key.text) ?? 0) / this.#rules;
    const chance =
      key.kind === 'equals'
        ? 1 / ((texts?.size ?? 0) + 1)
        : Math.max(LEAST_SHARE, SHORT_LITERAL_SHARE / 2 ** (key.text.length - LEAST_LITERAL));
    return Math.min(PRESENT_SHARE, chance + popularity / 2);
  }

  #count(node: Detection, rules: number): void {
    if ('parts' in node) for (const part of node.parts) this.#count(part, rules);
    if (node.kind !== 'field') return;
    const key = keyOf(node.path, node.test, true);
    if (key === undefined || key.kind === 'present') return;
    const place = `${key.kind} ${key.path}`;
    const texts = this.#uses.get(place) ?? new Map<string, number>();
    this.#uses.set(place, texts);
    texts.set(key.text, (texts.get(key.text) ?? 0) + rules);
  }
}

/** What a field's test requires; undefined if it may hold for an absent field. */
function keyOf(path: string, test: Test, literals: boolean): Key | undefined {
  if (test.kind === 'null' || (test.kind === 'exists' && !test.expected)) return undefined;
  if (test.kind === 'text') {
    const whole = literalOf(test.pattern);
    if (whole !== undefined) return { kind: 'equals', path, text: fold(whole) };
    let longest = '';
    for (const token of test.pattern) {
      if (typeof token === 'string' && token.length > longest.length) longest = token;
    }
    // Half a surrogate pair does not fold like the whole character.
    if (literals && longest.length >= LEAST_LITERAL && longest.isWellFormed())
      return { kind: 'holds', path, text: fold(longest) };
  }
  return { kind: 'present', path, text: '' };
}

function combined(kind: 'and' | 'or', parts: readonly (Requirement | undefined)[]): Requirement | undefined {
  if (kind === 'and') {
    let best: Requirement | undefined;
    for (const part of parts)
      if (part !== undefined && (best === undefined || part.share < best.share)) best = part;
    return best;
  }
  let share = 0;
  for (const part of parts) {
    if (part === undefined) return undefined;
    share += part.share;
  }
  return { keys: parts.flatMap((part) => part!.keys), share };
}
