import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Canary, canaryOf, type CanarySettings, rulesToProve } from '../../../src/canary/canary.ts';
import { CanaryMarks } from '../../../src/canary/marks.ts';
import { evalEvents } from '../../../src/eval/eval.ts';
import { testsOfFile } from '../../../src/eval/rule-test-form.ts';
import { loadRules } from '../../../src/files/rule-files.ts';
import { ruleTests } from '../../../src/files/rule-test-files.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import { ALL_RULES, BURST_RULE } from '../cli/fixtures.ts';

/** A night, as some rules look at nothing else. */
const NOW = Date.UTC(2026, 10, 25, 2, 0, 0);
const WORKING_HOURS = Date.UTC(2026, 10, 25, 14, 0, 0);
const LATENESS_MS = 60_000;
const marks = new CanaryMarks(Buffer.alloc(16, 7));

function settingsOf(ruleSet: RuleSet): CanarySettings {
  return {
    ruleSet,
    marks,
    timestampField: '@timestamp',
    personFields: ['portal.records.ids'],
    latenessMs: LATENESS_MS,
  };
}

const FOLDER = fileURLToPath(new URL('../../../rules', import.meta.url));
const shipped = loadRules([FOLDER]);
const shippedTests = ruleTests([FOLDER], shipped);
const canaries = rulesToProve(shipped).map(
  (rule) => [rule.name!, canaryOf(rule, shippedTests, settingsOf(shipped), NOW)] as const,
);
const made = canaries.filter((each): each is [string, Canary] => typeof each[1] !== 'string');

function idsOf({ events }: Canary): unknown[] {
  return events.map(({ json }) => (JSON.parse(json) as Record<string, unknown>)['event.id']);
}

describe('canaries of the shipped rules', () => {
  test('there is one of every rule but of those that need history or lists', () => {
    expect(canaries.filter(([, canary]) => typeof canary === 'string').map(([name]) => name)).toEqual([
      'creation_from_new_network',
      'reset_then_new_network_volume',
      'many_accounts_hosting_network',
      'many_accounts_hosting_source',
    ]);
  });

  test('of a rule about the night there is none in working hours, instead of one that is missed', () => {
    const rule = shipped.correlations.find(({ name }) => name === 'off_hours_extraction_account')!;
    expect(canaryOf(rule, shippedTests, settingsOf(shipped), WORKING_HOURS)).toContain(
      'does not fire within seconds',
    );
  });

  test.each(made)(
    '%s: it fires, and whatever else fires on the way is told for a canary too',
    (_, canary) => {
      const { lines } = evalEvents(
        shipped,
        canary.events.map(({ json }) => json),
      );
      const firings = lines.flatMap((line) => (line.type === 'firing' ? [line] : []));
      expect(firings).toContainEqual(expect.objectContaining({ rule: canary.rule.key, group: canary.group }));
      for (const { group, time } of firings) expect(marks.areAll(group, Date.parse(time))).toBe(true);
    },
  );

  test.each(made)(
    '%s: all of it is of the last seconds, and nothing of it was there before',
    (name, canary) => {
      const again = canaryOf(canary.rule, shippedTests, settingsOf(shipped), NOW) as Canary;
      expect(new Set([...idsOf(canary), ...idsOf(again)]).size, name).toBe(2 * canary.events.length);
      expect(again.group).not.toEqual(canary.group);
      for (const { time } of canary.events) {
        expect(time).toBeLessThanOrEqual(NOW);
        expect(time).toBeGreaterThan(NOW - 30_000);
      }
    },
  );
});

const ruleSet = parseRules([{ file: 'rules.yml', text: ALL_RULES }]);
const [burst] = rulesToProve(ruleSet);

/** A canary of the burst rule from a test whose events are those. */
function ofTest(events: string, fires: string, rules = ruleSet): Canary | string {
  const text = `rule: ${burst!.key}\ntests:\n  - name: reads\n    events:\n${events}\n    fires: ${fires}\n`;
  const tests = testsOfFile('burst.tests.yml', text, rules);
  return canaryOf(rulesToProve(rules)[0]!, [tests], settingsOf(rules), NOW);
}

