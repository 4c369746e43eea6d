import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXTENSION_KEYS } from '../../../src/sigma/extensions/table.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';

const folder = new URL('testdata/', import.meta.url);

/** Each file holds one fault and is paired with its one message. */
const MESSAGES: Readonly<Record<string, string>> = {
  'begun-before-alone':
    '16:62: BAD_VALUE: vigie.begun_before is about the other rules, and there is none beside "views"; add one to rules',
  'begun-before-bound':
    '16:62: BAD_VALUE: vigie.begun_before leaves events out, which can make a condition with lt true; it needs one that only more events make true',
  'begun-before-correlation':
    '9:1: MISPLACED_EXTENSION: vigie.begun_before means nothing on a correlation of type event_count; it belongs on temporal or temporal_ordered',
  'begun-before-no-field':
    '16:21: MISSING_KEY: field is missing; name a date field, e.g. portal.session.started_at',
  'begun-before-no-rule':
    '16:21: MISSING_KEY: rule is missing; name the rule, one of rules, before whose newest event the date has to lie',
  'begun-before-not':
    '16:62: BAD_VALUE: vigie.begun_before leaves events out, which can make a condition with not true; it needs one that only more events make true',
  'begun-before-other-rule':
    '16:62: UNKNOWN_RULE: vigie.begun_before names "resets", which this correlation does not refer to; add it to rules',
  'begun-before-unknown-rule':
    '16:62: UNKNOWN_RULE: no rule has the id or name "reset"; did you mean "resets"?',
  'sequence-correlation':
    '16:1: MISPLACED_EXTENSION: vigie.sequence means nothing on a correlation of type temporal; it belongs on event_count or value_count',
  'sequence-field-modifier':
    '9:25: BAD_VALUE: "portal.records.ids|contains" is no field name: a modifier stands behind |, and only selections take those',
  'sequence-key':
    '9:45: UNKNOWN_KEY: vigie.sequence has no key "min_runs"; expected one of field, min_run, max_step; did you mean "min_run"?',
  'sequence-no-field': '9:17: MISSING_KEY: field is missing; name the field that holds the ids',
  'sequence-no-run': '9:17: MISSING_KEY: min_run is missing; say how many ids make a run, e.g. 30',
  'sequence-run': '9:54: BAD_NUMBER: min_run is 1; expected a whole number from 2 to 1000',
  'sequence-step': '9:68: BAD_NUMBER: max_step is 5; expected a whole number from 1 to 4',
  'sequence-type': '9:17: WRONG_TYPE: vigie.sequence is a number; expected a map',
  action: '1:9: BAD_ACTION: action is "globl"; expected one of global, reset, repeat; did you mean "global"?',
  'alias-modifier':
    '15:26: BAD_VALUE: "user.id|endswith" is no field name: a modifier stands behind |, and only selections take those',
  'alias-type': '14:18: WRONG_TYPE: the alias who is text; expected a map of rule: field',
  'alias-unknown-rule': '14:19: UNKNOWN_RULE: no rule has the id or name "viewz"; did you mean "views"?',
  'all-single': '5:5: ALL_ON_SINGLE_VALUE: |all joins several values; this key has one: remove |all',
  'ambiguous-rule': '13:41: AMBIGUOUS_RULE: 2 rules are called "views"; give each an id of its own',
  'bad-quantifier': '5:14: CONDITION_SYNTAX: "2 of" is no quantifier; expected "1 of", "any of" or "all of"',
  'bad-regex': '5:11: BAD_REGEX: "(x" cannot be used: it has a ( without its )',
  'bare-pattern':
    '5:14: CONDITION_SYNTAX: "selec*" stands for several selections; write "1 of selec*" or "all of selec*"',
  'backslash-in-quotes':
    '5:15: YAML_SYNTAX: Invalid escape sequence \\W; a text with backslashes needs single quotes',
  'base64-wildcard':
    '5:15: BAD_MODIFIER: |base64 cannot encode the wildcards * and ?; escape them with \\ or encode the fixed part only',
  'base64offset-short': '5:21: BAD_VALUE: |base64offset needs at least two bytes to recognise',
  'cidr-host-bits':
    '5:13: BAD_CIDR: "10.0.0.1/8" is no network: bits are set behind the prefix; write 10.0.0.0/8',
  'cidr-prefix': '5:13: BAD_CIDR: "10.0.0.0/33" is no network: the prefix of an IPv4 network is 0 to 32',
  'cidr-text':
    '5:13: BAD_CIDR: "10.0.0/8" is no network: expected an IPv4 or IPv6 network, e.g. 10.0.0.0/8 or 2001:db8::/32',
  'colon-in-value':
    '1:8: YAML_SYNTAX: Nested mappings are not allowed in compact mappings; check the indentation; a text with a colon and a space needs quotes',
  'compare-contains': '5:20: BAD_MODIFIER: |gt applies to a number, not to text',
  'compare-infinite': '5:12: BAD_MODIFIER: |gte applies to a number, not to .inf',
  'compare-text': '5:12: BAD_MODIFIER: |gte applies to a number, not to "many"',
  'compare-twice': '5:16: BAD_MODIFIER: |lte cannot follow |gte; write two keys',
  'condition-bars': '6:24: CONDITION_SYNTAX: expected "and" or "or", not "||"',
  'condition-capital':
    '6:24: CONDITION_SYNTAX: expected "and" or "or" before "And"; keywords are written in lower or in upper case',
  'condition-capital-not':
    '6:28: CONDITION_SYNTAX: expected a selection but found "Not"; keywords are written in lower or in upper case',
  'condition-exclamation':
    '6:28: CONDITION_SYNTAX: expected a selection but found "!service"; write "not" in place of "!"',
  'condition-outside':
    '4:3: MISSING_KEY: condition is missing; line 5 has it beside detection: indent it like the selections',
  'condition-sign': '6:24: CONDITION_SYNTAX: expected "and" or "or", not "&&"',
  'condition-end': '5:27: CONDITION_SYNTAX: the condition ends where a selection is expected',
  'condition-two-names': '5:24: CONDITION_SYNTAX: expected "and" or "or" before "selection"',
  'correlation-bound': '13:20: BAD_NUMBER: gte is "many"; expected a number',
  'correlation-field':
    '13:23: UNKNOWN_KEY: event_count counts events and has no use for field; to count values write type: value_count',
  'correlation-field-modifier':
    '13:30: BAD_VALUE: "user.id|cased" is no field name: a modifier stands behind |, and only selections take those',
  'correlation-key':
    '12:3: UNKNOWN_KEY: a correlation has no key "groupby"; expected one of type, rules, group-by, timespan, condition, aliases, generate; did you mean "group-by"?',
  'correlation-no-condition':
    '10:3: MISSING_KEY: condition is missing; say when event_count fires, e.g. condition: {gte: 10}',
  'correlation-no-field': '13:14: MISSING_KEY: field is missing; say which field value_count measures',
  'correlation-no-rules':
    '10:3: MISSING_KEY: rules is missing; list the ids or names of the rules to correlate',
  'correlation-no-timespan':
    '10:3: MISSING_KEY: timespan is missing; expected an integer and one of s, m, h, d, w, M (30 days), y (365 days), e.g. 90m',
  'correlation-operator':
    '13:15: UNKNOWN_KEY: a correlation condition has no key "get"; expected one of gt, gte, lt, lte, eq, neq, field, percentile; did you mean "gte"?',
  'correlation-text-condition':
    '13:14: WRONG_TYPE: condition is text; a boolean condition over rules is for temporal correlations, event_count takes a bound such as {gte: 10}',
  'correlation-timespan':
    '12:13: BAD_DURATION: timespan is "1 hour"; expected an integer and one of s, m, h, d, w, M (30 days), y (365 days), e.g. 90m',
  'correlation-temporal-extended':
    '10:9: BAD_VALUE: type is "temporal_extended"; expected one of event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile, value_median; a condition over rule names goes with temporal',
  'correlation-type':
    '10:9: BAD_VALUE: type is "event_cont"; expected one of event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile, value_median; did you mean "event_count"?',
  cycle: '10:1: CYCLE: the correlation refers to itself, directly or through others',
  'duplicate-field':
    '6:5: YAML_SYNTAX: this map has a key "event.action" already, on line 5; keep one of the two, rename one, or join their values in a list',
  'duplicate-key':
    '2:1: YAML_SYNTAX: this map has a key "title" already, on line 1; keep one of the two, or begin another document with ---',
  'empty-condition': '5:14: WRONG_TYPE: condition holds an empty text; write something there',
  'empty-list': '4:14: EMPTY_LIST: the selection is an empty list; give at least one map or value',
  'empty-map': '4:14: EMPTY_MAP: the selection is an empty map; give at least one field',
  'empty-values':
    '5:8: EMPTY_LIST: the list of values is empty; give at least one, or null for an absent field',
  'exists-not-alone': '5:5: BAD_MODIFIER: |exists stands alone, without other modifiers',
  'exists-value': '5:15: BAD_MODIFIER: |exists applies to true or false, without quotes, not to "yes"',
  'extension-baseline-average':
    '9:1: MISPLACED_EXTENSION: vigie.baseline means nothing on a correlation of type value_avg; it belongs on event_count or value_count or value_sum',
  'extension-baseline-buckets':
    '9:40: BAD_VALUE: a history of "28d" in buckets of "1m" is 40320 buckets for every group; at most 4096 are held: use longer buckets',
  'extension-baseline-factor': '9:52: BAD_NUMBER: factor is "-1"; expected a number from 0 on',
  'extension-baseline-key':
    '9:32: UNKNOWN_KEY: vigie.baseline has no key "buckets"; expected one of history, bucket, season, method, factor, min_samples; did you mean "bucket"?',
  'extension-baseline-method': '9:52: BAD_VALUE: method is "sigma"; expected mad',
  'extension-baseline-missing':
    '9:17: MISSING_KEY: factor is missing; say how many deviations above the median are still usual, e.g. factor: 4',
  'extension-baseline-multiple': '9:52: BAD_VALUE: season is "36h"; expected a multiple of the bucket, "1d"',
  'extension-baseline-samples':
    '9:80: BAD_NUMBER: min_samples is 5, but a window is never compared with more than 4 buckets of this history that are in the same phase of the season; use a longer history or fewer samples',
  'extension-baseline-sequence':
    '9:1: MISPLACED_EXTENSION: vigie.baseline and vigie.sequence do not go together; write two rules',
  'extension-baseline-type': '9:17: WRONG_TYPE: vigie.baseline is text; expected a map',
  'extension-baseline-upper':
    '9:1: MISPLACED_EXTENSION: vigie.baseline only narrows lower bounds, and beside lte 9 it could make rules fire that would not without it; use gt and gte alone',
  'extension-new-terms-empty':
    '9:27: WRONG_TYPE: fields is empty; name the fields whose values are to be new',
  'extension-new-terms-fields':
    '9:18: MISSING_KEY: fields is missing; name the fields whose values are to be new',
  'extension-new-terms-history':
    '9:18: MISSING_KEY: history is missing; say for how long a value must not have been seen, e.g. history: 28d',
  'extension-new-terms-key':
    '9:19: UNKNOWN_KEY: vigie.new_terms has no key "field"; expected one of fields, history; did you mean "fields"?',
  'extension-new-terms-temporal':
    '9:1: MISPLACED_EXTENSION: vigie.new_terms means nothing on a correlation of type temporal; it belongs on event_count or value_count or value_sum',
  'extension-new-terms-type': '9:18: WRONG_TYPE: vigie.new_terms is a list; expected a map',
  'extension-new-terms-upper':
    '9:1: MISPLACED_EXTENSION: vigie.new_terms only narrows lower bounds, and beside eq 1 it could make rules fire that would not without it; use gt and gte alone',
  'extension-choice': '9:23: BAD_VALUE: vigie.missing_fields is "keep"; expected one of skip, group',
  'extension-count': '9:19: BAD_NUMBER: vigie.max_groups is "0"; expected a whole number above 0',
  'extension-duration':
    '9:24: BAD_DURATION: vigie.resolve_timeout is "soon"; expected an integer and one of s, m, h, d, w, M (30 days), y (365 days), e.g. 90m',
  'extension-in-correlation':
    '14:3: MISPLACED_EXTENSION: "vigie.resolve_timeout" stands inside a correlation; it belongs at the root of the document, not indented',
  'extension-in-detection':
    '6:3: MISPLACED_EXTENSION: "vigie.off_hours" stands inside detection; it belongs at the root of the document, not indented',
  'extension-inhibits': '9:18: UNKNOWN_RULE: no rule has the id or name "veiws"; did you mean "views"?',
  'extension-misplaced':
    '3:1: MISPLACED_EXTENSION: vigie.max_groups means nothing on a rule; it belongs on a correlation',
  'extension-timezone':
    '3:17: BAD_VALUE: vigie.timezone is "Europe/Pariss"; expected an IANA time zone such as Europe/Paris; did you mean "Europe/Paris"?',
  'extension-off-hours-key':
    '3:19: UNKNOWN_KEY: vigie.off_hours has no key "day"; expected one of days, hours, holidays; did you mean "days"?',
  'extension-off-hours-empty':
    '3:25: BAD_VALUE: days of vigie.off_hours is an empty list; expected mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri, or leave it out',
  'extension-off-hours-days':
    '3:25: BAD_VALUE: days of vigie.off_hours is "monday-fri"; expected mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri',
  'extension-off-hours-hours':
    '3:26: BAD_VALUE: hours of vigie.off_hours is "19:00-07:00"; expected a range of times such as 07:00-19:00, the first before the second',
  'extension-off-hours-holidays':
    '3:29: UNKNOWN_LIST: there is no list "DE", nor a region such as FR, FR-57; there is none: put NAME.csv into a folder lists beside the rules, or name its folder with VIGIE_LISTS or --lists',
  'extension-off-hours-type': '3:18: WRONG_TYPE: vigie.off_hours is text; expected a map',
  'extension-only-listed':
    '3:21: UNKNOWN_LIST: there is no list "hosting_networks"; there is none: put NAME.csv into a folder lists beside the rules, or name its folder with VIGIE_LISTS or --lists',
  'extension-unless-listed-empty': '3:22: EMPTY_LIST: vigie.unless_listed is empty; give at least one name',
  'extension-scale-by-list':
    '9:17: MISSING_KEY: list is missing; name the lookup list that holds the numbers',
  'extension-scale-by-column':
    '9:17: MISSING_KEY: column is missing; name the column of the list that holds the numbers',
  'extension-scale-by-factor': '9:60: BAD_NUMBER: factor of vigie.scale_by is "0"; expected a number above 0',
  'extension-scale-by-unknown':
    '9:24: UNKNOWN_LIST: there is no list "caseloads"; there is none: put NAME.csv into a folder lists beside the rules, or name its folder with VIGIE_LISTS or --lists',
  'field-blank': '5:5: BAD_VALUE: the field name "cs-uri-stem " begins or ends with a blank; remove it',
  'fieldref-modifier':
    '5:19: BAD_VALUE: "b|contains" is no field name: a modifier stands behind |, and only selections take those',
  'fieldref-wildcard':
    '5:17: BAD_MODIFIER: |fieldref takes the name of a field, without wildcards; startswith, endswith and contains come after it',
  'filter-correlation':
    '20:10: BAD_VALUE: "many" is a correlation; a filter applies to rules on events: name the rules it correlates',
  'filter-empty-rules':
    '4:3: MISSING_KEY: rules is missing; list the ids of the rules to filter, or write any',
  'filter-logsource-key':
    '2:13: UNKNOWN_KEY: a filter\'s logsource has no key "categry"; expected one of category, product, service, definition; did you mean "category"?',
  'filter-no-rules': '4:3: MISSING_KEY: rules is missing; list the ids of the rules to filter, or write any',
  'filter-null-rules':
    '4:3: MISSING_KEY: rules is missing; list the ids of the rules to filter, or write any',
  'filter-unknown-rule':
    '4:11: UNKNOWN_RULE: no rule has the id or name "views"; if it stands in another file, give that path too',
  'flag-without-re': '5:10: BAD_MODIFIER: |i applies to regular expressions, not to "x"; put it after |re',
  'group-by-blank': '12:14: BAD_VALUE: the field name "user.id " begins or ends with a blank; remove it',
  'group-by-modifier':
    '12:23: BAD_VALUE: "url.path|contains" is no field name: a modifier stands behind |, and only selections take those',
  'hour-nan': '5:13: BAD_MODIFIER: |hour applies to a whole number, not to .nan',
  'hour-range': '5:13: BAD_NUMBER: 24 is no hour; expected a whole number from 0 to 23',
  'id-empty': '3:5: WRONG_TYPE: id is empty; write something or leave the key out',
  'id-type': '3:5: WRONG_TYPE: id is a number; expected text, in quotes where it looks like something else',
  'keyword-null': '4:21: BAD_VALUE: null needs a field; a keyword is text or a number',
  'legacy-count':
    '7:14: LEGACY_AGGREGATION: aggregations are no longer part of a condition; end it before "|" and write a correlation: correlation: {type: value_count, rules: [logins], group-by: [source.ip], timespan: 5m, condition: {field: user.id, gt: 10}}',
  'legacy-max':
    '5:14: LEGACY_AGGREGATION: aggregations are no longer part of a condition; end it before "|" and write a correlation: correlation: {type: value_percentile, rules: [<name of this rule>], group-by: [user], timespan: <how long>, condition: {field: size, percentile: 100, gt: 10}}',
  'ordered-twice':
    '18:26: BAD_VALUE: "views" stands twice in the order of temporal_ordered; name each rule once, or chain two correlations',
  'legacy-near':
    '5:14: LEGACY_AGGREGATION: aggregations are no longer part of a condition; end it before "|" and write a correlation: correlation: {type: temporal, rules: [<name of this rule>, <other rule>], group-by: [<field>], timespan: <how long>}',
  'legacy-sum':
    '7:14: LEGACY_AGGREGATION: aggregations are no longer part of a condition; end it before "|" and write a correlation: correlation: {type: value_sum, rules: [bytes_out], group-by: [src_ip], timespan: 1m, condition: {field: question_length, gt: 300000}}',
  level:
    '3:8: BAD_VALUE: level is "hihg"; expected one of informational, low, medium, high, critical; did you mean "high"?',
  'list-in-list': '4:15: WRONG_TYPE: a selection holds maps or values, not a list in a list',
  'list-value': '5:9: WRONG_TYPE: a list of values holds plain values, not a list',
  'logsource-type':
    '2:12: WRONG_TYPE: logsource is no map; expected category, product or service, e.g. category: webserver',
  'map-value':
    '5:8: WRONG_TYPE: a field takes a value or a list of values, not a map; write nested fields with dots',
  'correlation-not-indented':
    '7:13: WRONG_TYPE: correlation is nothing; expected a map, its lines indented further than correlation',
  'correlation-timespan-outside':
    '8:3: MISSING_KEY: timespan is missing; line 11 has it beside correlation: indent it like type and rules',
  'merge-list': '7:5: WRONG_TYPE: << takes a map or a list of maps, not text, which would be left out',
  'merge-text': '7:5: WRONG_TYPE: << takes a map or a list of maps, not text, which would be left out',
  'missing-condition':
    '4:3: MISSING_KEY: condition is missing; say which selections make a match, e.g. condition: selection',
  'missing-title': '1:1: MISSING_KEY: title is missing; every rule says in a few words what it is for',
  'modifier-order': '5:5: MODIFIER_ORDER: |re comes first, before |contains',
  'nested-extension': `9:1: UNKNOWN_EXTENSION: there is no extension key "vigie"; there are ${EXTENSION_KEYS.join(', ')}; write the keys with a dot, e.g. vigie.runbook`,
  'no-section':
    '2:1: BAD_DOCUMENT: the document has none of detection, correlation, filter; did you mean "detection" instead of "detecton"?',
  'no-selection-fits': '5:19: NO_SELECTION_FITS: no selection fits "filter_*"; there is selection',
  'no-selection':
    '4:3: MISSING_KEY: a selection is missing; give at least one, e.g. selection: {field: value}',
  'not-a-map': '1:1: NOT_A_MAP: a document is a map with a title, not a list',
  'null-in-list':
    '5:12: NULL_IN_LIST: null cannot stand in a list of values; put it in a selection of its own',
  'nothing-expand': '5:14: BAD_MODIFIER: |expand applies to text, not to nothing',
  'nothing-modifier': '5:16: BAD_MODIFIER: |contains applies to text, not to nothing',
  'null-modifier': '5:17: BAD_MODIFIER: |contains applies to text, not to null',
  'percent-unquoted':
    '5:21: YAML_SYNTAX: Plain value cannot start with directive indicator character %; the text needs quotes',
  'percentile-missing': '13:14: MISSING_KEY: percentile is missing; expected a number from 0 to 100',
  'percentile-range': '13:49: BAD_NUMBER: percentile is 101; expected a number from 0 to 100',
  placeholder:
    '5:15: UNRESOLVED_PLACEHOLDER: the placeholder %admins% has no values; give it some in the setting placeholders (none are configured)',
  'repeat-nothing': '1:9: BAD_ACTION: there is no document before this one to repeat',
  'reset-with-rule':
    '2:1: BAD_ACTION: a document with action: reset ends what action: global lent, and says nothing else; put title into a document of its own, after ---',
  'rule-by-title':
    '11:10: UNKNOWN_RULE: no rule has the id or name "Views"; that is a title: give the rule a name and refer to it by that',
  'selection-null':
    '4:3: WRONG_TYPE: the selection selection is nothing; give it a map or a list of keywords',
  'star-alone': '5:17: YAML_SYNTAX: Alias cannot be an empty string; a text that begins with * needs quotes',
  'star-unquoted':
    '5:17: YAML_SYNTAX: the alias *admin* has no complete anchor &admin* before it; a text that begins with * needs quotes',
  status:
    '3:9: BAD_VALUE: status is "done"; expected one of stable, test, experimental, deprecated, unsupported',
  tab: '4:1: YAML_SYNTAX: Tabs are not allowed as indentation; write spaces',
  tags: '3:8: WRONG_TYPE: tags holds a map; expected a text or a list of texts',
  'temporal-unknown-rule': '13:24: UNKNOWN_RULE: there is no rule "resets" here; there is views',
  'time-twice': '5:20: BAD_MODIFIER: |minute cannot follow |hour; write two keys',
  'title-type':
    '1:8: WRONG_TYPE: title is a list; expected text, in quotes where it looks like something else',
  'two-sections':
    '3:1: BAD_DOCUMENT: a document has one of detection, correlation, filter; this one has detection and correlation: split it with ---',
  'unclosed-parenthesis': '5:14: CONDITION_SYNTAX: the parenthesis opened here is not closed',
  'undefined-alias':
    '4:14: YAML_SYNTAX: the alias *nowhere has no complete anchor &nowhere before it; a text that begins with * needs quotes',
  'unknown-extension': `9:1: UNKNOWN_EXTENSION: there is no extension key "vigie.resolve_timout"; there are ${EXTENSION_KEYS.join(', ')}; did you mean "vigie.resolve_timeout"?`,
  'unknown-modifier': '5:5: UNKNOWN_MODIFIER: there is no modifier "contians"; did you mean "contains"?',
  'unknown-rule': '11:10: UNKNOWN_RULE: no rule has the id or name "veiws"; did you mean "views"?',
  'unknown-selection':
    '5:14: UNKNOWN_SELECTION: there is no selection "selction" here; there is selection; did you mean "selection"?',
  'unsafe-regex':
    '5:11: UNSAFE_REGEX: "(a+)+(b)\\\\2" cannot be used: "(a+)+" repeats a group that can match in several ways, which can backtrack without end',
  'windash-regex': '5:19: BAD_MODIFIER: |windash applies to text, not to a regular expression',
  'yaml-syntax':
    '3:1: YAML_SYNTAX: Flow sequence in block collection must be sufficiently indented and end with a ]',
};

