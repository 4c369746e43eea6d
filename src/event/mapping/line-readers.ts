/**
 * One line of a log → its fields by name, before any mapping. Three kinds of log: JSON, lines that fit a pattern,
 * and the W3C extended format, whose `#Fields:` line names the columns of the lines below it.
 */

import type { DecodeFault } from '../decoder.ts';
import { brokenFault, fault, readObject, readText } from '../event-reader.ts';
import { isObject, type JsonObject } from '../field-path.ts';
import type { FieldValue } from '../record.ts';
import type { Mapping } from './mapping.ts';
import { timeParser } from './log-time.ts';
import { checkedPattern } from './pattern.ts';

/**
 * The fields, and whether U+FFFD replaced bytes that are not UTF-8; a fault; or `directive`: a line about the log
 * itself. Invalid bytes are replaced in JSON too: a server that writes what clients send into JSON may not check
 * it (nginx escapes quotes, not bytes), and a client that could make its line unreadable would hide itself.
 */
type Line =
  | { readonly source: JsonObject; readonly replaced: boolean; readonly fault?: undefined }
  | { readonly source?: undefined; readonly replaced?: undefined; readonly fault: DecodeFault | 'directive' };

export type LineReader = (data: Uint8Array, start: number, end: number) => Line;

/** How logs in columns write an absent value. */
const ABSENT: readonly string[] = ['-', ''];

export function lineReader(mapping: Mapping, maxBytes: number): LineReader {
  if (mapping.input === 'json') return jsonReader(new Set(mapping.absent), maxBytes);
  const absent = new Set(mapping.absent ?? ABSENT);
  return mapping.input === 'regex'
    ? patternReader(mapping.pattern!, absent, maxBytes)
    : w3cReader(mapping, absent, maxBytes);
}

function jsonReader(absent: ReadonlySet<string>, maxBytes: number): LineReader {
  return (data, start, end) => {
    const read = readObject(data, start, end, maxBytes, 'replace');
    if (read.fault !== undefined) return read;
    if (absent.size > 0) removeAbsent(read.value, absent);
    return { source: read.value, replaced: read.replaced };
  };
}

/** Removes absent values in place, from lists too. */
function removeAbsent(value: FieldValue, absent: ReadonlySet<string>): void {
  const isAbsent = (each: FieldValue): boolean => typeof each === 'string' && absent.has(each);
  if (Array.isArray(value)) {
    let kept = 0;
    for (const each of value) {
      if (isAbsent(each)) continue;
      removeAbsent(each, absent);
      value[kept++] = each;
    }
    value.length = kept;
  } else if (isObject(value)) {
    for (const [key, each] of Object.entries(value)) {
      if (isAbsent(each)) delete value[key];
      else removeAbsent(each, absent);
    }
  }
}

function patternReader(source: string, absent: ReadonlySet<string>, maxBytes: number): LineReader {
  const pattern = checkedPattern(source);
  const groups = Object.entries(pattern.namedGroups());
  return (data, start, end) => {
    const read = readText(data, start, end, maxBytes, 'replace');
    if (read.fault !== undefined) return read;
    const line = withoutEnd(read.value);
    const whole = withoutBreak(read.value);
    let match = pattern.matcher(line);
    let fits = match.matches();
    if (!fits && whole !== line) {
      match = pattern.matcher(whole);
      fits = match.matches();
    }
    if (!fits) {
      return { fault: unfit('the line does not fit the pattern of the mapping', read, data, start, end) };
    }
    const source = present(groups, (group) => match.group(group), absent);
    return { source, replaced: read.replaced };
  };
}

const FIELDS = /^#Fields:\s*/i;

