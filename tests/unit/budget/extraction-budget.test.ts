/** What may be read with no alert is held to the production engine: so much is silent, one person more is not. */

import { expect, describe, test } from 'vitest';
import {
  extractionBudget,
  HORIZONS,
  type Horizon,
  type TakerBudget,
} from '../../../src/budget/extraction-budget.ts';
import { knownIncidents } from '../../../src/budget/known-incidents.ts';
import { mostWithin } from '../../../src/budget/most-within.ts';
import { eventOf, TAKERS, WAYS, waysText } from '../../../src/budget/ways-to-read.ts';
import { evalEvents } from '../../../src/eval/eval.ts';
import { loadRules } from '../../../src/files/rule-files.ts';
import type { Lists } from '../../../src/lookup/list.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { raisesAlerts, type RuleSet } from '../../../src/sigma/rule.ts';
import { listsOf } from '../lookup/lists.ts';

const HOUR = HORIZONS.hour;
const DAY = HORIZONS.day;
const shipped = loadRules(['rules']);

const READ = `title: Read
name: read
level: informational
logsource: {category: application, product: portal}
detection:
  read: {event.action: [record-view, record-list, record-export, document-download]}
  condition: read
`;

function persons(name: string, more: string, root = ''): string {
  return `---
title: ${name}
name: ${name}
level: high
correlation: {rules: [read], group-by: [user.id], ${more}}
${root}`;
}

function rulesOf(texts: readonly string[], lists?: Lists): RuleSet {
  const set = parseRules([{ file: 'rules.yml', text: texts.join('') }], lists === undefined ? {} : { lists });
  expect(set.faults.filter(({ severity }) => severity === 'error')).toEqual([]);
  return set;
}

function budgetOf(
  set: RuleSet,
  taker: TakerBudget['taker'],
  persons: TakerBudget['persons'] = 'beyond the caseload',
): TakerBudget {
  return extractionBudget(set)!.find((each) => each.taker === taker && each.persons === persons)!;
}

function mosts(amounts: Readonly<Record<Horizon, { readonly most: number }>>): number[] {
  return [amounts.hour.most, amounts.day.most, amounts.month.most];
}

const COUNT = 'type: value_count, condition: {field: portal.records.ids, gte: 150}, timespan: 1h';

const EVENTS = 'type: event_count, condition: {gte: 5}, timespan: 1h';

describe('what bounds one account', () => {
  test('distinct persons in a window: one fewer than the rule asks for, window after window', () => {
    const account = budgetOf(rulesOf([READ, persons('hour', COUNT)]), 'account');
    expect(mosts(account)).toEqual([149, 24 * 149, 720 * 149]);
    expect(account.hour).toMatchObject({ habit: false, by: [{ name: 'hour' }] });
  });

  test('a sum of records does, and a count of events does not: a page may hold any number of persons', () => {
    const sum = persons(
      'sum',
      'type: value_sum, condition: {field: portal.records.count, gt: 20}, timespan: 1d',
    );
    const events = persons('events', EVENTS);
    expect(mosts(budgetOf(rulesOf([READ, sum, events]), 'account'))).toEqual([20, 20, 600]);
    expect(mosts(budgetOf(rulesOf([READ, events]), 'account'))).toEqual([Infinity, Infinity, Infinity]);
  });

  test.each([
    ['that raises no alert', COUNT, 'level: informational'],
    ['in groups that the account can vary', COUNT, 'BY source.ip'],
    [
      'with an upper bound, over which a large page jumps',
      COUNT.replace('gte: 150', 'gte: 150, lt: 500'),
      '',
    ],
    ['of something else', COUNT.replace('portal.records.ids', 'portal.records.structures'), ''],
    ['that asks for a run of ids too', COUNT, 'vigie.sequence: {field: portal.records.ids, min_run: 30}\n'],
    ['that asks for what is new', COUNT, 'vigie.new_terms: {fields: [source.ip], history: 28d}\n'],
  ])('no rule %s', (_, more, root) => {
    let text = persons('rule', more, root.startsWith('vigie') ? root : '');
    if (root.startsWith('level')) text = text.replace('level: high', root);
    if (root.startsWith('BY')) text = text.replace('[user.id]', '[user.id, source.ip]');
    const alone = budgetOf(rulesOf([READ, text, persons('events', EVENTS)]), 'account');
    expect(mosts(alone)).toEqual([Infinity, Infinity, Infinity]);
  });

  test('a rule on all events together, and one on the organisation of the account', () => {
    const all = persons('all', COUNT).replace('group-by: [user.id], ', '');
    expect(budgetOf(rulesOf([READ, all]), 'account').hour.most).toBe(149);
    const ofOrganisation = persons('organisation', COUNT).replace('user.id', 'organization.id');
    expect(budgetOf(rulesOf([READ, ofOrganisation]), 'account').hour.most).toBe(149);
    expect(budgetOf(rulesOf([READ, ofOrganisation]), 'organisation').hour.most).toBe(149);
    expect(budgetOf(rulesOf([READ, persons('account', COUNT)]), 'organisation').hour.most).toBe(Infinity);
  });

  test('a bound that grows with a list, by its largest number', () => {
    const lists = listsOf({ caseloads: 'user.id,persons\nu-1,120\nu-2,300\n' });
    const scaled = persons(
      'scaled',
      COUNT,
      'vigie.scale_by: {list: caseloads, column: persons, factor: 2}\n',
    );
    expect(budgetOf(rulesOf([READ, scaled], lists), 'account').hour.most).toBe(599);
  });

  test('a bound that follows the habit only until there can be one, and for those who have none', () => {
    const baseline = 'vigie.baseline: {history: 28d, bucket: 1d, method: mad, factor: 4, min_samples: 10}\n';
    const { hour, day, month } = budgetOf(rulesOf([READ, persons('habit', COUNT, baseline)]), 'account');
    expect([hour.most, day.most, month.most]).toEqual([149, 24 * 149, Infinity]);
    expect([hour.habit, day.habit, month.habit]).toEqual([true, true, false]);
    const fixed = persons('fixed', COUNT.replace('150', '500'));
    const both = budgetOf(rulesOf([READ, persons('habit', COUNT, baseline), fixed]), 'account');
    expect(both.hour).toMatchObject({ most: 499, habit: false });
  });
});