function faultsOf(name: string): string[] {
  const text = readFileSync(new URL(`${name}.bad.yaml`, folder), 'utf8');
  return parseRules([{ file: name, text }])
    .faults.filter(({ severity }) => severity === 'error')
    .map(({ line, column, code, message }) => `${line}:${column}: ${code}: ${message}`);
}

describe('every faulty file is reported with its one message', () => {
  test.each(Object.entries(MESSAGES))('%s', (name, message) => {
    expect(faultsOf(name)).toEqual([message]);
  });

  test('every file in the folder is in the table', () => {
    const files = readdirSync(folder)
      .filter((file) => file.endsWith('.bad.yaml'))
      .map((file) => file.replace('.bad.yaml', ''));
    expect(files.sort()).toEqual(Object.keys(MESSAGES).sort());
  });
});

test('all faults of all files are reported in one pass, in the order of the text', () => {
  const text = [
    'title: One',
    'level: hihg',
    'logsource: {product: portal}',
    'detection:',
    '  selection: {a|contians: x, "b|re": "("}',
    '  condition: selction',
    '---',
    'title: Two',
    'correlation: {type: event_count, rules: nobody, timespan: 1x, condition: {gte: 1}}',
  ].join('\n');
  const { faults, rules, correlations } = parseRules([
    { file: 'a.yml', text },
    { file: 'b.yml', text: 'title: {' },
  ]);
  expect(faults.map(({ file, line, code }) => `${file}:${line} ${code}`)).toEqual([
    'a.yml:2 BAD_VALUE',
    'a.yml:5 UNKNOWN_MODIFIER',
    'a.yml:5 BAD_REGEX',
    'a.yml:6 UNKNOWN_SELECTION',
    'a.yml:9 UNKNOWN_RULE',
    'a.yml:9 BAD_DURATION',
    'b.yml:1 YAML_SYNTAX',
  ]);
  expect([...rules, ...correlations]).toEqual([]);
});

