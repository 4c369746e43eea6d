import { expect, test } from 'vitest';
import { evalEvents } from '../../../src/eval/eval.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { raisesAlerts } from '../../../src/sigma/rule.ts';

const rules = (level: string) =>
  parseRules([
    {
      file: 'rules.yml',
      text: `title: Read\nname: read\nlogsource: {category: test}\ndetection: {a: {action: read}, condition: a}\n---\ntitle: One read\nid: one-read\n${level}correlation: {type: event_count, rules: [read], group-by: [user], timespan: 1h, condition: {gte: 1}}\n`,
    },
  ]);
const EVENT = '{"@timestamp":"2025-07-12T20:00:00Z","action":"read","user":"u"}';

test('a correlation at level informational raises no alert, and eval shows that it fired', () => {
  const ruleSet = rules('level: informational\n');
  expect(ruleSet.correlations.map(raisesAlerts)).toEqual([false]);
  expect(evalEvents(ruleSet, [EVENT]).lines).toMatchObject([{ type: 'firing' }, { type: 'alert' }]);
});

test.each(['level: low\n', 'level: critical\n', ''])(
  'a correlation at another level raises alerts: %s',
  (level) => {
    expect(rules(level).correlations.map(raisesAlerts)).toEqual([true]);
  },
);
