/** Tests, patterns and values in words, for explanations of rules. */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { FieldValue } from '../event/record.ts';
import { parseTime } from '../event/time.ts';
import { ANY_DASH, ANY_ONE, ANY_RUN } from '../sigma/ast.ts';
import type { Pattern, Test } from '../sigma/ast.ts';
import { weekdayOf } from '../sigma/holidays.ts';
import { literalOf } from '../sigma/pattern.ts';
import { compileTimePart, zoneOffset } from '../sigma/time-part.ts';
import { numberOf } from '../sigma/value.ts';
import type { WorkState } from '../sigma/working-hours.ts';

const ENDS = {
  'false-false': 'the same as',
  'true-true': 'holding',
  'true-false': 'ending with',
  'false-true': 'starting with',
} as const;

type Reference = Extract<Test, { readonly kind: 'reference' }>;

/** How a value is to compare with another field's, in words. */
export function referenceWords({ openStart, openEnd, path }: Reference): string {
  return `${ENDS[`${openStart}-${openEnd}`]} ${path}`;
}

/** How a value compares with a test that holds or not, in words. */
export function relation(
  test: Exclude<Test, Reference>,
  timezone: string,
  value: FieldValue | undefined,
  holds: boolean,
): string {
  const wanted = wantedBy(test);
  if (test.kind === 'exists') return test.expected ? 'it was to be there' : 'it was to be absent';
  if (value === undefined && !holds) return `wanted ${wanted}`;
  const is = holds ? 'is' : 'is not';
  switch (test.kind) {
    case 'text':
      return `${is} ${literalOf(test.pattern) === undefined ? 'like ' : ''}${wanted}`;
    case 'regex':
      return `${wanted} ${is} found in it`;
    case 'cidr':
      return `${is} in ${wanted}`;
    case 'compare':
      if (typeof value === 'string' && Number.isNaN(numberOf(value))) return `no number, so not ${wanted}`;
      return `${is} ${wanted}`;
    case 'time': {
      const time = parseTime(value);
      if (Number.isNaN(time)) return Array.isArray(value) ? `${is} ${wanted}` : `no time, so not ${wanted}`;
      const part = compileTimePart(test.part, timezone)(time);
      return `its ${test.part} in ${timezone}, ${part}, ${is} ${test.op === 'eq' ? '' : `${test.op} `}${test.value}`;
    }
    case 'null':
      return `${is} ${wanted}`;
  }
}

/** What a test asks for, in words that also fit into a list. */
export function wantedBy(test: Test): string {
  switch (test.kind) {
    case 'text':
      return patternText(test.pattern) + (test.cased ? ' (letter case counts)' : '');
    case 'regex':
      return `/${test.source}/${test.flags}`;
    case 'cidr':
      return test.network;
    case 'compare':
      return `${test.op} ${test.value}`;
    case 'time':
      return `${test.part}${test.op === 'eq' ? '' : ` ${test.op}`} ${test.value}`;
    case 'reference':
      return referenceWords(test);
    case 'exists':
      return test.expected ? 'any value' : 'no value';
    case 'null':
      return 'null or absent';
  }
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

const WORK_WORDS = {
  working: 'within working hours',
  weekday: 'no working day',
  holiday: 'a holiday',
  hour: 'outside working hours',
} as const;

/** How an instant (ms since the epoch) relates to working hours, in words. */
export function workWords(state: WorkState, time: number, timezone: string): string {
  if (state === 'timeless') return 'the event has no time';
  const local = time + zoneOffset(timezone)(time);
  const day = WEEKDAYS[weekdayOf(Math.floor(local / 86_400_000))]!;
  const clock = new Date(local).toISOString().slice(0, 16).replace('T', ' ');
  return `${day} ${clock} in ${timezone}: ${WORK_WORDS[state]}`;
}

const PLAIN = /^[\p{L}\p{N}_*?.:/@+-]+$/u;

/** A pattern as a rule writes it; quoted if it would run into the sentence around it. */
function patternText(pattern: Pattern): string {
  const text = pattern
    .map((token) => {
      if (token === ANY_RUN) return '*';
      if (token === ANY_ONE) return '?';
      return token === ANY_DASH ? '-' : token.replaceAll(/[*?]|\\(?=[*?\\]|$)/g, String.raw`\$&`);
    })
    .join('');
  return PLAIN.test(text) ? text : shortened(JSON.stringify(text));
}

const LISTED = 8;

export function listed(wanted: readonly string[]): string {
  const more = wanted.length - LISTED;
  return more > 0 ? `${wanted.slice(0, LISTED).join(', ')} and ${more} more` : wanted.join(', ');
}

/** A value as JSON on one line, shortened. */
export function shownValue(value: FieldValue): string {
  return shortened(JSON.stringify(plain(value)));
}

const SHOWN_CHARACTERS = 120;

export function shortened(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 1)}…` : text;
}

/** A value as JSON would hold it: pseudonyms are their texts. */
export function plain(value: FieldValue): unknown {
  if (value instanceof Pseudonyms) return Array.from({ length: value.length }, (_, i) => value.text(i));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
