/** Rules that count what is new: what their alerts say, and what of a group outlives its windows. */

import { expect, test } from 'vitest';
import { EngineBench, type RuleSketch, rulesOf, type Sent } from './harness.ts';

/** In the unit of sketches: ten seconds of history. */
const NEW = 'vigie.new_terms: {fields: network, history: 10000s}';
const fresh = (gte = 1, root = NEW): RuleSketch => ({ type: 'event_count', timespanMs: 1000, gte, root });

const login = (time: number, network: string, fields: object = {}): Sent => ({
  time,
  fields: { user: 'a', network, ...fields },
});
const KNOWN = [login(0, 'n1'), login(5_000, 'n1'), login(10_000, 'n1')];

function sent(events: readonly Sent[], sketches = [fresh()], latenessMs = 0): EngineBench {
  const bench = new EngineBench(rulesOf(...sketches), { latenessMs });
  for (const event of events) bench.take(event);
  return bench;
}

/** Many groups, so that the hand that forgets passes over all. */
const others = (from: number, to: number): Sent[] =>
  Array.from({ length: 2_000 }, (_, i) => ({
    time: from + ((to - from) * i) / 2_000,
    fields: { user: `u${i % 1_000}`, network: 'n1' },
  }));

test('an alert comes once the watermark is past the event, and no sooner', () => {
  const bench = sent([...KNOWN, login(12_000, 'n2'), login(13_999, 'n1')], [fresh()], 2_000);
  expect(bench.episodes).toHaveLength(0);
  bench.take(login(14_001, 'n1'));
  expect(bench.episodes.map(({ crossedAt }) => crossedAt)).toEqual([12_000]);
});

const about = (person: string, service: string) => ({
  'portal.records.ids': person,
  'portal.records.count': 10,
  'service.name': service,
  'source.ip': '192.0.2.1',
});

test('an alert is about the events that count and about nothing else', () => {
  const bench = sent([
    ...KNOWN,
    login(11_500, 'n1', about('p1', 'before')),
    login(12_000, 'n2', about('p2', 'portal')),
    login(12_100, 'n2', about('p3', 'again')),
    login(12_200, 'n3', about('p4', 'portal')),
    login(12_300, 'n1', about('p5', 'after')),
  ]);
  bench.finish();
  expect(bench.episodes.map((episode) => bench.render(episode))).toMatchObject([
    {
      firstEventAt: 12_000,
      crossedAt: 12_000,
      lastEventAt: 12_200,
      events: 2,
      persons: 2,
      records: 20,
      applications: ['portal'],
      sourceNetworks: ['192.0.2.0/24'],
      recordsBeforeAlert: 10,
      value: 2,
    },
  ]);
});

test('a rule without the key over the same events is told as before, and thresholds with it share their terms', () => {
  const events = [...KNOWN, login(12_000, 'n2'), login(12_100, 'n3'), login(12_200, 'n1')];
  const bench = sent(events, [fresh(1), fresh(2), fresh(3), { ...fresh(3), root: '' }]);
  bench.finish();
  expect(bench.episodes.map(({ of, crossedAt }) => `${of.rule.key} ${crossedAt}`)).toEqual([
    'c0 12000',
    'c1 12100',
    'c3 12200',
  ]);
  expect(bench.engine.size().groups).toBe(2);
});

test('a group is held for a history after its last event, and then forgotten', () => {
  const bench = sent([...KNOWN, ...others(10_001, 19_998), login(19_999, 'n2'), ...others(20_000, 20_001)]);
  expect(bench.episodes.map(({ crossedAt }) => crossedAt)).toEqual([19_999]);
  for (const event of others(50_000, 50_001)) bench.take(event);
  for (let i = 0; i < 2000; i += 1) bench.take({ time: 90_000 + i, fields: { user: 'x', network: 'n' } });
  expect(bench.engine.size().groups).toBeLessThan(10);
});

test('a group is held while its first event waits for the watermark, however many others come', () => {
  const bench = sent([login(10_000, 'n1'), ...others(10_001, 14_000)], [fresh()], 5_000);
  for (const event of [login(15_000, 'n1'), login(20_000, 'n2'), login(26_000, 'n1')]) bench.take(event);
  // By then it was known for a history.
  expect(bench.episodes.map(({ crossedAt }) => crossedAt)).toEqual([20_000]);
});

test('an event in no group is counted once, and terms beyond the bound are', () => {
  const bench = sent(
    [{ time: 0, fields: { network: 'n1' } }, ...Array.from({ length: 200 }, (_, i) => login(i, `n${i}`))],
    [fresh(1, `${NEW}\nvigie.max_entries: 64`)],
  );
  bench.finish();
  expect(bench.engine.counts.missingGroup.get('c0')).toBe(1);
  expect(bench.engine.counts.coalesced).toBeGreaterThan(200 - 64 - 1);
});

test('long values and many distinct ones of other measures pass the gate unharmed', () => {
  const persons = Array.from({ length: 300 }, (_, i) => `p${i}`);
  const bench = sent(
    [...KNOWN, login(12_000, 'n'.repeat(10_000), { person: persons }), login(12_001, 'n2', { person: [] })],
    [{ ...fresh(300), type: 'value_count', field: 'person' }],
  );
  bench.finish();
  expect(bench.episodes.map(({ value }) => value)).toEqual([300]);
});

test('a group that is evicted while its events wait is gone with them, and learns anew', () => {
  const sketches = [fresh(1, `${NEW}\nvigie.max_groups: 2`)];
  const bench = sent([...KNOWN, login(12_000, 'n2')], sketches, 3_000);
  for (let i = 0; i < 8; i += 1) bench.take({ time: 12_001, fields: { user: `u${i}`, network: 'n' } });
  bench.take(login(13_000, 'n3'));
  bench.finish();
  expect(bench.engine.counts.evictions.get('c0')).toBeGreaterThan(6);
  expect(bench.episodes).toEqual([]);
});
