/** Helpers: rules from a detection section, events from plain objects, through the reference decoder. */

import { JsonParseDecoder } from '../../../src/event/json-parse-decoder.ts';
import { FieldTable } from '../../../src/event/record.ts';
import type { EventRecord } from '../../../src/event/record.ts';
import { compileMatcher } from '../../../src/sigma/matcher.ts';
import type { Matcher } from '../../../src/sigma/matcher.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { ParseOptions } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';

/** A rule document around a detection section; `detection` is indented as written. */
export function ruleText(detection: string, root = ''): string {
  const indented = detection
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
  return `title: Test rule\nlogsource: {product: portal}\n${root}detection:\n${indented}\n`;
}

/** The loaded rules; throws on any error, with all of them. */
export function load(text: string, options?: ParseOptions): RuleSet {
  const set = parseRules([{ file: 'rules.yml', text }], options);
  const errors = set.faults.filter(({ severity }) => severity === 'error');
  if (errors.length > 0)
    throw new Error(
      errors.map((fault) => `${fault.line}:${fault.column}: ${fault.code}: ${fault.message}`).join('\n'),
    );
  return set;
}

export interface Bench {
  readonly matcher: Matcher;
  readonly decode: (event: unknown) => EventRecord;
  /** Titles of the rules that match, in rule order. */
  readonly matches: (event: unknown) => string[];
}

export function bench(set: RuleSet): Bench {
  const fields = new FieldTable();
  const matcher = compileMatcher(set.rules, fields);
  const decoder = new JsonParseDecoder({ fields, timeRequired: false, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  const decode = (event: unknown): EventRecord => {
    const bytes = Buffer.from(typeof event === 'string' ? event : JSON.stringify(event));
    const fault = decoder.decode(bytes, 0, bytes.length, record);
    if (fault !== undefined) throw new Error(`${fault.code}: ${fault.message}`);
    return record;
  };
  return {
    matcher,
    decode,
    matches(event) {
      const count = matcher.match(decode(event));
      return [...matcher.matched.subarray(0, count)].map((rule) => matcher.rules[rule]!.title);
    },
  };
}

/** Whether a rule with this detection section matches the event. */
export function fires(detection: string, event: unknown, root = '', options?: ParseOptions): boolean {
  return bench(load(ruleText(detection, root), options)).matches(event).length === 1;
}

/** Whether a rule with the one selection `line` matches the event. */
export function selects(line: string, event: unknown, options?: ParseOptions): boolean {
  const body = line
    .split('\n')
    .map((each) => `  ${each}`)
    .join('\n');
  return fires(`sel:\n${body}\ncondition: sel`, event, '', options);
}