describe('ways to read', () => {
  test('a way that no rule counts is told of: there is no bound by it', () => {
    const views = READ.replace('[record-view, record-list, record-export, document-download]', 'record-view');
    const account = budgetOf(rulesOf([views, persons('hour', COUNT)]), 'account');
    expect(account.hour.most).toBe(Infinity);
    expect(account.byWays.map(({ ways, hour }) => [waysText(ways), hour.most])).toEqual([
      ['record-list, record-export, document-download', Infinity],
      ['record-view', 149],
    ]);
  });

  test('ways that different rules bound add up: a thief uses both', () => {
    const views = READ.replace(
      '[record-view, record-list, record-export, document-download]',
      '[record-view, document-download]',
    );
    const others = views
      .replace('name: read', 'name: read2')
      .replace('[record-view, document-download]', '[record-list, record-export]');
    const second = persons('second', COUNT.replace('150', '11')).replace('[read]', '[read2]');
    const account = budgetOf(rulesOf([views, `---\n${others}`, persons('first', COUNT), second]), 'account');
    expect(account.hour).toMatchObject({ most: 149 + 10, by: [{ name: 'first' }, { name: 'second' }] });
  });

  test('hours that a rule leaves out are told of', () => {
    const days = `${READ}vigie.timezone: Europe/Paris\n`.replace(
      'condition: read',
      `day: {'@timestamp|hour|gte': 7, '@timestamp|hour|lt': 19}\n  condition: read and day`,
    );
    const account = budgetOf(rulesOf([days, persons('hour', COUNT)]), 'account');
    expect(account.byWays.map(({ ways, hour }) => [waysText(ways), hour.most])).toEqual([
      ['off hours', Infinity],
      ['in working hours', 149],
    ]);
  });

  test('a network whose reads a list excuses is a way, and there may be another bound by it', () => {
    const lists = listsOf({ trusted: 'source.ip\n198.51.100.0/24\n', programs: 'user.id\nu-1\n' });
    const excusing = `${READ}vigie.unless_listed: [trusted, programs]\n`;
    const excused = budgetOf(rulesOf([excusing, persons('hour', COUNT)], lists), 'account');
    expect(excused.hour.most).toBe(Infinity);
    expect(excused.byWays.map(({ ways, hour }) => [waysText(ways), hour.most])).toEqual([
      ['reads that the list trusted has', Infinity],
      ['', 149],
    ]);
    const only = READ.replace('name: read', 'name: read2').concat('vigie.only_listed: [trusted]\n');
    const there = persons('there', COUNT.replace('150', '501')).replace('[read]', '[read2]');
    const both = rulesOf([excusing, `---\n${only}`, persons('hour', COUNT), there], lists);
    expect(budgetOf(both, 'account').hour.most).toBe(149 + 500);
    const empty = listsOf({ trusted: 'source.ip\n', programs: 'user.id\nu-1\n' });
    expect(budgetOf(rulesOf([excusing, persons('hour', COUNT)], empty), 'account').hour.most).toBe(149);
  });

  test('reads of those whom the account accompanies are told of apart', () => {
    const beyond = READ.replace(
      'condition: read',
      'own: {portal.records.out_of_scope_count: 0}\n  condition: read and not own',
    );
    const set = rulesOf([beyond, persons('hour', COUNT)]);
    expect(budgetOf(set, 'account').hour.most).toBe(149);
    expect(budgetOf(set, 'account', 'of the caseload').hour.most).toBe(Infinity);
  });
});