const errorsOf = (text: string): string[] =>
  parseRules([{ file: 'f', text }]).faults.flatMap(({ severity, line, code }) =>
    severity === 'error' ? [`${line} ${code}`] : [],
  );

test('every text that lacks quotes for its * is reported, not only the first of a document', () => {
  const text = 'title: T\ndetection:\n  s:\n    a|endswith: [*.exe, x, *.dll]\n    b: *c\n  condition: s\n';
  expect(errorsOf(text)).toEqual(['4 YAML_SYNTAX', '4 YAML_SYNTAX', '5 YAML_SYNTAX']);
});

test('of a merge key whose anchor is missing only that is told', () => {
  const text = 'title: T\ndetection:\n  s:\n    <<: [*base, {a: 1}]\n    b: 1\n  condition: s\n';
  expect(errorsOf(text)).toEqual(['4 YAML_SYNTAX']);
});

test.each([
  ['its condition cannot be read', 'condition: views and (resets', ['14 CONDITION_SYNTAX']],
  ['its condition names a rule that there is not', 'condition: views and rests', ['14 UNKNOWN_RULE']],
  ['it has a misspelt key', 'rule: [views, resets]', ['11 MISSING_KEY', '14 UNKNOWN_KEY']],
  ['one of them is misspelt', 'rules: [views, rests]', ['14 UNKNOWN_RULE']],
])(
  'an alias is not blamed for a rule that a correlation does not refer to as long as %s',
  (_why, line, faults) => {
    const text = [
      'title: Views\nname: views\ndetection: {s: {a: 1}, condition: s}\n---',
      'title: Resets\nname: resets\ndetection: {s: {a: 2}, condition: s}\n---',
      `title: Both\ncorrelation:\n  type: temporal\n  timespan: 1h\n  group-by: who\n  ${line}`,
      '  aliases: {who: {views: user.id, resets: user.target.id, logins: user.id}}',
    ].join('\n');
    expect(errorsOf(text)).toEqual([...faults, '15 UNKNOWN_RULE']);
    expect(errorsOf(text.replace(', logins: user.id', ''))).toEqual(faults);
  },
);

