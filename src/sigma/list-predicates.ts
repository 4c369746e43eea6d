/** Compiles the tests that use lookup lists: whether an event is listed, and whether it is off hours. */

import type { EventRecord, FieldTable } from '../event/record.ts';
import type { LookupList, Lists } from '../lookup/list.ts';
import { DATES, ROWS } from '../lookup/views.ts';
import { compileWorkClock } from './working-hours.ts';
import type { WorkingHours } from './working-hours.ts';

/** Registers the list's columns as fields. */
export function compileListed(list: LookupList, fields: FieldTable): (record: EventRecord) => boolean {
  const rows = list.view(ROWS);
  const slots = list.columns.map((column) => fields.slot(column));
  return ({ slots: values }) => rows.value.has(values, slots);
}

/** See `compileWorkClock`. */
export function workClock(
  hours: WorkingHours,
  timezone: string,
  lists: Lists,
): ReturnType<typeof compileWorkClock> {
  const { holidays } = hours;
  if (holidays === undefined || !('list' in holidays)) return compileWorkClock(hours, timezone, () => false);
  const days = lists.known(holidays.list).view(DATES);
  return compileWorkClock(hours, timezone, (day) => days.value.has(day));
}
