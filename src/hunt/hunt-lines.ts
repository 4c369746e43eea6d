/** Rows of a hunt as the lines that `vigie eval` prints. */

import type { Bound, Level } from '../sigma/rule.ts';
import { shortText } from '../detect/short-text.ts';
import type { CompiledHunt } from './compile-hunt.ts';

export type HuntLine =
  | {
      readonly type: 'match';
      readonly rule: string;
      readonly title: string;
      readonly level: Level;
      /** The id under which the event is archived. */
      readonly event: { readonly id: string };
      readonly time: string;
    }
  | {
      readonly type: 'firing';
      readonly rule: string;
      readonly title: string;
      readonly level: Level;
      readonly group: Readonly<Record<string, string | null>>;
      readonly time: string;
      readonly value: number;
      readonly threshold: Readonly<Partial<Record<Bound['op'], number>>>;
    };

export function huntLine({ rule, groups }: CompiledHunt, row: Readonly<Record<string, unknown>>): HuntLine {
  const { key, title, level } = rule;
  const what = { rule: key, title, level };
  // Servers differ in whether 64-bit integers come as text.
  const time = new Date(Number(row['at'])).toISOString();
  if (rule.kind === 'rule') return { type: 'match', ...what, event: { id: String(row['event_id']) }, time };
  return {
    type: 'firing',
    ...what,
    group: Object.fromEntries(
      groups.map(({ field, column }) => {
        const value = row[column] as string | null;
        return [field, value === null ? null : shortText(value)];
      }),
    ),
    time,
    value: Number(row['value']),
    threshold: Object.fromEntries(rule.bounds.map(({ op, value }) => [op, value])),
  };
}
