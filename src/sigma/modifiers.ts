/**
 * The value modifiers of Sigma 2.1: what each one does to a value. `all` and `neq` are not here because they
 * concern a field's values together (see detection.ts), nor is `expand`, which runs before the others.
 */

import { ANY_DASH, ANY_RUN } from './ast.ts';
import type { CompareOperator, Pattern, TimePart } from './ast.ts';
import type { Budget } from './budget.ts';
import { shown } from './faults.ts';
import { fieldNameFault } from './field-name.ts';
import { parseNetwork } from './ip.ts';
import { literalOf, normalise, parsePattern, spelledDashes, withAnyDash } from './pattern.ts';
import { compileRegex } from './regex.ts';
import { ValueError, numberOf } from './value.ts';
import type { NumberValue, TextValue, Value } from './value.ts';

/** One value in, one or several ORed values out. Throws ValueError. */
export type Modifier = (value: Value) => Value | readonly Value[];

/** Kinds of value in messages: "… applies to text, not to a regular expression". */
const KIND_NAMES: Readonly<Record<Value['kind'], string>> = {
  raw: 'this value',
  text: 'text',
  number: 'a numeric comparison',
  regex: 'a regular expression',
  cidr: 'a network',
  reference: 'a field reference',
  exists: 'exists',
};

/** `remedy` begins with a semicolon. Throws ValueError. */
export function refuse(name: string, takes: string, value: Value, remedy = ''): never {
  let given = KIND_NAMES[value.kind];
  if (value.kind === 'raw')
    given = typeof value.value === 'string' ? shown(value.value) : value.source || 'nothing';
  throw new ValueError('BAD_MODIFIER', `|${name} applies to ${takes}, not to ${given}${remedy}`);
}

/** The value as text. A number or boolean becomes its text; a number that a double would round, the text as written. */
export function asText(name: string, value: Value): TextValue {
  if (value.kind === 'text') return value;
  if (value.kind !== 'raw' || value.value === null) return refuse(name, 'text', value);
  const { value: raw, source } = value;
  const exact = typeof raw !== 'number' || !Number.isInteger(raw) || Number.isSafeInteger(raw);
  const pattern = typeof raw === 'string' ? parsePattern(raw) : normalise([exact ? String(raw) : source]);
  return { kind: 'text', pattern, cased: false, bytes: false };
}

function onText(name: string, change: (pattern: Pattern) => Pattern): Modifier {
  return (value) => {
    const text = asText(name, value);
    return { ...text, pattern: change(text.pattern) };
  };
}

/** `contains`, `startswith`, `endswith`: which ends are open. */
function opening(name: string, openStart: boolean, openEnd: boolean): Modifier {
  return (value) => {
    if (value.kind === 'reference') {
      return { ...value, openStart: value.openStart || openStart, openEnd: value.openEnd || openEnd };
    }
    if (value.kind === 'regex') {
      // An expression is searched anywhere already, so it changes only if one of its ends must be an end of the
      // value.
      const source = `${openStart ? '' : '^'}(?:${value.source})${openEnd ? '' : '$'}`;
      return openStart && openEnd ? value : { ...value, source };
    }
    const text = asText(name, value);
    const pattern = normalise([
      ...(openStart ? ([ANY_RUN] as const) : []),
      ...text.pattern,
      ...(openEnd ? ([ANY_RUN] as const) : []),
    ]);
    return { ...text, pattern };
  };
}

function cased(value: Value): Value {
  return value.kind === 'reference' ? { ...value, cased: true } : { ...asText('cased', value), cased: true };
}

/** Most dashes that an encoding may have to spell out, with 5 choices each. */
const MAX_SPELLED_DASHES = 4;

function spelled(name: string, pattern: Pattern): readonly Pattern[] {
  if (pattern.filter((token) => token === ANY_DASH).length > MAX_SPELLED_DASHES) {
    throw new ValueError(
      'BAD_MODIFIER',
      `|${name} after |windash takes at most ${MAX_SPELLED_DASHES} dashes in a value; split the value`,
    );
  }
  return spelledDashes(pattern);
}

/** The value's bytes, once per choice of dashes. */
function bytesOf(name: string, value: Value): readonly Buffer[] {
  const text = asText(name, value);
  return spelled(name, text.pattern).map((pattern) => {
    const literal = literalOf(pattern);
    if (literal === undefined) {
      throw new ValueError(
        'BAD_MODIFIER',
        `|${name} cannot encode the wildcards * and ?; escape them with \\ or encode the fixed part only`,
      );
    }
    return Buffer.from(literal, text.bytes ? 'latin1' : 'utf8');
  });
}

/** Base64 is case-sensitive by nature: other letters are other bytes. */
function base64Text(text: string): TextValue {
  return { kind: 'text', pattern: normalise([text]), cased: true, bytes: false };
}

function base64(value: Value): readonly Value[] {
  return bytesOf('base64', value).map((bytes) => base64Text(bytes.toString('base64')));
}

/** The part of the encoding that does not depend on neighbouring bytes, for each of the three shifts. */
function base64offset(value: Value): readonly Value[] {
  return bytesOf('base64offset', value).flatMap((bytes) => {
    if (bytes.length < 2)
      throw new ValueError('BAD_VALUE', '|base64offset needs at least two bytes to recognise');
    return [0, 1, 2].map((shift) => {
      const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
      const start = [0, 2, 3][shift]!;
      const end = [encoded.length, encoded.length - 3, encoded.length - 2][(bytes.length + shift) % 3]!;
      return base64Text(encoded.slice(start, end));
    });
  });
}

