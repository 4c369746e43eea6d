/** `vigie.off_hours`: the working hours outside which a rule matches. */

import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { readMap, readText, readTexts, refuseOtherKeys } from '../reader.ts';
import type { PlacedText } from '../reader.ts';
import type { WorkingHours } from '../working-hours.ts';
import type { YamlMap } from '../yaml-tree.ts';

/** The key as written. Whether `holidays` names a region or a list is decided where the lists are known. */
export interface OffHours extends Pick<WorkingHours, 'days' | 'hours'> {
  readonly holidays: PlacedText | undefined;
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const DAYS_FORM = `${DAYS.join(', ')}, or a range such as mon-fri`;
const HOURS_FORM = 'a range of times such as 07:00-19:00, the first before the second';
const DEFAULT_DAYS = [true, true, true, true, true, false, false];
const WHOLE_DAY: readonly [number, number] = [0, 24 * 60];

export function readOffHours(root: YamlMap, key: string, faults: Faults): OffHours | undefined {
  const map = readMap(root, key, faults);
  if (map === undefined) return undefined;
  const before = faults.errors;
  refuseOtherKeys(map, ['days', 'hours', 'holidays'], key, faults);
  const days = readTexts(map, 'days', faults).flatMap((text) => daysOf(text, key, faults));
  const hours = readTexts(map, 'hours', faults).flatMap((text) => hoursOf(text, key, faults));
  for (const [name, form] of Object.entries({ days: DAYS_FORM, hours: HOURS_FORM })) {
    const list = map.entries.get(name)?.value;
    if (list?.kind === 'list' && list.items.length === 0)
      faults.error(
        list,
        'BAD_VALUE',
        `${name} of ${key} is an empty list; expected ${form}, or leave it out`,
      );
  }
  const holidays = readText(map, 'holidays', faults);
  if (faults.errors > before) return undefined;
  return {
    days: days.length === 0 ? DEFAULT_DAYS : DAYS.map((_, day) => days.includes(day)),
    hours: hours.length === 0 ? [WHOLE_DAY] : hours,
    holidays,
  };
}

/** `sat`, or `mon-fri`; a range may wrap around the end of the week. */
function daysOf(given: PlacedText, key: string, faults: Faults): number[] {
  const [first = '', last = first, ...more] = given.text.toLowerCase().split('-');
  const from = DAYS.indexOf(first.trim());
  const to = DAYS.indexOf(last.trim());
  if (from < 0 || to < 0 || more.length > 0) {
    faults.error(given, 'BAD_VALUE', `days of ${key} is ${shown(given.text)}; expected ${DAYS_FORM}`);
    return [];
  }
  const length = ((to - from + 7) % 7) + 1;
  return Array.from({ length }, (_, i) => (from + i) % 7);
}

function hoursOf(given: PlacedText, key: string, faults: Faults): (readonly [number, number])[] {
  const parts = /^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/.exec(given.text)?.slice(1).map(Number);
  if (parts !== undefined) {
    const [fromHour, fromMinute, toHour, toMinute] = parts as [number, number, number, number];
    const from = fromHour * 60 + fromMinute;
    const to = toHour * 60 + toMinute;
    if (fromMinute < 60 && toMinute < 60 && from < to && to <= WHOLE_DAY[1]) return [[from, to]];
  }
  faults.error(given, 'BAD_VALUE', `hours of ${key} is ${shown(given.text)}; expected ${HOURS_FORM}`);
  return [];
}
