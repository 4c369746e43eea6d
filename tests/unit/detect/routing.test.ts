/** Which field decides where rules are correlated, and which rules nothing can part. */

import { describe, expect, test } from 'vitest';
import { routesOf, shardOf, unscaled } from '../../../src/detect/routing.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';

const BASE = ['read', 'write'].map(
  (name) => `title: ${name}
name: ${name}
logsource: {category: portal}
detection: {sel: {action: ${name}}, condition: sel}`,
);

interface Sketch {
  readonly by: readonly string[];
  readonly of?: readonly string[];
  readonly aliases?: string;
  readonly inhibits?: readonly string[];
}

/** The field by which each rule is routed; `-` where it is not. */
function routed(sketches: Readonly<Record<string, Sketch>>): Record<string, string> {
  const documents = Object.entries(sketches).map(
    ([name, { by, of = ['read'], aliases, inhibits }]) => `title: ${name}
name: ${name}
correlation:
  type: event_count
  rules: [${of.join(', ')}]
  group-by: [${by.join(', ')}]
  timespan: 1h
  condition: {gte: 2}
  ${aliases === undefined ? '' : `aliases: ${aliases}`}
level: high
${inhibits === undefined ? '' : `vigie.inhibits: [${inhibits.join(', ')}]`}`,
  );
  const { correlations, faults } = parseRules([
    { file: 'rules.yml', text: [...BASE, ...documents].join('\n---\n') },
  ]);
  expect(faults).toEqual([]);
  const routes = routesOf(correlations);
  return Object.fromEntries(
    correlations.map(({ key, groupBy }) => [key, groupBy[routes.get(key)!.field ?? Infinity] ?? '-']),
  );
}

describe('rules are routed', () => {
  test('by the field that they are grouped by, each for itself', () => {
    expect(routed({ a: { by: ['user'] }, b: { by: ['org'] } })).toEqual({ a: 'user', b: 'org' });
  });

  test('by the field of several that other rules are grouped by alone, so that they share signals', () => {
    expect(routed({ both: { by: ['app', 'user'] }, one: { by: ['user'] } })).toMatchObject({ both: 'user' });
    expect(routed({ both: { by: ['app', 'user'] } })).toEqual({ both: 'app' });
  });

  test('to one shard when they have no group', () => {
    expect(routed({ all: { by: [] }, a: { by: ['user'] } })).toEqual({ all: '-', a: 'user' });
  });

  test('with those that they refer to, by a field that both are grouped by', () => {
    expect(routed({ a: { by: ['user', 'org'] }, b: { by: ['org'], of: ['a'] } })).toEqual({
      a: 'org',
      b: 'org',
    });
    expect(routed({ a: { by: ['user'] }, b: { by: ['user', 'org'], of: ['a', 'write'] } })).toEqual({
      a: 'user',
      b: 'user',
    });
  });

  test('by an alias where a chain resolves it to the field of its parent', () => {
    const aliases = '{who: {a: user, write: actor}}';
    expect(routed({ a: { by: ['user'] }, b: { by: ['who'], of: ['a', 'write'], aliases } })).toEqual({
      a: 'user',
      b: 'who',
    });
  });

  test('to one shard when a chain has no field in common', () => {
    expect(
      routed({ a: { by: ['user'] }, b: { by: ['org'], of: ['a'] }, c: { by: ['user'], of: ['write'] } }),
    ).toEqual({
      a: '-',
      b: '-',
      c: 'user',
    });
  });

  test('together when they inhibit each other in the same groups, and for themselves in others', () => {
    const by = ['app', 'user'];
    expect(
      routed({ a: { by, inhibits: ['b'] }, b: { by, of: ['write'] }, c: { by: ['app'], of: ['b'] } }),
    ).toEqual({ a: 'app', b: 'app', c: 'app' });
    expect(routed({ a: { by: ['user'], inhibits: ['b'] }, b: { by: ['app'], of: ['write'] } })).toEqual({
      a: 'user',
      b: 'app',
    });
  });
});

test('rules that go to one shard are known by name', () => {
  const text = [
    ...BASE,
    'title: all\nname: all\ncorrelation: {type: event_count, rules: [read], timespan: 1h, condition: {gte: 2}}\nlevel: high',
  ].join('\n---\n');
  const { correlations } = parseRules([{ file: 'rules.yml', text }]);
  expect(unscaled(routesOf(correlations))).toEqual(['all']);
});

test.each([2, 3, 8, 12])('accounts spread evenly over %d shards', (shards) => {
  const counts = Array.from({ length: shards }, () => 0);
  for (let i = 0; i < 6000; i += 1) counts[shardOf(`u-${String(i).padStart(6, '0')}`, shards)]! += 1;
  const fair = 6000 / shards;
  for (const count of counts) expect(Math.abs(count - fair) / fair).toBeLessThan(0.15);
});

test('a value stays in its shard from one release to the next', () => {
  expect(['u-000001', 'é', '', null].map((value) => shardOf(value, 12))).toEqual([1, 1, 11, 10]);
});
