/** Which alerts belong to an incident, which are false, and what they are put down to. */

import { describe, expect, test } from 'vitest';
import { incident, judge, rulesOf, START } from './judging.ts';

const BURST = `
title: Three reads in ten seconds
name: burst
level: high
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 10s, condition: {gte: 3}}
`;
const BIG_BURST = `
title: Five reads in ten seconds
name: big-burst
level: critical
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 10s, condition: {gte: 5}}
vigie.inhibits: [burst]
`;
const IN_ORGANISATION = `
title: Four reads in one organisation
name: in-organisation
level: medium
correlation: {type: event_count, rules: [read], group-by: [organization.id], timespan: 1m, condition: {gte: 4}}
`;
const THEFT = { incidents: [incident('theft', ['stolen'])] };

const reads = (from: number, count: number, rest: object = {}) =>
  Array.from({ length: count }, (_, i) => ({ at: from + i, persons: [`p${from + i}`], ...rest }));

describe('an alert belongs to an incident', () => {
  test('when a malicious event lies in the window that crossed, whoever’s account it is', () => {
    const { hits, falseAlerts } = judge(rulesOf(BURST), reads(0, 3, { session: 'stolen' }), THEFT);
    expect(falseAlerts).toEqual([]);
    expect(hits).toMatchObject([
      { incident: 0, rule: 'burst', alerts: 1, first: { crossedAt: START + 2000 } },
    ]);
  });

  test('also when one malicious event joined ordinary ones of its group', () => {
    const events = [...reads(0, 3, { user: 'u2' }), { at: 5, user: 'thief', session: 'stolen' }];
    const { hits, falseAlerts } = judge(rulesOf(IN_ORGANISATION), events, THEFT);
    expect(hits.map(({ rule }) => rule)).toEqual(['in-organisation']);
    expect(falseAlerts).toEqual([]);
  });

  test('also when it rests on a chain, whose events lie before the parents’ firings', () => {
    const chain = `
title: A burst, then a grant
name: chain
level: critical
correlation: {type: temporal_ordered, rules: [burst, grant], group-by: [user.id], timespan: 1m}
`;
    const events = [
      ...reads(0, 3, { session: 'stolen' }),
      { at: 40, action: 'grant' },
      // The watermark has to pass before a chain sees its parent.
      { at: 300, user: 'u9' },
    ];
    const { hits } = judge(rulesOf(BURST, chain), events, THEFT);
    expect(hits).toMatchObject([
      { rule: 'chain', first: { crossedAt: START + 40_000, raisedAt: START + 300_000 } },
    ]);
  });

  test('also when its group is called otherwise in the events, by an alias', () => {
    const aliased = `
title: Grant, then reads by the grantee
name: aliased
level: high
correlation:
  type: temporal_ordered
  rules: [grant, read]
  group-by: [account]
  timespan: 1m
  aliases: {account: {grant: user.target.id, read: user.id}}
`;
    const events = [
      { at: 0, action: 'grant', user: 'manager', target: 'fresh', session: 'stolen' },
      { at: 9, user: 'fresh', session: 'own' },
    ];
    expect(judge(rulesOf(aliased), events, THEFT).hits).toMatchObject([
      { rule: 'aliased', first: { group: { account: 'fresh' } } },
    ]);
  });

  test('with what was gone by the crossing, that read included', () => {
    const { hits, incidents } = judge(rulesOf(BURST), reads(0, 8, { session: 'stolen' }), THEFT);
    expect(hits[0]!.first.taken).toEqual({ at: START + 2000, records: 3, persons: 3, accounts: 1 });
    expect(incidents).toMatchObject([
      { name: 'theft', reads: 8, records: 8, persons: 8, firstReadAt: START, lastReadAt: START + 7000 },
    ]);
  });

  test('with what was gone by the crossing in event time, however out of order the log is', () => {
    const session = 'stolen';
    // A person that is read again counts from its first time on.
    const theft = [...reads(0, 60, { session }), { at: 40, persons: ['p1'], session }].map((event, i) => ({
      ...event,
      id: `e${i}`,
    }));
    const shuffled = theft.map((_, i) => theft[(i * 38) % theft.length]!);
    const told = (log: typeof theft) => {
      const { incidents, hits } = judge(rulesOf(BURST), log, THEFT);
      return { incidents, taken: hits.map(({ first }) => first.taken) };
    };
    expect(told(theft)).toMatchObject({
      incidents: [{ firstReadAt: START, lastReadAt: START + 59_000, records: 61, persons: 60 }],
      taken: [{ at: START + 2000, records: 3, persons: 3 }],
    });
    expect(told(shuffled)).toEqual(told(theft));
  });

  test('when its events have no session and come from its addresses, if it has no other mark', () => {
    const flood = { ...incident('flood', []), sources: ['198.51.100.7'] };
    const requests = reads(0, 3, { source: '198.51.100.7', outcome: 'failure' });
    const found = judge(rulesOf(BURST), requests, { incidents: [flood] });
    expect(found.hits).toMatchObject([{ rule: 'burst' }]);
    expect(found.incidents).toMatchObject([{ events: 3, reads: 0, records: 0 }]);
    const inSession = requests.map((request) => ({ ...request, session: 'own' }));
    expect(judge(rulesOf(BURST), inSession, { incidents: [flood] }).hits).toEqual([]);
    const marked = { ...incident('theft', ['stolen']), sources: ['198.51.100.7'] };
    expect(judge(rulesOf(BURST), requests, { incidents: [marked] }).hits).toEqual([]);
  });

  test('when its events are known by their ids, outside any session', () => {
    const labels = { incidents: [incident('theft', [], ['e0', 'e1', 'e2'])] };
    expect(judge(rulesOf(BURST), reads(0, 3), labels).hits).toHaveLength(1);
  });
});

