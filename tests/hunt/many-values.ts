/** Rules that ask for thousands of networks, addresses, texts and bounds, and events some of which have one. */

import { LookupList, Lists } from '../../src/lookup/list.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';

const START = Date.parse('2025-07-12T21:00:00Z');

const text = (i: number): string => `u${i}'s \\ account`;

const network = (i: number): string =>
  i % 2 === 0 ? `2001:db8:${i.toString(16)}::/${48 + (i % 3)}` : `10.${i >> 8}.${i & 255}.0/24`;

const inside = (i: number): string =>
  i % 2 === 0 ? `2001:db8:${i.toString(16)}:1::${i.toString(16)}` : `10.${i >> 8}.${i & 255}.7`;

const cell = (i: number): string => (i % 5 === 0 ? inside(i) : i % 7 === 0 ? text(i) : network(i));

const numbers = (from: number, count: number, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => from + step * i);

const listOf = (name: string, columns: readonly string[], rows: readonly string[][]): LookupList =>
  new LookupList(name, `${name}.csv`, { columns, rows, lines: rows.map((_, r) => r + 2) });

const rule = (title: string, detection: object, more: object = {}): string =>
  JSON.stringify({
    title,
    name: title,
    logsource: { category: 'x' },
    detection: { s: detection, condition: 's' },
    ...more,
  });

const RULES = [
  rule('lists', { 'source.ip': '*' }, { 'vigie.unless_listed': ['first', 'second'] }),
  rule('columns', { 'source.ip': '*' }, { 'vigie.only_listed': ['mixed'] }),
  rule('networks', { 'source.ip|cidr': numbers(0, 3000, 2).map(network) }),
  rule('cased texts', { 'user.id|cased': [...numbers(0, 3000, 2).map(text), 'u?5*'] }),
  rule('texts', { 'user.id': numbers(0, 3000, 2).map(text) }),
  rule('events', { 'source.ip': '*' }),
  JSON.stringify({
    title: 'scaled',
    name: 'scaled',
    correlation: {
      type: 'event_count',
      rules: ['events'],
      'group-by': ['user.id'],
      timespan: '1h',
      condition: { gte: 1 },
    },
    'vigie.scale_by': { list: 'bounds', column: 'persons' },
  }),
].join('\n---\n');

export function manyValues(): RuleSet {
  const lists = new Lists([
    listOf(
      'first',
      ['source.ip'],
      numbers(0, 3000).map((i) => [network(i)]),
    ),
    listOf(
      'second',
      ['source.ip'],
      numbers(3000, 3000).map((i) => [network(i)]),
    ),
    listOf(
      'mixed',
      ['organization.id', 'source.ip'],
      numbers(1000, 4000).map((i) => [`o${i % 2}`, cell(i)]),
    ),
    listOf(
      'bounds',
      ['user.id', 'persons'],
      numbers(0, 6500).map((i) => [text(i), i % 2 === 0 ? '1.5' : '9']),
    ),
  ]);
  return parseRules([{ file: 'rules.yml', text: RULES }], { lists });
}

export const MANY_VALUES_LOG = numbers(0, 500).map((i) => {
  const n = 13 * i;
  const ip = [inside(n), `::ffff:${inside(n)}`, text(n), network(n)][i % 7] ?? inside(n);
  return JSON.stringify({
    '@timestamp': new Date(START + i).toISOString(),
    event: { id: `e${i}` },
    organization: { id: `o${i % 2}` },
    source: { ip },
    user: { id: i % 3 === 0 ? text(n).toUpperCase() : text(n) },
  });
});