function w3cReader(
  { fields: fixed, time }: Mapping,
  absent: ReadonlySet<string>,
  maxBytes: number,
): LineReader {
  let columns = fixed?.map((name, i) => [name, i] as const);
  const parse = timeParser(time.format ?? 'iso');
  const hasTime = (values: readonly string[]): boolean => {
    const valueOf = (field: string): string => values[columns!.findIndex(([name]) => name === field)] ?? '';
    return !Number.isNaN(parse([time.field].flat().map(valueOf).join(' ')));
  };
  let without = 'no #Fields line came before, and the mapping has no fields';
  return (data, start, end) => {
    const read = readText(data, start, end, maxBytes, 'replace');
    if (read.fault !== undefined) return read;
    const line = withoutEnd(read.value);
    if (FIELDS.test(line)) {
      const names = line.replace(FIELDS, '').split(/\s+/);
      if (fixed === undefined) {
        const again = names.findIndex((name, i) => names.indexOf(name) < i);
        columns = again < 0 ? names.map((name, i) => [name, i] as const) : undefined;
        if (again >= 0) {
          const first = names.indexOf(names[again]!);
          without = `the #Fields line before gives columns ${first + 1} and ${again + 1} one name; name the columns in the mapping, as fields`;
          const message = `the #Fields line gives columns ${first + 1} and ${again + 1} one name`;
          return { fault: unfit(message, read, data, start, end) };
        }
      } else if (names.join(' ') !== fixed.join(' ')) {
        const message = 'the #Fields line names other fields than the mapping';
        return { fault: unfit(message, read, data, start, end) };
      }
      return { fault: 'directive' };
    }
    if (line.startsWith('#')) return { fault: 'directive' };
    if (columns === undefined) {
      return { fault: unfit(without, read, data, start, end) };
    }
    const values = w3cValues(line, withoutBreak(read.value), columns.length, hasTime);
    if (values.length !== columns.length) {
      const message = `the line has ${values.length} values for ${columns.length} fields`;
      return { fault: unfit(message, read, data, start, end) };
    }
    return { source: present(columns, (i) => values[i]!, absent), replaced: read.replaced };
  };
}

/** The line without trailing blanks and line break. Not `trimEnd`: a client may send a no-break space as a value. */
function withoutEnd(line: string): string {
  return withoutLast(line, ' \t\r\n');
}

/** The line without its line break. Trailing blanks stay: empty columns may stand between them. */
function withoutBreak(line: string): string {
  return withoutLast(line, '\r\n');
}

function withoutLast(line: string, marks: string): string {
  let end = line.length;
  while (end > 0 && marks.includes(line[end - 1]!)) end--;
  return line.slice(0, end);
}

/** If bytes were replaced, they are the likelier reason: bytes of another encoding fit nowhere. */
function unfit(
  message: string,
  { replaced }: { readonly replaced: boolean },
  data: Uint8Array,
  start: number,
  end: number,
): DecodeFault {
  return replaced ? brokenFault(data, start, end) : fault('NOT_IN_FORMAT', message);
}

/**
 * Values are separated by tabs or by spaces; between spaces, values that hold a space are quoted. Clients choose
 * some of them, with quotes and tabs of their own, so a line is split in the way that gives as many values as
 * there are columns; of several such ways, in one that finds the time in its place, and by spaces rather than
 * across quotes, which may belong to two values. `whole` includes trailing blanks.
 */
function w3cValues(
  line: string,
  whole: string,
  columns: number,
  hasTime: (values: readonly string[]) => boolean,
): string[] {
  const plain = line.split(/ +/);
  if (!/[\t"]/.test(whole)) return plain;
  const quoted = Array.from(line.matchAll(/"(?:[^"]|"")*"|[^ \t]+/g), ([value]) => unquoted(value));
  const fitting = [line.split('\t'), whole.split('\t'), plain.map(unquoted), quoted].filter(
    ({ length }) => length === columns,
  );
  const [first, ...others] = fitting;
  return (others.length > 0 ? fitting.find(hasTime) : undefined) ?? first ?? quoted;
}

function unquoted(value: string): string {
  return /^"(?:[^"]|"")*"$/.test(value) ? value.slice(1, -1).replaceAll('""', '"') : value;
}

function present(
  fields: readonly (readonly [name: string, at: number])[],
  valueAt: (at: number) => string | null,
  absent: ReadonlySet<string>,
): JsonObject {
  // Without a prototype: a column may have any name.
  const source = Object.create(null) as JsonObject;
  for (const [name, at] of fields) {
    const value = valueAt(at);
    if (value !== null && !absent.has(value)) source[name] = value;
  }
  return source;
}
