/**
 * Detection section: YAML → checked detections. A map is the AND of its keys, a list of values or of maps an OR,
 * and a selection that is a list of plain values a keyword search over the whole event.
 */

import { ANY_RUN } from './ast.ts';
import type { Detection, Test } from './ast.ts';
import type { Budget } from './budget.ts';
import { shown } from './faults.ts';
import type { Faults } from './faults.ts';
import { fieldNameFault } from './field-name.ts';
import { FIRST_MODIFIERS, MODIFIERS, asText, checkRegex, refuse } from './modifiers.ts';
import type { Modifier } from './modifiers.ts';
import { suggestion } from './nearest.ts';
import { normalise, parsePattern, parseTemplate } from './pattern.ts';
import { ValueError } from './value.ts';
import type { Value } from './value.ts';
import { kindOf } from './yaml-tree.ts';
import type { YamlEntry, YamlNode, YamlScalar } from './yaml-tree.ts';

/** Values of `%name%` placeholders. */
export type Placeholders = Readonly<Record<string, readonly string[]>>;

export interface DetectionContext {
  readonly faults: Faults;
  readonly placeholders: Placeholders;
  readonly budget: Budget;
}

/** Most values that one value with placeholders may expand to: several placeholders multiply. */
const MAX_EXPANSION = 10_000;

const LIST_MODIFIERS: readonly string[] = ['all', 'neq', 'expand'];

/** Modifiers that treat a number as text. */
const TEXT_MODIFIERS: ReadonlySet<string> = new Set(
  'contains startswith endswith cased windash base64 base64offset utf16le wide utf16be utf16'.split(' '),
);

const NEVER: Detection = { kind: 'or', parts: [] };

/** Parses one named selection. Reports faults; the result is then not to be used. */
export function parseDetection(node: YamlNode, context: DetectionContext): Detection {
  if (node.kind === 'scalar') return keywords([node], context);
  if (node.kind === 'map') return parseMap(node, context);
  if (node.items.length === 0) {
    context.faults.error(
      node,
      'EMPTY_LIST',
      'the selection is an empty list; give at least one map or value',
    );
    return NEVER;
  }
  const scalars = node.items.filter((item) => item.kind === 'scalar');
  if (scalars.length === node.items.length) return keywords(scalars, context);
  const parts = node.items.map((item) => {
    if (item.kind === 'map') return parseMap(item, context);
    if (item.kind === 'scalar') return keywords([item], context);
    context.faults.error(item, 'WRONG_TYPE', 'a selection holds maps or values, not a list in a list');
    return NEVER;
  });
  return joined('or', parts);
}

function parseMap(node: Extract<YamlNode, { kind: 'map' }>, context: DetectionContext): Detection {
  if (node.entries.size === 0) {
    context.faults.error(node, 'EMPTY_MAP', 'the selection is an empty map; give at least one field');
  }
  return joined(
    'and',
    [...node.entries.values()].map((entry) => parseItem(entry, context)),
  );
}

function keywords(nodes: readonly YamlScalar[], context: DetectionContext): Detection {
  return parseValues('', [], nodes, context);
}

/** `field|modifier|…: value or values` */
function parseItem(entry: YamlEntry, context: DetectionContext): Detection {
  const { faults } = context;
  if (faults.full) return NEVER;
  const [path = '', ...modifiers] = entry.key.split('|');
  const before = faults.errors;
  for (const [i, modifier] of modifiers.entries()) {
    const known = MODIFIERS.has(modifier) || LIST_MODIFIERS.includes(modifier);
    if (!known) {
      const near = suggestion(modifier, [...MODIFIERS.keys(), ...LIST_MODIFIERS]);
      faults.error(entry.place, 'UNKNOWN_MODIFIER', `there is no modifier ${shown(modifier)}${near}`);
    } else if (FIRST_MODIFIERS.has(modifier) && i > 0) {
      faults.error(entry.place, 'MODIFIER_ORDER', `|${modifier} comes first, before |${modifiers[0]}`);
    }
  }
  if (modifiers.includes('exists') && (modifiers.length > 1 || path === '')) {
    const reason = path === '' ? 'needs a field before it' : 'stands alone, without other modifiers';
    faults.error(entry.place, 'BAD_MODIFIER', `|exists ${reason}`);
  }
  const fieldFault = fieldNameFault(path);
  if (fieldFault !== undefined) faults.error(entry.place, 'BAD_VALUE', fieldFault);
  const nodes = valueNodes(entry.value, faults);
  if (modifiers.includes('all') && nodes.length === 1) {
    faults.error(
      entry.place,
      'ALL_ON_SINGLE_VALUE',
      '|all joins several values; this key has one: remove |all',
    );
  }
  if (nodes.length === 0 || faults.errors > before) return NEVER;
  return parseValues(path, modifiers, nodes, context);
}