function utf16(name: string, mark: string, bigEndian: boolean): Modifier {
  return (value) => {
    const text = asText(name, value);
    return spelled(name, text.pattern).map((pattern) => {
      const tokens = pattern.map((token) => {
        if (typeof token !== 'string') return token;
        const bytes = Buffer.from(token, 'utf16le');
        return (bigEndian ? bytes.swap16() : bytes).toString('latin1');
      });
      return { ...text, bytes: true, pattern: normalise([mark, ...tokens]) };
    });
  };
}

function regex(value: Value): Value {
  if (value.kind !== 'raw' || value.value === null) return refuse('re', 'a regular expression', value);
  return {
    kind: 'regex',
    source: typeof value.value === 'string' ? value.value : value.source,
    flags: '',
  };
}

function flag(name: string, letter: string): Modifier {
  return (value) => {
    if (value.kind !== 'regex') return refuse(name, 'regular expressions', value, '; put it after |re');
    return { ...value, flags: [...new Set(value.flags + letter)].join('') };
  };
}

function cidr(value: Value): Value {
  if (value.kind !== 'raw' || typeof value.value !== 'string')
    return refuse('cidr', 'a network such as 10.0.0.0/8', value);
  const network = parseNetwork(value.value);
  if (typeof network === 'string')
    throw new ValueError('BAD_CIDR', `${JSON.stringify(value.value)} is no network: ${network}`);
  return { kind: 'cidr', network: value.value };
}

function fieldref(value: Value): Value {
  const text = asText('fieldref', value);
  const path = literalOf(text.pattern);
  if (path === undefined || path === '') {
    throw new ValueError(
      'BAD_MODIFIER',
      '|fieldref takes the name of a field, without wildcards; startswith, endswith and contains come after it',
    );
  }
  const fault = fieldNameFault(path);
  if (fault !== undefined) throw new ValueError('BAD_VALUE', fault);
  return { kind: 'reference', path, openStart: false, openEnd: false, cased: text.cased };
}

function exists(value: Value): Value {
  if (value.kind === 'raw' && typeof value.value === 'boolean')
    return { kind: 'exists', expected: value.value };
  return refuse('exists', 'true or false, without quotes', value);
}

function number(name: string, takes: string, value: Value): NumberValue {
  if (value.kind === 'number') return value;
  if (value.kind !== 'raw' || typeof value.value === 'boolean' || value.value === null)
    return refuse(name, takes, value);
  const parsed = typeof value.value === 'number' ? value.value : numberOf(value.value);
  if (!Number.isFinite(parsed)) return refuse(name, takes, value);
  return { kind: 'number', value: parsed, op: undefined, part: undefined };
}

function compare(op: CompareOperator): Modifier {
  return (value) => {
    const given = number(op, 'a number', value);
    if (given.op !== undefined)
      throw new ValueError('BAD_MODIFIER', `|${op} cannot follow |${given.op}; write two keys`);
    return { ...given, op };
  };
}

const PART_RANGES: Readonly<Record<TimePart, readonly [number, number]>> = {
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  week: [1, 53],
  month: [1, 12],
  year: [0, 9999],
};

function timePart(part: TimePart): Modifier {
  return (value) => {
    const given = number(part, 'a whole number', value);
    const [low, high] = PART_RANGES[part];
    if (given.part !== undefined)
      throw new ValueError('BAD_MODIFIER', `|${part} cannot follow |${given.part}; write two keys`);
    if (!Number.isInteger(given.value) || given.value < low || given.value > high) {
      throw new ValueError(
        'BAD_NUMBER',
        `${given.value} is no ${part}; expected a whole number from ${low} to ${high}`,
      );
    }
    return { ...given, part };
  };
}

export const MODIFIERS: ReadonlyMap<string, Modifier> = new Map<string, Modifier>([
  ['contains', opening('contains', true, true)],
  ['startswith', opening('startswith', false, true)],
  ['endswith', opening('endswith', true, false)],
  ['exists', exists],
  ['cased', cased],
  ['windash', onText('windash', withAnyDash)],
  ['re', regex],
  ['i', flag('i', 'i')],
  ['ignorecase', flag('ignorecase', 'i')],
  ['m', flag('m', 'm')],
  ['multiline', flag('multiline', 'm')],
  ['s', flag('s', 's')],
  ['dotall', flag('dotall', 's')],
  ['base64', base64],
  ['base64offset', base64offset],
  ['utf16le', utf16('utf16le', '', false)],
  ['wide', utf16('wide', '', false)],
  ['utf16be', utf16('utf16be', '', true)],
  ['utf16', utf16('utf16', '\u00ff\u00fe', false)],
  ['lt', compare('lt')],
  ['lte', compare('lte')],
  ['gt', compare('gt')],
  ['gte', compare('gte')],
  ['minute', timePart('minute')],
  ['hour', timePart('hour')],
  ['day', timePart('day')],
  ['week', timePart('week')],
  ['month', timePart('month')],
  ['year', timePart('year')],
  ['cidr', cidr],
  ['fieldref', fieldref],
]);

/** Modifiers that change the kind of a value, and therefore come before all others. */
export const FIRST_MODIFIERS: ReadonlySet<string> = new Set(['re', 'cidr', 'exists']);

/**
 * Called once an expression's flags are known. Throws ValueError if the expression cannot be used. Returns a
 * warning if only the start of a value is searched because of a back-reference.
 */
export function checkRegex(source: string, flags: string, budget: Budget): string | undefined {
  budget.checkRegex();
  const compiled = compileRegex(source, flags);
  budget.spendRegex(compiled.size);
  if (compiled.engine === 'none') {
    throw new ValueError(compiled.code, `${shown(source)} cannot be used: ${compiled.reason}`);
  }
  if (compiled.engine !== 'javascript') return undefined;
  return `${shown(source)} has a back-reference, so only the first ${compiled.searched} characters of a value are searched; use fewer repeats, bound them, or do without the back-reference`;
}
