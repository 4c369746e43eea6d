/** Several pipelines that write to one sink. */

import { expect, test } from 'vitest';
import { SharedSink } from '../../../src/sink/shared-sink.ts';
import type { AlertSink } from '../../../src/sink/sink.ts';
import { alertFixture } from '../../support/alert-fixture.ts';

function scripted() {
  const calls: string[][] = [];
  let under = 0;
  let fails = false;
  const taking = async (name: string, items: readonly string[]): Promise<void> => {
    under += 1;
    expect(under).toBe(1);
    await new Promise((done) => setTimeout(done, 1));
    under -= 1;
    calls.push([name, ...items]);
    if (fails) throw new Error('away');
  };
  const sink: AlertSink = {
    open: async () => {},
    stored: async (ids) => {
      await taking('ids', ids);
      return new Map(ids.map((id) => [id, { detectedAt: 1, version: 2 }]));
    },
    alertsSince: async (since) => {
      await taking(
        'since',
        [...since].map(([rule, ms]) => `${rule} ${ms}`),
      );
      return [150, 250].map((lastEventAt) =>
        alertFixture({ alertId: `at ${lastEventAt}`, rule: 'rule', lastEventAt }),
      );
    },
    writeAlerts: (alerts, signal) =>
      taking(
        signal?.aborted === true ? 'aborted' : 'alerts',
        alerts.map(({ alertId }) => alertId),
      ),
    writeEvents: (events) =>
      taking(
        'events',
        events.map(({ eventId }) => eventId),
      ),
    close: async () => {},
  };
  return { sink: new SharedSink(sink), calls, fail: (does = true) => (fails = does) };
}

const named = (alertId: string) => alertFixture({ alertId });

test('rows that wait while the sink is busy are written together, in one call at a time', async () => {
  const { sink, calls } = scripted();
  await Promise.all([
    sink.writeEvents([{ eventId: 'e', time: 0, fields: {} }]),
    sink.writeAlerts([named('a'), named('b')]),
    sink.stored(['x']).then((known) => expect(known?.get('x')?.version).toBe(2)),
    sink.writeAlerts([named('c')]),
  ]);
  expect(calls).toEqual([
    ['events', 'e'],
    ['alerts', 'a', 'b', 'c'],
    ['ids', 'x'],
  ]);
});

test('each shard asks on its own which alerts go on, in its turn', async () => {
  const { sink, calls } = scripted();
  await Promise.all([
    sink.writeAlerts([named('a')]),
    sink.alertsSince(new Map([['rule', 100]])),
    sink.alertsSince(new Map([['rule', 200]])),
  ]);
  expect(calls).toEqual([
    ['alerts', 'a'],
    ['since', 'rule 100'],
    ['since', 'rule 200'],
  ]);
});

test('a failure rejects the calls whose rows were part of it, and no others', async () => {
  const { sink, calls, fail } = scripted();
  await sink.writeAlerts([named('a')]);
  fail();
  const results = await Promise.allSettled([sink.writeAlerts([named('b')]), sink.writeAlerts([named('c')])]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fail(false);
  await sink.writeAlerts([named('d')]);
  expect(calls).toEqual([
    ['alerts', 'a'],
    ['alerts', 'b', 'c'],
    ['alerts', 'd'],
  ]);
});

test('the signal of a caller reaches the sink', async () => {
  const { sink, calls } = scripted();
  await sink.writeAlerts([named('a')], AbortSignal.abort());
  expect(calls).toEqual([['aborted', 'a']]);
});
