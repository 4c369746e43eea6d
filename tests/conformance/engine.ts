/** What the loader and `vigie eval` say, in the words of the case files. */

import type { EvalLine } from '../../src/eval/eval.ts';
import type { Fault, RuleSet } from '../../src/sigma/rule.ts';
import { Lists, LookupList } from '../../src/lookup/list.ts';
import type { DetectionCase, Matches, Row } from './case-files.ts';

/** The lists of a case. A list without rows is compared with a field that no event has. */
export function listsOf({ lists }: Pick<DetectionCase, 'lists'>): Lists {
  return new Lists(
    Object.entries(lists).map(([name, rows]) => {
      const columns = Object.keys(rows[0] ?? { none: '' });
      const cells = rows.map((row) => columns.map((column) => row[column]!));
      return new LookupList(name, `${name}.csv`, { columns, rows: cells, lines: rows.map((_, r) => r + 2) });
    }),
  );
}

export function errorsOf(ruleSet: RuleSet): Fault[] {
  return ruleSet.faults.filter(({ severity }) => severity === 'error');
}

/** Rule → positions of the events it matches; `expected` rules are there also when they match none. */
export function matchesOf(lines: readonly EvalLine[], expected: readonly string[]): Matches {
  const matches: Record<string, number[]> = Object.fromEntries(expected.map((rule) => [rule, []]));
  for (const line of lines) {
    if (line.type === 'match') (matches[line.rule] ??= []).push(line.event.index);
  }
  for (const indexes of Object.values(matches)) indexes.sort((a, b) => a - b);
  return matches;
}

export function firingsOf(lines: readonly EvalLine[]): Row[] {
  return lines.flatMap((line) => {
    if (line.type !== 'firing') return [];
    const { rule, group, time, value, threshold } = line;
    return [{ rule, group, time: Date.parse(time), value, threshold }];
  });
}

export function alertsOf(lines: readonly EvalLine[]): Row[] {
  return lines.flatMap((line) => {
    if (line.type !== 'alert') return [];
    const { rule, group, status, events, value } = line;
    return [
      {
        rule,
        group,
        status,
        events,
        value,
        first_event_at: Date.parse(line.first_event_at),
        crossed_at: Date.parse(line.crossed_at),
        last_event_at: Date.parse(line.last_event_at),
      },
    ];
  });
}