const rule = (condition: string): string =>
  `title: T\nlogsource: {product: p}\ndetection:\n  sel: {a: 1}\n  condition: ${condition}\n`;
const level = (i: number): string =>
  `a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`;

describe('hostile files are faults, not crashes', () => {
  const bomb = ['a0: &a0 [x]', ...Array.from({ length: 12 }, (_, i) => level(i + 1))].join('\n');
  test.each([
    ['an alias bomb', bomb, 'YAML_LIMIT'],
    ['an alias inside its own anchor', 'title: &a [*a]', 'YAML_SYNTAX'],
    [
      'a chain of aliases that nests deeper and deeper',
      `l:\n - &a0 [x]\n${Array.from({ length: 200 }, (_, i) => ` - &a${i + 1} [*a${i}]`).join('\n')}`,
      'YAML_LIMIT',
    ],
    ['a million open brackets', '['.repeat(1_000_000), 'YAML_LIMIT'],
    ['maps nested 900 deep', `${'{a: '.repeat(900)}1${'}'.repeat(900)}`, 'YAML_LIMIT'],
    ['a file of 11 MB', `title: ${'a'.repeat(11_000_000)}`, 'FILE_TOO_LARGE'],
    [
      'a condition nested 10,000 deep',
      rule('('.repeat(10_000) + 'sel' + ')'.repeat(10_000)),
      'CONDITION_TOO_DEEP',
    ],
    ['10,000 negations', rule(`${'not '.repeat(10_000)}sel`), 'CONDITION_TOO_DEEP'],
    ['control characters', '\u0000: [}\n\t- x', 'YAML_SYNTAX'],
  ])('%s', (_name, text, code) => {
    const { faults } = parseRules([{ file: 'f', text }]);
    expect(faults.map((fault) => fault.code)).toContain(code);
  });

  test('brackets nested too deep are found at their place, and those in texts are only text', () => {
    const open = '['.repeat(65);
    const texts = `x: |\n  ${open}\ny: "${open}"\nz: a${open} # ${open}\n`;
    const fine = rule('sel');
    expect(parseRules([{ file: 'f', text: texts + fine }]).faults).toEqual([]);
    const { faults } = parseRules([{ file: 'f', text: `${texts}w: [x, ${open}\n${fine}` }]);
    expect(faults).toMatchObject([{ code: 'YAML_LIMIT', line: 5, column: 71 }]);
  });

  test('a condition of 10,000 selections side by side is fine', () => {
    expect(parseRules([{ file: 'f', text: rule(`sel${' or sel'.repeat(9_999)}`) }]).faults).toEqual([]);
  });
});
