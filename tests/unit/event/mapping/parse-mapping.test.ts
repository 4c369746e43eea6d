/** Every fault of a mapping at its place, with what was given and what to do, all in one pass. */

import { describe, expect, test } from 'vitest';
import { faultsOf, mappingOf } from './support.ts';

const MINIMAL = 'input: json\ntime: { field: time }\n';

describe('a mapping file', () => {
  test('needs no more than its input and the field of the time', () => {
    expect(mappingOf(MINIMAL)).toEqual({ input: 'json', time: { field: 'time' } });
  });

  test('reports all faults at once, each with place, value and remedy', () => {
    const text = `inptu: json
input: xml
time: { feild: t, format: unix }
set:
  event.acton: login
copy:
  user.id: { from: uid, capture: '(a', spilt: ',' }
cases:
  - name: a
    when: { type: { ree: x } }
  - when: { type: 3 }
    skip: yes please
`;
    expect(faultsOf(text)).toEqual([
      'm.yml:1:1: UNKNOWN_KEY: the mapping has no key "inptu"; expected one of description, input, pattern, fields, absent, time, id, set, copy, cases, else, other_fields; did you mean "input"?',
      'm.yml:2:8: BAD_VALUE: input is "xml"; expected json, w3c or regex',
      'm.yml:3:7: MISSING_KEY: time.field is missing; expected the name of a field of the log, or a list',
      'm.yml:3:9: UNKNOWN_KEY: time has no key "feild"; expected one of field, format; did you mean "field"?',
      'm.yml:3:27: BAD_VALUE: time.format is "unix"; expected one of iso, epoch_s, epoch_ms, epoch_us, epoch_ns, apache',
      'm.yml:5:3: UNKNOWN_FIELD: "event.acton" is no field of an event; take one of docs/event.md, or name it in other_fields; did you mean "event.action"?',
      'm.yml:7:34: BAD_PATTERN: copy.user.id.capture is "(a"; no RE2 pattern (look-around and back-references are none): error parsing regexp: missing closing ): `(a`',
      'm.yml:7:40: UNKNOWN_KEY: copy.user.id has no key "spilt"; expected one of from, json, capture, split, map, default, multiply, format, count, lower_case; did you mean "split"?',
      'm.yml:10:13: BAD_VALUE: cases.0.when.type is a map; expected a value, a list of values, null (absent), {re: PATTERN} or {not: ANY OF THESE}',
      'm.yml:11:5: MISSING_KEY: cases.1.name is missing; expected a text; put it in quotes',
      'm.yml:12:11: BAD_VALUE: cases.1.skip is "yes please"; expected true, or leave it out',
    ]);
  });

  test('of a map that could be of several forms the faults of the nearest one are told', () => {
    const text = `${MINIMAL}copy:
  user.id: { form: uid }
  source.ip: { from: ip, multiply: x }
cases:
  - name: a
    when: { type: { re: 5 } }
`;
    expect(faultsOf(text)).toEqual([
      'm.yml:4:12: MISSING_KEY: copy.user.id.from is missing; expected the name of a field of the log, or a list',
      'm.yml:4:14: UNKNOWN_KEY: copy.user.id has no key "form"; expected one of from, json, capture, split, map, default, multiply, format, count, lower_case; did you mean "from"?',
      'm.yml:5:36: BAD_VALUE: copy.source.ip.multiply is "x"; expected a number',
      'm.yml:8:25: BAD_VALUE: cases.0.when.type.re is "5"; expected a text; put it in quotes',
    ]);
  });

  test('tells of numbers whose text is another one, which would fit nothing in the log', () => {
    const text = `${MINIMAL}cases:
  - name: a
    when: { code: 007, version: [1.1, 1.10], flags: { not: 0x1F } }
    copy: { user.id: { from: u, map: { a: 12345678901234567890 } } }
  - name: b
    when: { code: '007', version: 2.5, flags: -1 }
    copy: { own: { from: u, default: 010 } }
other_fields: [own]
`;
    expect(faultsOf(text)).toEqual([
      'm.yml:5:19: BAD_VALUE: cases.0.when.code is 007, the number 7; expected it in quotes, or 7 if that is meant',
      'm.yml:5:39: BAD_VALUE: cases.0.when.version.1 is 1.10, the number 1.1; expected it in quotes, or 1.1 if that is meant',
      'm.yml:5:60: BAD_VALUE: cases.0.when.flags.not is 0x1F, the number 31; expected it in quotes, or 31 if that is meant',
      'm.yml:6:43: BAD_VALUE: cases.0.copy.user.id.map.a is 12345678901234567890, the number 12345678901234567000; expected it in quotes, or 12345678901234567000 if that is meant',
      'm.yml:9:38: BAD_VALUE: cases.1.copy.own.default is 010, the number 10; expected it in quotes, or 10 if that is meant',
    ]);
  });

  test.each([
    [
      'a wrong pattern',
      'input: regex\npattern: "(?P<a>x"\ntime: {field: a}\n',
      'm.yml:2:10: BAD_PATTERN: pattern is "(?P<a>x"; no RE2 pattern',
    ],
    [
      'look-around, which is not linear',
      'input: regex\npattern: "(?=x)(?P<a>x)"\ntime: {field: a}\n',
      'm.yml:2:10: BAD_PATTERN: pattern is "(?=x)(?P<a>x)"; no RE2 pattern (look-around',
    ],
    [
      'a pattern without a group',
      'input: regex\npattern: "x"\ntime: {field: a}\n',
      'm.yml:2:10: BAD_PATTERN: the pattern names no group; write (?P<name>…) around each field',
    ],
    [
      'no pattern',
      'input: regex\ntime: {field: a}\n',
      'm.yml:1:1: MISSING_KEY: pattern is missing; input regex needs one with named groups',
    ],
    [
      'a pattern for JSON',
      `${MINIMAL}pattern: "(?P<time>x)"\n`,
      'm.yml:3:1: UNKNOWN_KEY: pattern has no meaning with input json; it belongs to regex',
    ],
    [
      'a field that the pattern does not give',
      'input: regex\npattern: "(?P<tiem>x)"\ntime: {field: time}\n',
      'm.yml:3:15: UNKNOWN_SOURCE: "time" is no field of the log; it has tiem; did you mean "tiem"?',
    ],
    [
      'a column that is not there',
      'input: w3c\nfields: date time c-ip\ntime: {field: [date, time]}\ncopy: {source.ip: c_ip}\n',
      'm.yml:4:19: UNKNOWN_SOURCE: "c_ip" is no field of the log; it has date, time, c-ip; did you mean "c-ip"?',
    ],
    [
      'a condition on a column that is not there',
      'input: w3c\nfields: [date, time]\ntime: {field: [date, time]}\ncases: [{name: a, when: {sc: 1}, skip: true}]\n',
      'm.yml:4:26: UNKNOWN_SOURCE: "sc" is no field of the log',
    ],
    [
      'a capture without a group',
      `${MINIMAL}copy: {user.id: {from: u, capture: x}}\n`,
      'm.yml:3:36: BAD_PATTERN: the capture of user.id has 0 groups; expected one, around what is to be kept',
    ],
    [
      'the time as a field',
      `${MINIMAL}copy: {"@timestamp": t}\n`,
      'm.yml:3:8: UNKNOWN_FIELD: "@timestamp" is no field of an event; the key time says where the time is',
    ],
    [
      'two cases of one name',
      `${MINIMAL}cases: [{name: a, when: {x: 1}}, {name: a}]\n`,
      'm.yml:3:41: CONFLICT: another case is called "a"; counts go by the name',
    ],
    [
      'a case that no line reaches',
      `${MINIMAL}cases: [{name: a}, {name: b, when: {x: 1}}]\n`,
      'm.yml:3:20: UNREACHABLE: no line reaches the case "b": "a" above it has no when; move that one to the end',
    ],
    [
      'an else that no line reaches',
      `${MINIMAL}cases: [{name: a}]\nelse: keep\n`,
      'm.yml:4:1: UNREACHABLE: no line reaches else: the case "a" has no when; leave else out',
    ],
    [
      'a case that skips and sets',
      `${MINIMAL}cases: [{name: a, skip: true, set: {user.id: x}}]\n`,
      'm.yml:3:9: CONFLICT: the case "a" skips lines and gives them fields; keep one of the two',
    ],
    [
      'the id twice',
      `${MINIMAL}id: {from: a}\ncopy: {event.id: b}\n`,
      'm.yml:4:8: CONFLICT: event.id is given here and by id; keep one of the two',
    ],
    [
      'a number for a text, which may have been an id with zeros before it',
      `${MINIMAL}set: {organization.id: 0013548}\n`,
      'm.yml:3:24: BAD_VALUE: set.organization.id is "0013548"; expected a text; put it in quotes',
    ],
    [
      'a list for a text',
      `${MINIMAL}set: {event.action: [login]}\n`,
      'm.yml:3:21: BAD_VALUE: set.event.action is a list; expected a text; put it in quotes',
    ],
    [
      'one element of a list that is no text',
      `${MINIMAL}set: {event.category: [iam, 3]}\n`,
      'm.yml:3:29: BAD_VALUE: set.event.category.1 is "3"; expected a text; put it in quotes',
    ],
    [
      'a text for a number, also in a case',
      `${MINIMAL}cases: [{name: a, set: {portal.records.count: "1"}}]\n`,
      'm.yml:3:47: BAD_VALUE: cases.0.set.portal.records.count is "1"; expected a whole number, 0 or more, without quotes',
    ],
    [
      'a number that no count can be',
      `${MINIMAL}set: {portal.records.count: -1}\n`,
      'm.yml:3:29: BAD_VALUE: set.portal.records.count is "-1"; expected a whole number, 0 or more',
    ],
    [
      'what is no time',
      `${MINIMAL}set: {portal.session.started_at: soon}\n`,
      'm.yml:3:34: BAD_VALUE: set.portal.session.started_at is "soon"; expected a time such as 2025-07-12T21:04:11.120Z',
    ],
    [
      'a switch for a person',
      `${MINIMAL}set: {portal.records.ids: true}\n`,
      'm.yml:3:27: BAD_VALUE: set.portal.records.ids is "true"; expected a text, in quotes, or a number',
    ],
    [
      'a default of another form than its field',
      `${MINIMAL}copy: {portal.records.count: {from: n, default: none}}\n`,
      'm.yml:3:49: BAD_VALUE: copy.portal.records.count.default is "none"; expected a whole number',
    ],
    [
      'one id for all events, of which all but the first would be copies',
      `${MINIMAL}set: {event.id: x}\n`,
      'm.yml:3:17: BAD_VALUE: set.event.id is "x", one id for many events, of which all but the first would be taken for copies; copy the id from the log, or make one with id',
    ],
    [
      'one id for all events without one',
      `${MINIMAL}copy: {event.id: {from: id, default: none}}\n`,
      'm.yml:3:38: BAD_VALUE: copy.event.id.default is "none", one id for many events',
    ],
    [
      'a field that is both set and copied',
      `${MINIMAL}set: {user.id: x}\ncopy: {user.id: uid}\n`,
      'm.yml:4:8: CONFLICT: "user.id" is given here and by set on line 3; keep one of the two',
    ],
    [
      'a column named twice',
      'input: w3c\nfields: date time c-ip date\ntime: {field: [date, time]}\n',
      'm.yml:2:9: CONFLICT: the column "date" is named twice; give each column a name of its own',
    ],
    [
      'a column of a list named twice',
      'input: w3c\nfields: [date, time, date]\ntime: {field: [date, time]}\n',
      'm.yml:2:22: CONFLICT: the column "date" is named twice; give each column a name of its own',
    ],
    [
      'a group named twice',
      'input: regex\npattern: "(?P<a>x)(?P<a>y)"\ntime: {field: a}\n',
      'm.yml:2:10: BAD_PATTERN: pattern is "(?P<a>x)(?P<a>y)"; no RE2 pattern (look-around and back-references are none): error parsing regexp: duplicate capture group name',
    ],
    [
      'a field above another',
      `${MINIMAL}other_fields: [user, site.name]\n`,
      'm.yml:3:16: BAD_FIELD_NAME: "user" and user.id cannot both be in one event; take a name of its own',
    ],
    [
      'a field with a name of the machinery',
      `${MINIMAL}other_fields: [__proto__.x]\n`,
      'm.yml:3:16: BAD_FIELD_NAME: "__proto__.x" is no field name; expected words with dots between',
    ],
    [
      'a condition that would be lost',
      `${MINIMAL}cases: [{name: a, when: {__proto__: 1}}]\n`,
      'm.yml:3:26: UNKNOWN_KEY: "__proto__" cannot be a key in when or map; leave it out',
    ],
    [
      'a translation that would be lost',
      `${MINIMAL}copy: {user.id: {from: a, map: {__proto__: x}}}\n`,
      'm.yml:3:33: UNKNOWN_KEY: "__proto__" cannot be a key in when or map; leave it out',
    ],
    ['broken YAML, once', 'input: [json\ntime: {}\ncases: ]\n', 'm.yml:'],
    ['nothing', '# later\n', 'm.yml:1:1: BAD_VALUE: the file holds 0 documents; expected one'],
    [
      'two documents',
      `${MINIMAL}---\n${MINIMAL}`,
      'm.yml:4:1: BAD_VALUE: the file holds 2 documents; expected one',
    ],
    ['a list', '- a\n', 'm.yml:1:1: BAD_VALUE: the mapping is a list; expected a map'],
  ])('is refused for %s', (_, text, message) => {
    const faults = faultsOf(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(message);
  });

  test('may set what each field holds, a list where one may be, and anything in fields of its own', () => {
    const set = `{event.action: login, event.category: [iam, web], event.type: user, portal.records.count: 0,
  portal.records.ids: [1, a], portal.session.started_at: 2025-07-12T21:04:11Z, event.ingested: 1752354251120, own: 7}`;
    expect(faultsOf(`${MINIMAL}other_fields: [own]\nset: ${set}\n`)).toEqual([]);
  });

  test('may set in a case what is copied for all lines', () => {
    expect(faultsOf(`${MINIMAL}copy: {user.id: uid}\ncases: [{name: a, set: {user.id: nobody}}]\n`)).toEqual(
      [],
    );
  });

  test('may give fields beyond the vocabulary when it names them', () => {
    const mapping = mappingOf(`${MINIMAL}other_fields: [site.name]\nset: {site.name: Isère}\n`);
    expect(mapping.set).toEqual({ 'site.name': 'Isère' });
  });
});