function read(person: number, afterMs: number): string {
  return JSON.stringify({
    ...eventOf(TAKERS[0]!, 'beyond the caseload', WAYS[0]!, []),
    '@timestamp': Date.parse('2025-07-01T00:00:00Z') + afterMs,
    'event.id': `e-${person}`,
    'portal.records.ids': [`p-${7 * person}`],
  });
}

describe('under the shipped rules', () => {
  const account = budgetOf(shipped, 'account');

  /** As much as the rules let through: so many more persons in each hour as fit in by its end. */
  function thief(hours: number): string[] {
    const limits = [
      { timespanMs: HOUR, most: account.hour.most },
      { timespanMs: DAY, most: account.day.most },
      { timespanMs: 28 * DAY, most: 999 },
    ];
    const lines: string[] = [];
    let person = 0;
    for (let hour = 1; hour <= hours; hour += 1) {
      for (const most = mostWithin(limits, hour * HOUR).most; person < most; person += 1) {
        lines.push(read(person, hour * HOUR));
      }
    }
    return lines;
  }

  function firings(lines: readonly string[]): string[] {
    const bounding = new Set(
      (Object.keys(HORIZONS) as Horizon[]).flatMap((horizon) => account[horizon].by.map(({ key }) => key)),
    );
    return evalEvents(shipped, lines).lines.flatMap((line) =>
      line.type === 'firing' && bounding.has(line.rule) ? [line.rule] : [],
    );
  }

  test('an account that takes all of its budget in an hour, a day and a month raises no alert of them', () => {
    const month = thief(720);
    expect(month.length).toBe(account.month.most);
    expect(thief(24).length).toBe(account.day.most);
    expect(firings(month)).toEqual([]);
  });

  test('one person more in the first hour does', () => {
    const hour = thief(1);
    expect(firings([...hour, read(hour.length, HOUR)])).toEqual([account.hour.by[0]!.key]);
  });

  test('no taker reads without bound beyond a caseload, within a day', () => {
    for (const { taker, persons: whose, hour, day } of extractionBudget(shipped)!) {
      if (whose === 'of the caseload') continue;
      expect([taker, hour.most < Infinity, day.most < Infinity]).toEqual([taker, true, true]);
    }
  });

  test('of the known incidents only the one of accounts that read themselves fits under it', () => {
    const incidents = knownIncidents(extractionBudget(shipped)!);
    expect(incidents.filter(({ fits }) => fits).map(({ name }) => name)).toEqual([
      'jobseeker-infostealer-2025',
    ]);
    expect(incidents.find(({ name }) => name === 'kairos-2025')).toMatchObject({
      taken: { account: { hour: 170_000, day: 340_000, month: 340_000 }, creator: undefined },
    });
  });
});

function fitting(set: RuleSet): string[] {
  return knownIncidents(extractionBudget(set)!)
    .filter(({ fits }) => fits)
    .map(({ name }) => name);
}

test('July 2025: under a bound for the month that is larger than the theft, the theft fits', () => {
  const monthly = persons('monthly', COUNT.replace('150', '350000').replace('1h', '30d'));
  expect(fitting(rulesOf([READ, monthly]))).toContain('kairos-2025');
  expect(fitting(rulesOf([READ, monthly, persons('hour', COUNT)]))).not.toContain('kairos-2025');
});

test('rules of another log have no budget: nothing is known of how persons are read there', () => {
  const other = READ.replace('category: application, product: portal', 'product: windows');
  expect(extractionBudget(rulesOf([other, persons('hour', COUNT)]))).toBeUndefined();
  expect(rulesOf([other, persons('hour', COUNT)]).correlations.every(raisesAlerts)).toBe(true);
});
