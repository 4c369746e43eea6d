/** Rules that name lookup lists: what they match, what is wrong with them, and when they are not loaded. */

import { describe, expect, test } from 'vitest';
import { evalEvents } from '../../../src/eval/eval.ts';
import { Lists } from '../../../src/lookup/list.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { listsOf } from '../lookup/lists.ts';
import { load, ruleText } from './matching.ts';

const LISTS = {
  hosting: 'source.as.number\n64500\n64501\n',
  egress: 'organization.id,source.ip\n1,10.0.0.0/8\n',
  caseloads: 'user.id,persons\nu,20\n',
  holidays: 'date,why\n2025-07-15,bridge\n',
  admins: 'user.id\nroot\nadmin*\n',
};

const DETECTION = 'sel: {a: 1}\ncondition: sel';

function matches(root: string, lists: Lists, ...events: object[]): number[] {
  const set = load(ruleText(DETECTION, root), { lists });
  const { lines } = evalEvents(
    set,
    events.map((event) => JSON.stringify({ a: 1, ...event })),
  );
  return lines.flatMap((line) => (line.type === 'match' ? [line.event.index] : [])).sort((a, b) => a - b);
}

const faultsOf = (text: string, lists = listsOf(LISTS), lint = false): string[] =>
  parseRules([{ file: 'r.yml', text }], { lists, lint }).faults.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column}: ${code}: ${message}`,
  );

describe('a rule', () => {
  const hosted = { source: { as: { number: 64500 }, ip: '203.0.113.7' }, organization: { id: '1' } };
  const inHouse = { source: { as: { number: 64999 }, ip: '10.1.1.1' }, organization: { id: '1' } };
  const elsewhere = { source: { as: { number: 64999 }, ip: '10.1.1.1' }, organization: { id: '2' } };

  test.each([
    ['only_listed: [hosting]', [0]],
    ['only_listed: hosting', [0]],
    ['only_listed: [hosting, egress]', [0, 1]],
    ['unless_listed: [hosting]', [1, 2]],
    ['unless_listed: [hosting, egress]', [2]],
  ])('with vigie.%s matches those it should', (key, expected) => {
    expect(matches(`vigie.${key}\n`, listsOf(LISTS), hosted, inHouse, elsewhere)).toEqual(expected);
  });

  test('may ask for one list and not another', () => {
    const root = 'vigie.only_listed: [egress]\nvigie.unless_listed: [hosting]\n';
    expect(matches(root, listsOf(LISTS), hosted, inHouse, elsewhere)).toEqual([1]);
  });

  test('never matches more than without the key, whatever a list holds', () => {
    for (const rows of ['', '64500\n', '64500\n64999\n']) {
      const lists = listsOf({ ...LISTS, hosting: `source.as.number\n${rows}` });
      for (const key of ['only', 'unless'])
        expect(matches(`vigie.${key}_listed: hosting\n`, lists, { a: 2, ...hosted })).toEqual([]);
    }
  });

  test('judges each event by the rows of that moment', () => {
    const lists = listsOf(LISTS);
    const set = load(ruleText(DETECTION, 'vigie.only_listed: hosting\n'), { lists });
    const event = JSON.stringify({ a: 1, ...hosted });
    const replaced = listsOf({ hosting: 'source.as.number\n64999\n' }).known('hosting').contents;
    function* events(): Generator<string, void> {
      yield event;
      lists.known('hosting').replace(replaced);
      yield event;
    }
    expect(evalEvents(set, events()).lines).toMatchObject([{ event: { index: 0 } }]);
  });

  test('with holidays from a list rests on its days', () => {
    const at = ['2025-07-14T10:00:00Z', '2025-07-15T10:00:00Z'].map((time) => ({ '@timestamp': time }));
    expect(matches('vigie.off_hours: {holidays: holidays}\n', listsOf(LISTS), ...at)).toEqual([1]);
  });

  test('takes the values of a placeholder from a list of one column, wildcards included', () => {
    const set = load(ruleText('sel: {user.id|expand: "%admins%"}\ncondition: sel'), {
      lists: listsOf(LISTS),
    });
    const events = ['root', 'admin7', 'u'].map((id) => JSON.stringify({ user: { id } }));
    expect(evalEvents(set, events).lines).toHaveLength(2);
  });
});

const correlation = (
  root: string,
  condition = '{gte: 3}',
  groupBy = 'user.id',
  type = 'event_count',
): string =>
  `${ruleText(DETECTION, 'name: read\n')}---\ntitle: Many\n${root}correlation:\n  type: ${type}\n  rules: read\n  group-by: [${groupBy}]\n  timespan: 1h\n${condition === '' ? '' : `  condition: ${condition}\n`}`;

describe('faults', () => {
  test.each([
    [
      'of a list’s name, with the one that was meant',
      ruleText(DETECTION, 'vigie.only_listed: [hostings]\n'),
      'r.yml:3:21: UNKNOWN_LIST: there is no list "hostings"; there are admins, caseloads, egress, holidays, hosting; did you mean "hosting"?',
    ],
    [
      'of a list of holidays without days',
      ruleText(DETECTION, 'vigie.off_hours: {holidays: hosting}\n'),
      'r.yml:3:29: UNKNOWN_COLUMN: the list hosting has no column "date"; it has source.as.number',
    ],
    [
      'of a column',
      correlation('vigie.scale_by: {list: caseloads, column: person}\n'),
      'r.yml:9:43: UNKNOWN_COLUMN: the list caseloads has no column "person"; it has user.id, persons; did you mean "persons"?',
    ],
    [
      'of groups that have no row',
      correlation('vigie.scale_by: {list: caseloads, column: persons}\n', '{gte: 3}', 'source.ip'),
      'r.yml:9:24: LIST_NOT_BY_GROUP: a row of caseloads is found by user.id, and user.id is not in group-by; group by it or take another list',
    ],
    [
      'of a rule without a lower bound',
      correlation('vigie.scale_by: {list: caseloads, column: persons}\n', '{lte: 3}'),
      'r.yml:9:24: BAD_VALUE: vigie.scale_by raises a lower bound; the condition has none: gt or gte',
    ],
    [
      'of a temporal rule',
      correlation('vigie.scale_by: {list: caseloads, column: persons}\n', '', 'user.id', 'temporal'),
      'r.yml:9:24: BAD_VALUE: vigie.scale_by scales a measured value; temporal counts rules',
    ],
  ])('%s', (_, text, message) => {
    expect(faultsOf(text)).toEqual([message]);
  });

  test('of a placeholder say whether it is unknown, or its list has no row', () => {
    const lists = listsOf({ admins: 'user.id\n' });
    const faults = (name: string): string[] =>
      faultsOf(ruleText(`sel: {user.id|expand: "%${name}%"}\ncondition: sel`), lists);
    expect(faults('admins')).toEqual([
      expect.stringMatching(
        /UNRESOLVED_PLACEHOLDER: the placeholder %admins% is there, but without a value; give it some, or its list a row$/,
      ),
    ]);
    expect(faults('admin')).toEqual([
      expect.stringMatching(
        /the placeholder %admin% has no values; .* \(configured: admins\); did you mean "admins"\?$/,
      ),
    ]);
  });

  test('of a list that suits no number are reported once, in the list, and no rule that needs it is loaded', () => {
    const lists = listsOf({ ...LISTS, caseloads: 'user.id,persons\nu,many\n' });
    const one = correlation('vigie.scale_by: {list: caseloads, column: persons}\n');
    const text = `${one}---\n${one.slice(one.indexOf('title: Many')).replace('Many', 'More')}`;
    const set = parseRules([{ file: 'r.yml', text }], { lists });
    expect(set.faults).toMatchObject([{ file: 'lists/caseloads.csv', line: 2, code: 'BAD_NUMBER' }]);
    expect(set.correlations).toEqual([]);
  });

  test('of the list’s own file keep the rules out that name it', () => {
    const set = parseRules([{ file: 'r.yml', text: ruleText(DETECTION, 'vigie.only_listed: bad\n') }], {
      lists: new Lists([], ['bad']),
    });
    expect(set.faults).toMatchObject([{ code: 'FAULTY_LIST' }]);
    expect(set.rules).toEqual([]);
  });

  test('that only a check looks for: a list of a portal rule with a column that no event has', () => {
    const text = `title: T\nlevel: informational\nlogsource: {category: application, product: portal}\nvigie.only_listed: caseloads\ndetection: {sel: {event.action: x}, condition: sel}\n`;
    expect(faultsOf(text)).toEqual([]);
    expect(faultsOf(text, listsOf(LISTS), true)).toEqual([
      `r.yml:4:20: UNKNOWN_FIELD: the list caseloads has the column "persons", which is no field of the portal's events`,
    ]);
  });
});
