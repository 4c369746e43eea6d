/** Which stored alert an episode goes on as. Times are seconds; an episode ends after a pause of ten. */

import { expect, test } from 'vitest';
import type { Alert } from '../../../src/alert/alert.ts';
import { Episode, type EpisodeGroup, type EpisodeRule } from '../../../src/alert/episode.ts';
import { KnownAlerts, takeStoredIds as take } from '../../../src/pipeline/known-alerts.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import type { AssignedPartition } from '../../../src/source/source.ts';
import { StateReader } from '../../../src/state/state-reader.ts';
import { StateWriter } from '../../../src/state/state-writer.ts';

/** Of episodes that are all to be told of. */
const takeStoredIds = (changed: Set<Episode>, stored: readonly Alert[]) =>
  take({ open: new Set(), changed }, stored);

let opened = 0;

function episode(rule: string, user: string, [from, to]: [number, number]): Episode {
  opened += 1;
  const of = { rule: { key: rule, resolveTimeoutMs: 10_000 }, muted: false, measure: 1 } as EpisodeRule;
  const group = { fields: { 'user.id': user, place: null } } as unknown as EpisodeGroup;
  const made = new Episode(of, group, { end: from * 1000, value: 1, estimated: false, sequence: opened });
  made.lastTrueAt = to * 1000;
  return made;
}

function stored(alertId: string, rule: string, user: string, [from, to]: [number, number]): Alert {
  // As a database may give it: in another order.
  const group = { place: null, 'user.id': user };
  return { alertId, rule, group, crossedAt: from * 1000, lastEventAt: to * 1000 } as unknown as Alert;
}

test('an episode takes the id of a stored alert of its rule and group that overlaps with it', () => {
  const here = episode('a', 'anne', [100, 120]);
  const [later, other, another] = [
    episode('a', 'anne', [200, 210]),
    episode('b', 'anne', [100, 120]),
    episode('a', 'ben', [100, 120]),
  ];
  const own = [later, other, another].map(({ alertId }) => alertId);
  takeStoredIds(new Set([here, later, other, another]), [stored('s', 'a', 'anne', [125, 130])]);
  expect(here.alertId).toBe('s');
  expect([later, other, another].map(({ alertId }) => alertId)).toEqual(own);
});

test.each([
  [[89, 90], 's'],
  [[88, 89.999], 'its own'],
  [[130, 131], 's'],
  [[130.001, 131], 'its own'],
] as const)('an episode from 100 to 120 and a stored alert of %j: it takes the id %s', (times, id) => {
  const here = episode('a', 'anne', [100, 120]);
  const own = here.alertId;
  takeStoredIds(new Set([here]), [stored('s', 'a', 'anne', [...times])]);
  expect(here.alertId).toBe(id === 's' ? 's' : own);
});

test('an episode that was written keeps its id', () => {
  const [written, fresh] = [episode('a', 'anne', [100, 120]), episode('a', 'anne', [125, 126])];
  const own = [written, fresh].map(({ alertId }) => alertId);
  const alerts = [stored(written.alertId, 'a', 'ben', [1, 2]), stored('s', 'a', 'anne', [100, 120])];
  const told = { open: new Set<Episode>(), changed: new Set([written, fresh]) };
  const parts = take(told, alerts, (each) => each === fresh);
  expect([written.alertId, fresh.alertId]).toEqual([own[0], 's']);
  expect(parts).toEqual([]);
});

test('an episode that is stored under its own id keeps it, and a later episode does not take it', () => {
  const [here, near] = [episode('a', 'anne', [100, 120]), episode('a', 'anne', [131, 140])];
  const own = near.alertId;
  takeStoredIds(new Set([near, here]), [stored(here.alertId, 'a', 'anne', [100, 125])]);
  expect(near.alertId).toBe(own);
});

test('an earlier episode does not take the id of one that is stored under its own', () => {
  const [before, here] = [episode('a', 'anne', [100, 120]), episode('a', 'anne', [131, 140])];
  const own = before.alertId;
  takeStoredIds(new Set([before, here]), [stored(here.alertId, 'a', 'anne', [125, 140])]);
  expect(before.alertId).toBe(own);
});

