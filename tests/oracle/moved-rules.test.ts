/**
 * Rules that change while partitions move, by reloads and restarts, each process at its own moment: alerts of those
 * whose firings nothing has changed for are those of one process that nothing befalls, on random rules and logs.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Alert } from '../../src/alert/alert.ts';
import { alertingHashes, firingHashes } from '../../src/detect/firing-hash.ts';
import { routesOf } from '../../src/detect/routing.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import { outcomeOf as killedOutcome } from '../support/killed-pipeline.ts';
import { movedOutcome, type MovingWorld } from '../support/moving-partitions.ts';
import { substanceOf } from '../support/sharded-bench.ts';
import { randomOf } from '../unit/detect/harness.ts';
import { type CorrelationDocument, isCorrelation, type OracleDocument } from './documents.ts';
import { keyed, type Moved, moved, parted, rulesOf, settings, shown, withEnds } from './moved-cases.ts';
import { cases, timeoutMs } from './random-log.ts';
import { FAMILIES } from './random-rules.ts';

/** Fires sooner where it has a lower bound, else in another window. */
function eager(correlation: CorrelationDocument['correlation']): CorrelationDocument['correlation'] {
  const { condition } = correlation;
  if (typeof condition !== 'object' || (condition.gte ?? condition.gt) === undefined) {
    return { ...correlation, timespan: '9s' };
  }
  const { gt: _, ...bounds } = condition;
  return { ...correlation, condition: { ...bounds, gte: 1 } };
}

/** Some rules of it are gone, some new, some fire sooner, some bear another title. */
function changed(documents: readonly OracleDocument[], random: (below: number) => number): OracleDocument[] {
  const referred = new Set(
    documents.flatMap((document) => (isCorrelation(document) ? document.correlation.rules : [])),
  );
  const next = documents.flatMap((document, i): OracleDocument[] => {
    if (!isCorrelation(document)) return [document];
    const other = { ...document, correlation: eager(document.correlation) };
    switch (random(6)) {
      case 0:
        return referred.has(document.name) ? [document] : [];
      case 1:
        return [other];
      case 2:
        return [document, { ...other, title: `Twin ${i}`, name: `twin${i}` }];
      case 3:
        return [{ ...document, title: 'Otherwise' }];
      default:
        return [document];
    }
  });
  const often = { type: 'event_count' as const, rules: ['read'], timespan: '10s', condition: { gte: 2 } };
  return next.some(isCorrelation) ? next : [...next, { title: 'Often', name: 'often', correlation: often }];
}

/** Keys of rules that raise alerts before and after, and whose firings nothing has changed for. */
function unchanged(before: RuleSet, after: RuleSet): Set<string> {
  const [was, is] = [before, after].map((rules) => firingHashes(rules, routesOf(rules.correlations)));
  // Where the chain that kept a rule silent is gone, the rule begins to raise alerts with the same firings.
  const [raised, raises] = [alertingHashes(before), alertingHashes(after)];
  return new Set([...raised.keys()].filter((key) => raises.has(key) && was!(key) === is!(key)));
}

const untitled = (alerts: readonly Alert[], of: ReadonlySet<string>): Alert[] =>
  alerts.filter(({ rule }) => of.has(rule)).map((alert) => ({ ...alert, title: '' }));

async function compare({ one, seed, partitions, saves }: Moved, divides: boolean): Promise<void> {
  const random = randomOf(seed);
  const documents = divides ? one.documents : keyed(one.documents);
  const ruleSet = rulesOf(documents);
  const nextRules = rulesOf(changed(documents, random));
  const of = unchanged(ruleSet, nextRules);
  const logs = divides ? parted(one, partitions, random) : withEnds(parted(one, partitions, random));
  const world: MovingWorld = {
    ruleSet,
    latenessMs: one.latenessMs,
    logs,
    random,
    saves,
    ...(divides ? { shards: 1 + random(4) } : {}),
  };
  const told = partitions === 1 && !divides ? shown : substanceOf;
  const undisturbed = told(untitled(await movedOutcome(world, 0), of));
  const found = await movedOutcome({ ...world, nextRules }, 2 + random(10));
  expect(told(untitled(found, of))).toEqual(undisturbed);
}

/** Where an alert goes on after all that was committed when its rule changed, whatever is known of its beginning. */
const goingOn = (alerts: readonly Alert[], hashes: ReadonlyMap<string, string>, newestMs: number): string[] =>
  alerts
    .filter(({ status, rule, ruleHash }) => status !== 'merged' && hashes.get(rule) === ruleHash)
    .filter(({ lastEventAt }) => lastEventAt > newestMs)
    .map(({ rule, group, status, crossedAt, lastEventAt, value }) =>
      JSON.stringify([rule, group, status, lastEventAt, crossedAt > newestMs ? [crossedAt, value] : []]),
    )
    .toSorted();

async function restarted({ one, seed, partitions, saves }: Moved): Promise<void> {
  const random = randomOf(seed);
  const { documents, latenessMs } = one;
  const next = rulesOf(changed(documents, random));
  const logs = withEnds(parted(one, partitions, random));
  const world = { ruleSet: rulesOf(documents), latenessMs, logs, random, saves };
  let newestMs = -Infinity;
  const nextRules = (newest: number): RuleSet => {
    newestMs = newest;
    return next;
  };
  const found = await killedOutcome({ ...world, nextRules }, 1 + random(3));
  const hashes = alertingHashes(next);
  const undisturbed = await killedOutcome({ ...world, ruleSet: next }, 0);
  expect(goingOn(found, hashes, newestMs)).toEqual(goingOn(undisturbed, hashes, newestMs));
}

describe.each(FAMILIES)('random %s', { timeout: timeoutMs }, (family) => {
  test('find the same when others change while partitions move between processes', async () => {
    await fc.assert(
      fc.asyncProperty(moved(cases(family), 3), (one) => compare(one, false)),
      settings,
    );
  });

  test('find the same when others change while partitions of the input and shards move', async () => {
    await fc.assert(
      fc.asyncProperty(moved(cases(family), 3), (one) => compare(one, true)),
      settings,
    );
  });
});

// What a chain counts may be firings from before all that is read again.
test.each(FAMILIES.filter((family) => family !== 'chains'))(
  'random %s that are changed over a restart find all that goes on after it, once',
  { timeout: timeoutMs },
  async (family) => {
    await fc.assert(fc.asyncProperty(moved(cases(family), 3), restarted), settings);
  },
);
