/**
 * Checks the lookup lists that documents name: whether they exist, and have the columns and cells that the
 * document needs. A document that names an unusable list is not loaded.
 */

import type { LookupList, Lists, ViewKind } from '../lookup/list.ts';
import { DATE_COLUMN, DATES, numbersIn, ROWS } from '../lookup/views.ts';
import type { RuleDraft } from './base-rule.ts';
import type { CorrelationDraft } from './correlation.ts';
import { Faults, shown } from './faults.ts';
import { HOLIDAY_REGIONS } from './holidays.ts';
import type { Draft } from './names.ts';
import { suggestion } from './nearest.ts';
import type { PlacedText } from './reader.ts';

/** Reports faults in the documents; returns the faults in the lists, by file. */
export function checkLists(drafts: readonly Draft[], lists: Lists): readonly Faults[] {
  const checker = new Checker(lists);
  for (const draft of drafts) {
    const before = draft.faults.errors;
    const usable = draft.kind === 'rule' ? checker.ofRule(draft) : checker.ofCorrelation(draft);
    if (!usable || draft.faults.errors > before) draft.sound = false;
  }
  return [...checker.ofFiles.values()];
}

class Checker {
  readonly ofFiles = new Map<string, Faults>();
  readonly #lists: Lists;
  readonly #checked = new Set<string>();

  constructor(lists: Lists) {
    this.#lists = lists;
  }

  ofRule({ extensions, faults }: RuleDraft): boolean {
    let usable = true;
    const names = [...(extensions['vigie.only_listed'] ?? []), ...(extensions['vigie.unless_listed'] ?? [])];
    for (const name of names) {
      const list = this.#find(name, faults);
      if (list !== undefined) usable = this.#suits(list, ROWS) && usable;
    }
    const holidays = extensions['vigie.off_hours']?.holidays;
    if (holidays === undefined || HOLIDAY_REGIONS.includes(holidays.text)) return usable;
    const list = this.#find(
      holidays,
      faults,
      `, nor a region such as ${HOLIDAY_REGIONS.slice(0, 2).join(', ')}`,
    );
    if (list === undefined || !hasColumn(list, { ...holidays, text: DATE_COLUMN }, faults)) return false;
    return this.#suits(list, DATES) && usable;
  }

  ofCorrelation({ extensions, faults, type, bounds, groupBy }: CorrelationDraft): boolean {
    const scale = extensions['vigie.scale_by'];
    if (scale === undefined) return true;
    const { list: name, column } = scale;
    if (type === 'temporal' || type === 'temporal_ordered') {
      faults.error(name, 'BAD_VALUE', `vigie.scale_by scales a measured value; ${type} counts rules`);
    } else if (!bounds.some(({ op }) => op === 'gt' || op === 'gte')) {
      faults.error(
        name,
        'BAD_VALUE',
        'vigie.scale_by raises a lower bound; the condition has none: gt or gte',
      );
    }
    const list = this.#find(name, faults);
    if (list === undefined || !hasColumn(list, column, faults)) return false;
    const keys = list.columns.filter((each) => each !== column.text);
    const foreign = keys.filter((key) => !groupBy.includes(key));
    if (foreign.length > 0) {
      faults.error(
        name,
        'LIST_NOT_BY_GROUP',
        `a row of ${name.text} is found by ${keys.join(', ')}, and ${foreign.join(', ')} is not in group-by; group by it or take another list`,
      );
      return false;
    }
    return this.#suits(list, numbersIn(column.text));
  }

  #find(name: PlacedText, faults: Faults, orElse = ''): LookupList | undefined {
    const list = this.#lists.get(name.text);
    if (list !== undefined) return list;
    const { names, faulty } = this.#lists;
    if (faulty.has(name.text)) {
      faults.error(
        name,
        'FAULTY_LIST',
        `the list ${shown(name.text)} has faults of its own; correct them first`,
      );
      return undefined;
    }
    const known =
      names.length === 0
        ? 'there is none: put NAME.csv into a folder lists beside the rules, or name its folder with VIGIE_LISTS or --lists'
        : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
    faults.error(
      name,
      'UNKNOWN_LIST',
      `there is no list ${shown(name.text)}${orElse}; ${known}${suggestion(name.text, names)}`,
    );
    return undefined;
  }

  /** Reports each fault of a list once, whichever document asks. */
  #suits(list: LookupList, kind: ViewKind<unknown>): boolean {
    const found = list.check(kind);
    const key = `${list.file} ${kind.key}`;
    if (found.length === 0 || this.#checked.has(key)) return found.length === 0;
    this.#checked.add(key);
    const faults = this.ofFiles.get(list.file) ?? new Faults(list.file);
    this.ofFiles.set(list.file, faults);
    for (const { line, code, message } of found) faults.error({ line, column: 1 }, code, message);
    return false;
  }
}

function hasColumn(list: LookupList, column: PlacedText, faults: Faults): boolean {
  if (list.columns.includes(column.text)) return true;
  faults.error(
    column,
    'UNKNOWN_COLUMN',
    `the list ${list.name} has no column ${shown(column.text)}; it has ${list.columns.join(', ')}${suggestion(column.text, list.columns)}`,
  );
  return false;
}