const READS = (more = '', every = '1s'): string =>
  `      - {repeat: 3, from: 2025-07-12T20:00:00Z, every: ${every}, event: {event.action: record-view, user: {id: u}, service.name: k, ${more}}}`;
const FIRES = '[{at: 2025-07-12T20:00:02Z}]';

describe('a canary', () => {
  test('is keyed by its account, has marks where rules group, and all else as the test has it', () => {
    const canary = ofTest(
      READS('source.ip: 203.0.113.9, event.id: "e{i}", http: {status: 200}'),
      FIRES,
    ) as Canary;
    expect(canary.laterMs).toBeUndefined();
    const events = canary.events.map(({ json }) => JSON.parse(json) as Record<string, unknown>);
    for (const [i, event] of events.entries()) {
      expect(event).toEqual({
        '@timestamp': new Date(NOW - 2000 + i * 1000).toISOString(),
        'event.id': expect.stringMatching(/^vigie-canary-/),
        'event.action': 'record-view',
        user: { id: canary.events[0]!.account },
        'service.name': canary.group['service.name'],
        'source.ip': '203.0.113.9',
        http: { status: 200 },
      });
    }
    expect(canary.group['user.id']).toBe(canary.events[0]!.account);
  });

  test('keeps a date as far from its events as it was in the test', () => {
    const { events } = ofTest(READS('portal.account.created: 2025-07-12T19:00:02Z'), FIRES) as Canary;
    expect(JSON.parse(events[0]!.json)).toMatchObject({
      'portal.account.created': new Date(NOW - 3_600_000).toISOString(),
    });
  });

  test('is made of the first events that fire, not of all of the test', () => {
    const more = `${READS()}\n      - {repeat: 50, from: 2025-07-12T20:01:00Z, every: 1s, event: {event.action: record-view, user.id: v, service.name: k}}`;
    expect((ofTest(more, FIRES) as Canary).events).toHaveLength(3);
  });

  test('is not made of a test that shows silence', () => {
    expect(ofTest(READS(), '[]')).toBe('it has no test that makes it fire');
  });

  test('is not made where the rule does not fire: its threshold may be another one now', () => {
    const two = `      - {repeat: 2, from: 2025-07-12T20:00:00Z, event: {event.action: record-view, user.id: u, service.name: k}}`;
    expect(ofTest(two, FIRES)).toBe('it does not fire within seconds of now (the test "reads")');
  });

  test('is not made where operators would get an alert that looks like any other', () => {
    const byStatus = BURST_RULE.replace('000000000003', '000000000004')
      .replace('[user.id, service.name]', '[http.response.status_code]')
      .replace('Three reads', 'Three answers')
      .replace('gte: 3', 'gte: 2');
    const rules = parseRules([{ file: 'rules.yml', text: `${ALL_RULES}\n---\n${byStatus}` }]);
    expect(ofTest(READS('http.response.status_code: 200'), FIRES, rules)).toBe(
      'its events would raise an alert of "Three answers in ten seconds" that cannot be told from others (the test "reads")',
    );
  });

  test('is made also where another rule groups by what this one looks for, beside an account', () => {
    const other = BURST_RULE.replaceAll('Three', 'Other')
      .replace('000003', '000009')
      .replace('service.name', 'event.action')
      .replace('gte: 3', 'gte: 300');
    const rules = parseRules([{ file: 'rules.yml', text: `${ALL_RULES}\n---${other}` }]);
    const { events, group } = ofTest(READS(), FIRES, rules) as Canary;
    expect(JSON.parse(events[0]!.json)).toMatchObject({ 'event.action': 'record-view' });
    expect(marks.areAll(group, NOW)).toBe(true);
    // Three of its own would be an alert about a mark and an action: about a canary alone is only what has nothing but marks.
    const loud = parseRules([
      { file: 'rules.yml', text: `${ALL_RULES}\n---${other.replace('gte: 300', 'gte: 3')}` },
    ]);
    expect(ofTest(READS(), FIRES, loud)).toContain('cannot be told from others');
  });
});
