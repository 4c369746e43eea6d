/** A sweep and a reduced rule set find in one pass what separate runs would find. */

import { describe, expect, test } from 'vitest';
import type { Judgement } from '../../../src/backtest/judge.ts';
import { sweepOf } from '../../../src/backtest/sweep.ts';
import { personsPerAccountHour, withoutRules } from '../../../src/backtest/without.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import { Random } from '../../../replay/random.ts';
import { incident, judge, rulesOf, type Short } from './judging.ts';

const PERSONS = `
title: Persons of one account
name: persons
level: high
correlation:
  {type: value_count, rules: [read], group-by: [user.id], timespan: 30s, condition: {field: portal.records.ids, gte: 6}}
`;
const READS = `
title: Reads of one account
name: reads
level: medium
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 20s, condition: {gt: 6}}
generate: true
`;
const CHAIN = `
title: Reads, then a grant
name: chain
level: critical
correlation: {type: temporal_ordered, rules: [reads, grant], group-by: [user.id], timespan: 2m}
vigie.inhibits: [persons]
`;
const SUM = `
title: Records of an organisation
name: sum
level: low
correlation:
  {type: value_sum, rules: [read], group-by: [organization.id], timespan: 60s, condition: {field: portal.records.count, gte: 20}}
`;
const RULES = rulesOf(PERSONS, READS, CHAIN, SUM);
const LABELS = { incidents: [incident('theft', ['s3'])] };

function traffic(seed: string): Short[] {
  const random = Random.seeded(seed);
  let at = 0;
  return Array.from({ length: 400 }, (): Short => {
    at += random.below(7);
    return {
      at,
      action: random.chance(0.1) ? 'grant' : 'read',
      user: `u${random.below(3)}`,
      session: `s${random.below(4)}`,
      organisation: `o${random.below(2)}`,
      persons: Array.from({ length: 1 + random.below(3) }, () => `p${random.below(30)}`),
    };
  });
}

const byRule = (a: { rule: string }, b: { rule: string }) => (a.rule < b.rule ? -1 : 1);

/** The alerts of some rules, under the names they have in another rule set. */
function alertsOf({ hits, falseAlerts }: Judgement, names: ReadonlyMap<string, string>) {
  const row = <T extends { rule: string }>(rows: readonly T[]) =>
    rows.flatMap((one) =>
      names.has(one.rule) ? [{ ...one, rule: names.get(one.rule)!, inhibited: 0 }] : [],
    );
  return { hits: row(hits).sort(byRule), falseAlerts: row(falseAlerts).sort(byRule) };
}

function identity(ruleSet: RuleSet): Map<string, string> {
  return new Map(ruleSet.correlations.map(({ key }) => [key, key]));
}

describe.each(['one', 'two', 'three'])('over random traffic of seed %s', (seed) => {
  const events = traffic(seed);
  const sweep = sweepOf(RULES);
  const swept = judge(sweep.ruleSet, events, LABELS);

  test('the shipped rules find the same with and without a sweep beside them', () => {
    const alone = judge(RULES, events, LABELS);
    expect(alone.hits.length + alone.falseAlerts.length).toBeGreaterThan(3);
    const originals = new Set(RULES.correlations.map(({ key }) => key));
    expect({
      hits: swept.hits.filter(({ rule }) => originals.has(rule)),
      falseAlerts: swept.falseAlerts.filter(({ rule }) => originals.has(rule)),
    }).toEqual({ hits: alone.hits, falseAlerts: alone.falseAlerts });
  });

  test('every setting finds what a run with that threshold alone finds, in the rules above it too', () => {
    for (const { of, factor, bounds, alerting } of sweep.points) {
      const set: RuleSet = {
        ...RULES,
        correlations: RULES.correlations.map((rule) => (rule.key === of ? { ...rule, bounds } : rule)),
      };
      const shipped = sweep.points.find((point) => point.of === of && point.factor === 1)!.alerting;
      const copies = new Map(alerting.map((key, i) => [key, shipped[i]!]));
      const own = new Map(shipped.map((key) => [key, key]));
      expect(alertsOf(swept, copies), `${of} × ${factor}`).toEqual(alertsOf(judge(set, events, LABELS), own));
    }
  });

  test('without a rule the rest finds what it finds beside it', () => {
    const whole = judge(RULES, events, LABELS);
    for (const name of ['persons', 'reads', 'sum']) {
      const reduced = withoutRules(RULES, [name]);
      const left = identity(reduced);
      expect(alertsOf(judge(reduced, events, LABELS), left), name).toEqual(alertsOf(whole, left));
    }
  });
});

test('thresholds are whole where they were, rounded up, and each setting is judged once', () => {
  const settings = sweepOf(RULES).points.filter(({ of }) => of === 'persons');
  expect(settings.map(({ factor, bounds }) => [factor, bounds[0]!.value])).toEqual([
    [0.25, 2],
    [0.35, 3],
    [0.7, 5],
    [1, 6],
    [1.4, 9],
    [2, 12],
    [2.8, 17],
    [4, 24],
  ]);
  // Half of 6 is 3, as 0.35 of it is.
  expect(settings.find(({ factor }) => factor === 0.35)!.stands).toEqual([0.35, 0.5]);
});

test('a bound by a list is scaled like the static one', () => {
  const [persons] = RULES.correlations;
  const scaleBy = { list: 'caseloads', column: 'persons', factor: 2 };
  const { ruleSet } = sweepOf({ ...RULES, correlations: [{ ...persons!, scaleBy }] }, [0.5, 2]);
  expect(ruleSet.correlations.map((rule) => rule.scaleBy!.factor)).toEqual([2, 1, 4]);
});

test('a rule left out takes along what refers to it', () => {
  expect(withoutRules(RULES, ['reads']).correlations.map(({ key }) => key)).toEqual(['persons', 'sum']);
});

test('a rule that is not there is refused, with the one that was meant', () => {
  expect(() => withoutRules(RULES, ['person'])).toThrow(
    expect.objectContaining({ code: 'RULE_UNKNOWN', remedy: expect.stringContaining('persons') }),
  );
});

test('a rule on single events is no rule to leave out, and two of one title are none without saying which', () => {
  const { key } = RULES.rules[0]!;
  expect(() => withoutRules(RULES, [key])).toThrow(
    expect.objectContaining({
      code: 'RULE_UNKNOWN',
      message: expect.stringContaining('is a rule on single events'),
    }),
  );
  const [persons, reads] = RULES.correlations;
  const twins = { ...RULES, correlations: [persons!, { ...reads!, title: persons!.title }] };
  expect(() => withoutRules(twins, [persons!.title])).toThrow(
    expect.objectContaining({ code: 'ARGUMENT_INVALID', remedy: expect.stringContaining('persons, reads') }),
  );
});

test('signal A is one account’s persons in an hour, and not those of a day or of an organisation', () => {
  const variants = rulesOf(
    PERSONS,
    PERSONS.replace('name: persons', 'name: day').replace('30s', '24h'),
    PERSONS.replace('name: persons', 'name: organisation').replace('user.id', 'organization.id'),
    `
title: Twice in a day
name: twice
level: high
correlation: {type: event_count, rules: [persons], group-by: [user.id], timespan: 24h, condition: {gte: 2}}
`,
  );
  expect([...personsPerAccountHour(variants.correlations)]).toEqual(['persons', 'twice']);
});