function valueNodes(node: YamlNode, faults: Faults): readonly YamlScalar[] {
  if (node.kind === 'scalar') return [node];
  if (node.kind === 'map') {
    faults.error(
      node,
      'WRONG_TYPE',
      'a field takes a value or a list of values, not a map; write nested fields with dots',
    );
    return [];
  }
  if (node.items.length === 0) {
    faults.error(
      node,
      'EMPTY_LIST',
      'the list of values is empty; give at least one, or null for an absent field',
    );
  }
  const scalars: YamlScalar[] = [];
  for (const item of node.items) {
    if (item.kind !== 'scalar') {
      faults.error(item, 'WRONG_TYPE', `a list of values holds plain values, not ${kindOf(item)}`);
    } else if (item.value === null) {
      faults.error(
        item,
        'NULL_IN_LIST',
        'null cannot stand in a list of values; put it in a selection of its own',
      );
    } else {
      scalars.push(item);
    }
  }
  return scalars.length === node.items.length ? scalars : [];
}

function parseValues(
  path: string,
  modifiers: readonly string[],
  nodes: readonly YamlScalar[],
  context: DetectionContext,
): Detection {
  const steps = modifiers.flatMap((name) => {
    const modifier = MODIFIERS.get(name);
    return modifier === undefined ? [] : [{ name, modifier }];
  });
  const parts = nodes.map((node) => {
    if (context.faults.full) return NEVER;
    try {
      const alternatives = startValues(node, modifiers, context).flatMap((value) =>
        applyAll(value, steps, context.budget),
      );
      const tests = alternatives.flatMap((value) =>
        finish(value, path === '' && isSubstring(modifiers), node, context),
      );
      return joined(
        'or',
        tests.map((test): Detection => (path === '' ? keyword(test) : { kind: 'field', path, test })),
      );
    } catch (thrown) {
      if (!(thrown instanceof ValueError)) throw thrown;
      context.faults.error(node, thrown.code, thrown.message);
      return NEVER;
    }
  });
  const detection = joined(modifiers.includes('all') ? 'and' : 'or', parts);
  return modifiers.includes('neq') ? { kind: 'not', part: detection } : detection;
}

/** A keyword matches anywhere in a value unless a modifier ties it to one end. */
function isSubstring(modifiers: readonly string[]): boolean {
  return !modifiers.includes('startswith') && !modifiers.includes('endswith');
}

function keyword(test: Test): Detection {
  if (test.kind !== 'null') return { kind: 'keyword', test };
  throw new ValueError('BAD_VALUE', 'null needs a field; a keyword is text or a number');
}

function applyAll(
  value: Value,
  steps: readonly { name: string; modifier: Modifier }[],
  budget: Budget,
): readonly Value[] {
  let values: readonly Value[] = [value];
  for (const { name, modifier } of steps) {
    values = values.flatMap((each) => {
      budget.check(each, name);
      const made = modifier(each);
      const all = Array.isArray(made) ? (made as readonly Value[]) : [made as Value];
      budget.spend(all);
      return all;
    });
  }
  return values;
}

/** The value before its modifiers, once per combination of its placeholders' values. */
function startValues(
  node: YamlScalar,
  modifiers: readonly string[],
  context: DetectionContext,
): readonly Value[] {
  const raw: Value = { kind: 'raw', value: node.value, source: node.source };
  if (typeof node.value === 'number') return numberValues(node.value, raw, modifiers);
  if (!modifiers.includes('expand')) return [raw];
  if (node.value === null) refuse('expand', 'text', raw);
  if (typeof node.value !== 'string') return [raw];
  const asRaw = modifiers.includes('re') || modifiers.includes('cidr');
  let expanded: string[] = [''];
  for (const part of parseTemplate(node.value)) {
    const pieces = 'text' in part ? [part.text] : placeholderValues(part.placeholder, context.placeholders);
    const escaped = modifiers.includes('re') && 'placeholder' in part ? pieces.map(escapeRegex) : pieces;
    if (expanded.length * escaped.length > MAX_EXPANSION) {
      throw new ValueError(
        'BAD_VALUE',
        `the placeholders expand to more than ${MAX_EXPANSION} values; split the rule`,
      );
    }
    expanded = expanded.flatMap((start) => escaped.map((piece) => start + piece));
  }
  const values = expanded.map((text): Value =>
    asRaw
      ? { kind: 'raw', value: text, source: text }
      : { kind: 'text', pattern: parsePattern(text), cased: false, bytes: false },
  );
  context.budget.spend(values);
  return values;
}