describe('an alert is false', () => {
  test('when all events of its window are ordinary, even if the group is the stolen account’s', () => {
    const events = [...reads(0, 3, { session: 'own' }), ...reads(60, 1, { session: 'stolen' })];
    const { hits, falseAlerts } = judge(rulesOf(BURST), events, THEFT);
    expect(hits).toEqual([]);
    expect(falseAlerts).toMatchObject([{ rule: 'burst', cause: 'ordinary work', alerts: 1 }]);
  });

  test('when it was open before the theft and the theft only made it grow', () => {
    const events = [...reads(0, 3, { session: 'own' }), ...reads(3, 5, { session: 'stolen' })];
    const { hits, falseAlerts } = judge(rulesOf(BURST), events, THEFT);
    expect(hits).toEqual([]);
    expect(falseAlerts).toHaveLength(1);
  });

  test('and is put down to the confounder most of whose events stand behind it', () => {
    const confounders = [
      { name: 'export', sessions: ['x'], eventIds: [], accounts: ['u1'] },
      { name: 'onboarding', sessions: [], eventIds: ['e1'], accounts: [] },
    ];
    const events = [...reads(0, 1, { session: 'x' }), ...reads(1, 1), ...reads(2, 1, { session: 'x' })];
    const { falseAlerts } = judge(rulesOf(BURST), events, { incidents: [], confounders });
    expect(falseAlerts).toMatchObject([{ cause: 'export' }]);
  });

  test('or to the confounder of its account, when none of its events is labelled', () => {
    const confounders = [{ name: 'service account', sessions: [], eventIds: [], accounts: ['u1'] }];
    const { falseAlerts } = judge(rulesOf(BURST), reads(0, 3), { incidents: [], confounders });
    expect(falseAlerts).toMatchObject([{ cause: 'service account' }]);
  });

  test('and counts apart where an alert above stands on the same group', () => {
    const { falseAlerts } = judge(rulesOf(BURST, BIG_BURST), reads(0, 5));
    expect(falseAlerts).toMatchObject([
      { rule: 'burst', alerts: 1, inhibited: 1 },
      { rule: 'big-burst', alerts: 1, inhibited: 0 },
    ]);
  });

  test('but is not counted while the rules still learn', () => {
    const events = [...reads(0, 3), ...reads(100, 3)];
    const { falseAlerts, judgedMs } = judge(rulesOf(BURST), events, undefined, { learnMs: 60_000 });
    expect(falseAlerts).toMatchObject([{ alerts: 1, examples: [{ crossedAt: START + 102_000 }] }]);
    expect(judgedMs).toBe(42_000);
  });
});

test('a rule that only feeds others raises neither hits nor false alerts', () => {
  const chain = `
title: Two bursts
name: chain
level: high
correlation: {type: event_count, rules: [burst], group-by: [user.id], timespan: 1h, condition: {gte: 2}}
`;
  const { hits, falseAlerts } = judge(rulesOf(BURST, chain), reads(0, 3, { session: 'stolen' }), THEFT);
  expect([...hits, ...falseAlerts]).toEqual([]);
});

test('a copy of an event takes nothing a second time', () => {
  const events = reads(0, 4, { session: 'stolen' });
  const twice = events.flatMap((event, i) => [event, event].map((one) => ({ ...one, id: `r${i}` })));
  expect(judge(rulesOf(BURST), twice, THEFT).incidents).toMatchObject([{ records: 4, events: 4 }]);
});

test('a theft whose events name no account is by no account', () => {
  const stolen = reads(0, 3, { session: 'stolen', user: null });
  const { incidents } = judge(rulesOf(BURST), stolen, THEFT);
  expect(incidents).toMatchObject([{ records: 3, accounts: 0 }]);
  expect(incidents[0]!.course.at(-1)).toMatchObject({ accounts: 0 });
});

test('events that name no account are no account', () => {
  const events = [...reads(0, 1), { at: 1, user: '' }, { at: 2, user: null }];
  expect(judge(rulesOf(BURST), events).accounts).toBe(1);
});

test('an event with a clock of 1970 neither makes the log longer nor ends the learning', () => {
  const stray = { at: -START / 1000, user: 'u9' };
  const events = [...reads(0, 4), stray, ...reads(100, 4), { at: 200 }];
  const { falseAlerts, judgedMs, late } = judge(rulesOf(BURST), events, undefined, { learnMs: 50_000 });
  expect(judgedMs).toBe(150_000);
  expect(late).toBe(1);
  expect(falseAlerts).toMatchObject([{ alerts: 1, examples: [{ crossedAt: START + 102_000 }] }]);
});

test('accounts that only fail to log in are no accounts', () => {
  const events = [...reads(0, 1), { at: 1, user: 'guessed', action: 'login', outcome: 'failure' }];
  expect(judge(rulesOf(BURST), events).accounts).toBe(1);
});