test('of several stored alerts an episode takes the one with its own crossing, and each is taken once', () => {
  const [first, second] = [episode('a', 'anne', [100, 120]), episode('a', 'anne', [131, 140])];
  takeStoredIds(new Set([first, second]), [
    stored('wide', 'a', 'anne', [90, 200]),
    stored('same', 'a', 'anne', [100, 104]),
  ]);
  expect([first.alertId, second.alertId]).toEqual(['same', 'wide']);
});

test('further stored alerts that overlap with an episode are parts of it', () => {
  const [here, next] = [episode('a', 'anne', [100, 120]), episode('a', 'anne', [140, 150])];
  const [first, part, far, ben] = [
    stored('first', 'a', 'anne', [101, 102]),
    stored('part', 'a', 'anne', [115, 118]),
    stored('far', 'a', 'anne', [200, 210]),
    stored('other', 'a', 'ben', [100, 120]),
  ];
  const parts = takeStoredIds(new Set([here, next]), [first, part, far, ben]);
  expect(here.alertId).toBe('first');
  expect(parts).toEqual([[part, here]]);
});

test('an episode that merged into the one that takes its id is not reported', () => {
  const [here, again] = [episode('a', 'anne', [100, 120]), episode('a', 'anne', [110, 120])];
  again.status = 'merged';
  again.mergedInto = here.alertId;
  const changed = new Set([here, again]);
  takeStoredIds(changed, [stored(again.alertId, 'a', 'anne', [110, 120])]);
  expect(here.alertId).toBe(again.alertId);
  expect(again.mergedInto).toBe(here.alertId);
  expect([...changed]).toEqual([here]);
});

test('references to an episode follow it to its new id', () => {
  const [above, below, merged] = [
    episode('a', 'anne', [100, 120]),
    episode('b', 'anne', [100, 120]),
    episode('a', 'anne', [110, 120]),
  ];
  below.inhibitedBy = above.alertId;
  merged.status = 'merged';
  merged.mergedInto = above.alertId;
  takeStoredIds(new Set([above, below, merged]), [stored('s', 'a', 'anne', [100, 110])]);
  expect([below.inhibitedBy, merged.mergedInto]).toEqual(['s', 's']);
});

test('an episode is saved with the id that it took', () => {
  const here = episode('a', 'anne', [100, 120]);
  takeStoredIds(new Set([here]), [stored('s', 'a', 'anne', [100, 120])]);
  for (const each of [here, episode('a', 'ben', [100, 120])]) {
    const writer = new StateWriter();
    each.save(writer.section(each.alertId));
    const reader = StateReader.of(Buffer.concat(writer.finish()));
    const loaded = reader.section(each.alertId, (section) => Episode.load(section, each.of, each.group));
    expect(loaded.alertId).toBe(each.alertId);
  }
});

test('alerts wait until everything is read again, and at least for the idle timeout', async () => {
  let now = 0;
  let isRead = false;
  const known = new KnownAlerts({
    sink: { alertsSince: async () => [stored('s', 'a', 'anne', [100, 120])] },
    source: { caughtUp: () => isRead },
    clock: { now: () => now, elapsed: () => now },
    idleTimeoutMs: 1000,
  });
  const partitions: AssignedPartition[] = [
    { partition: 0, committedOffset: undefined, metadata: undefined, endOffset: 1 },
  ];
  const areAwaited = () => known.areAwaited(partitions, 0);
  expect(areAwaited()).toBe(false);
  await known.ask(
    partitions,
    { correlations: [] } as unknown as RuleSet,
    () => 0,
    new AbortController().signal,
  );
  now = 5000;
  expect(areAwaited()).toBe(true);
  isRead = true;
  expect(areAwaited()).toBe(false);
  now = 999;
  expect(areAwaited()).toBe(true);
  known.forget();
  expect(areAwaited()).toBe(false);
});