/** For modifiers that treat a number as text, 007 and 1.0 have two texts each, as for equality. */
function numberValues(
  number: number,
  raw: Extract<Value, { kind: 'raw' }>,
  modifiers: readonly string[],
): readonly Value[] {
  const first = modifiers.find((name) => !LIST_MODIFIERS.includes(name));
  if (first === undefined || !TEXT_MODIFIERS.has(first)) return [raw];
  return spellingsOf(number, raw.source).map((text) => ({
    kind: 'text',
    pattern: normalise([text]),
    cased: false,
    bytes: false,
  }));
}

function placeholderValues(name: string, placeholders: Placeholders): readonly string[] {
  const values = Object.hasOwn(placeholders, name) ? placeholders[name] : undefined;
  if (values !== undefined && values.length > 0) return values;
  if (values !== undefined)
    throw new ValueError(
      'UNRESOLVED_PLACEHOLDER',
      `the placeholder %${name}% is there, but without a value; give it some, or its list a row`,
    );
  const names = Object.keys(placeholders);
  const known = names.length === 0 ? 'none are configured' : `configured: ${names.slice(0, 10).join(', ')}`;
  throw new ValueError(
    'UNRESOLVED_PLACEHOLDER',
    `the placeholder %${name}% has no values; give it some in the setting placeholders (${known})${suggestion(name, names)}`,
  );
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The tests of a value that has passed its modifiers. */
function finish(
  value: Value,
  substring: boolean,
  node: YamlScalar,
  { faults, budget }: DetectionContext,
): readonly Test[] {
  switch (value.kind) {
    case 'text':
      return [textTest(value.pattern, value.cased, substring)];
    case 'regex': {
      const warning = checkRegex(value.source, value.flags, budget);
      if (warning !== undefined) faults.warning(node, 'SEARCHES_START', warning);
      return [value];
    }
    case 'number':
      if (value.part !== undefined)
        return [{ kind: 'time', part: value.part, op: value.op ?? 'eq', value: value.value }];
      return [{ kind: 'compare', op: value.op!, value: value.value }];
    case 'raw':
      return rawTests(value, substring);
    default:
      return [value];
  }
}

function rawTests(value: Extract<Value, { kind: 'raw' }>, substring: boolean): readonly Test[] {
  if (value.value === null) return [{ kind: 'null' }];
  if (typeof value.value !== 'number') return [textTest(asText('', value).pattern, false, substring)];
  const spellings = spellingsOf(value.value, value.source);
  return spellings.map((text) => textTest(normalise([text]), false, substring));
}

/** 0x10 and 1.0 match the numbers 16 and 1, and also the texts as which they were written. */
export function spellingsOf(number: number, source: string): readonly string[] {
  return [...new Set([decimalText(number, source), source])];
}

/** The number in decimal, with all digits of an integer beyond 2^53, which a double would round. */
function decimalText(number: number, source: string): string {
  const isLong = Number.isInteger(number) && !Number.isSafeInteger(number);
  if (!isLong || !/^[-+]?\d+$|^0x[\da-f]+$|^0o[0-7]+$/i.test(source)) return String(number);
  return BigInt(source).toString();
}

function textTest(pattern: readonly (string | 0 | 1 | 2)[], cased: boolean, substring: boolean): Test {
  return { kind: 'text', pattern: substring ? normalise([ANY_RUN, ...pattern, ANY_RUN]) : pattern, cased };
}

/** `and` or `or` over the parts, or the only part itself. */
function joined(kind: 'and' | 'or', parts: readonly Detection[]): Detection {
  return parts.length === 1 ? parts[0]! : { kind, parts };
}
